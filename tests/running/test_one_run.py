"""One run at a time on a state folder."""

import os
from pathlib import Path

import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.running.lock import only_one


def test_a_second_run_on_the_same_folder_is_refused_by_naming_the_first(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(SourceUnavailable, match=f"process {os.getppid()}"), only_one(tmp_path):
        pytest.fail("two runs at a time")


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with only_one(tmp_path / "new"):
            assert (tmp_path / "new" / "up.lock").read_text() == str(os.getppid())
