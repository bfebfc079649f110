"""How long a release takes in every format: from nothing, after one change, and when nothing has changed.

    python -m benchmarks.releasing [--events 1500] [--grid N] [--json]

The orders are approved in a store of their own, each of one record; two partners add variants. The full release is
that of a process that has just started: orders read, matched to the streets, encoded, checked and written. After one
change: one order is added (and, apart, one ended), and the release made by the same process. Goal: at most a tenth.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its names are not modules' names

from benchmarks.busy_city.town import fill, installation, orders_of
from trafficfeed.pipeline.orders import end_order, store_emergency
from trafficfeed.pipeline.releasing import Released, release
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database, open_database

GOAL = 0.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1500, help="records in the feed")
    parser.add_argument("--grid", type=int, default=0, help="junctions along a side of a made grid; 0: the demo city")
    parser.add_argument("--changes", type=int, default=5, help="how many single changes are timed")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="releasing-") as folder:
        found = measure(installation(Path(folder), grid=given.grid), events=given.events, changes=given.changes)
    print(json.dumps(found, indent=1) if given.json else as_text(found))
    return int(found["change_share"] > GOAL)


def measure(settings: Settings, *, events: int, changes: int) -> dict[str, Any]:
    """Release a feed of `events` records in all the ways; times in seconds."""
    as_of = datetime.now(UTC).replace(microsecond=0)
    database = open_database(settings.database_url)
    fill(database, settings, events, as_of=as_of)
    full, first = _timed(settings, database, as_of)
    added, ended = [], []
    for number, order in enumerate(islice(orders_of(settings, as_of=as_of, seed=2), changes), 1):
        as_of += timedelta(seconds=1)
        store_emergency(database, order, (), actor="benchmark", as_of=as_of, reason="a benchmark")
        added.append(_timed(settings, database, as_of))
        as_of += timedelta(seconds=1)
        end_order(database, f"busy-2-{order.id[-5:]}", actor="benchmark", as_of=as_of, reason=f"{number}")
        ended.append(_timed(settings, database, as_of))
    same = [_timed(settings, database, as_of + timedelta(seconds=n + 1)) for n in range(changes)]
    change_s = statistics.median([*(s for s, _ in added), *(s for s, _ in ended)])
    database.close()
    return {
        "events": events,
        "city": settings.city,
        "documents": len(first.manifest.documents),
        "bytes": sum({d.sha256: d.size for d in first.manifest.documents.values()}.values()),
        "withheld": len(first.withheld),
        "left_out": len(first.left_out),
        "full_s": round(full, 3),
        "full_stages_s": _rounded(first),
        "added_s": round(statistics.median(s for s, _ in added), 3),
        "added_stages_s": _rounded(added[-1][1]),
        "ended_s": round(statistics.median(s for s, _ in ended), 3),
        "same_s": round(statistics.median(s for s, _ in same), 3),
        "same_stages_s": _rounded(same[-1][1]),
        "change_share": round(change_s / full, 4),
        "goal_share": GOAL,
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a terminal."""
    lines = [
        f"{found['events']} records, {found['documents']} documents, {found['bytes'] / 1e6:.1f} MB in {found['city']}",
        f"full, from nothing     {found['full_s']:8.2f} s  {_stages(found['full_stages_s'])}",
        f"after one order more   {found['added_s']:8.2f} s  {_stages(found['added_stages_s'])}",
        f"after one order's end  {found['ended_s']:8.2f} s",
        f"nothing changed        {found['same_s']:8.2f} s  {_stages(found['same_stages_s'])}",
        f"one change is {found['change_share']:.1%} of a full release; goal {found['goal_share']:.0%}: "
        + ("reached" if found["change_share"] <= found["goal_share"] else "MISSED"),
    ]
    return "\n".join(lines)


def _stages(stages: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in stages.items())


def _timed(settings: Settings, database: Database, as_of: datetime) -> tuple[float, Released]:
    began = time.perf_counter()
    released = release(settings, database=database, as_of=as_of)
    return time.perf_counter() - began, released


def _rounded(released: Released) -> dict[str, float]:
    return {name: round(seconds, 3) for name, seconds in released.stages_s.items()}


if __name__ == "__main__":
    sys.exit(main())
