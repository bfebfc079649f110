"""Keep a copy of a closures feed by increments: ``python follow_closures.py URL FILE``; kill it whenever you like."""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

Copy = dict[str, Any]  # {"version": …, "document": the feed's own JSON}


def follow(url: str, file: Path, every_s: float) -> None:
    """Bring the copy up to date for ever; whatever fails is tried again."""
    while True:
        try:
            save(file, brought_up_to_date(url, read(file)))
        except (urllib.error.URLError, OSError, ValueError) as error:
            sys.stderr.write(f"will try again: {error}\n")
        time.sleep(every_s)


def brought_up_to_date(url: str, copy: Copy) -> Copy:
    """Return the copy with what has changed since; one that the server does not know is replaced (`reset`)."""
    since = urllib.parse.urlencode({"since": copy.get("version", "none")})
    with urllib.request.urlopen(f"{url}?{since}", timeout=30) as answer:
        told = json.load(answer)
    if told["to"] == copy.get("version"):
        return copy
    key = told["records"]  # the name of the feed's list: "features"
    held = {} if told["reset"] else {record["id"]: record for record in copy["document"][key]}
    for gone in told["tombstones"]:
        held.pop(gone["id"], None)  # gone["reason"]: ended, cancelled or withdrawn
    held.update((record["id"], record) for record in told["upserts"])
    return {"version": told["to"], "document": {**told["head"], key: [held[name] for name in sorted(held)]}}


def read(file: Path) -> Copy:
    """Return the copy kept in `file`, or an empty one."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def save(file: Path, copy: Copy) -> None:
    """Put the copy in place of the old one in one step: a crash leaves one of them, whole."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(copy, ensure_ascii=False), "utf-8")
    draft.replace(file)


if __name__ == "__main__":
    follow(sys.argv[1], Path(sys.argv[2]), every_s=float(sys.argv[3]) if len(sys.argv) > 3 else 60.0)
