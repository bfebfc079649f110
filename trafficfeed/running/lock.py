"""One run at a time on a state folder: a second one is refused, and the lock goes with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trafficfeed.errors import SourceUnavailable


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the lock of `state_dir`, making the folder if need be.

    Raises
    ------
    SourceUnavailable
        Another run holds it; the message names its process.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise SourceUnavailable(
                f"trafficfeed is already running on {state_dir} (process {file.read().strip() or 'unknown'}): "
                "stop it first, or give this one a folder and ports of its own "
                "(TRAFFICFEED_STATE_DIR, TRAFFICFEED_API_PORT, TRAFFICFEED_AIRFLOW_PORT)"
            ) from error
        file.truncate(0)
        file.write(str(os.getppid()))  # the guard: the one to stop
        file.flush()
        yield
