"""Tokens: given by the settings, or one made at the first start for its owner alone."""

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.tokens import load_tokens
from trafficfeed.errors import SourceMalformed
from trafficfeed.settings import Settings


def test_without_tokens_one_is_made_that_only_its_owner_can_read(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "state")
    tokens = load_tokens(settings)
    path = tmp_path / "state" / "tokens.json"
    (name, token), *others = json.loads(path.read_text("utf-8")).items()
    assert not others
    assert len(token) >= 32
    assert tokens.owner(token) == name == "officer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["tokens.json"]


def test_the_token_stays_the_same_at_the_next_start(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    load_tokens(settings)
    before = (tmp_path / "tokens.json").read_bytes()
    load_tokens(settings)
    assert (tmp_path / "tokens.json").read_bytes() == before


def test_tokens_of_the_settings_need_no_file_and_know_their_owners(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, api_tokens={"ann": SecretStr("a"), "nobody": SecretStr("")})
    tokens = load_tokens(settings)
    assert tokens.owner("a") == "ann"
    assert tokens.owner("b") is None
    assert tokens.owner("") is None
    assert not (tmp_path / "tokens.json").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"ann": 1}', "{"])
def test_a_damaged_token_file_is_refused_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokens.json").write_text(content, "utf-8")
    with pytest.raises(SourceMalformed, match=r"tokens\.json"):
        load_tokens(Settings(state_dir=tmp_path))
    assert (tmp_path / "tokens.json").read_text("utf-8") == content
