"""A run whose children do what children must not: ignore SIGTERM, flee into sessions of their own, orphan theirs.

Run by `test_processes`: prints READY when all of them live, and their process ids into the folder given.
"""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from trafficfeed.running.processes import Component, guarded

_STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
folder, depth = sys.argv[1], int(sys.argv[2])
if depth:
    subprocess.Popen([sys.executable, "-c", open(folder + "/stubborn.py").read(), folder, str(depth - 1)],
                     start_new_session=True)
open(f"{folder}/{os.getpid()}.pid", "w").close()
if depth == 1:
    sys.exit()  # its own child becomes an orphan
time.sleep(600)
"""


def _story(folder: Path) -> int:
    (folder / "stubborn.py").write_text(_STUBBORN)
    component = Component(
        name="stubborn",
        command=[sys.executable, "-c", _STUBBORN, str(folder), "2"],
        environment={},
        log=folder / "log",
    )
    component.start()
    while len(list(folder.glob("*.pid"))) < 3:
        time.sleep(0.05)
    (folder / "story.pid").write_text(subprocess.check_output(["sh", "-c", "echo $PPID"], text=True))
    print("READY", flush=True)  # noqa: T201
    time.sleep(600)
    return 0


if __name__ == "__main__":
    sys.exit(guarded(partial(_story, Path(sys.argv[1])), grace_s=0.5))
