"""What was published before binds what is published now: ids stay, active starts stand, no closure just vanishes."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Record, Shape, is_point
from trafficfeed.formats.rules.geometry import metres
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant, now_of

_ELSEWHERE_M = 50.0  # wider than any carriageway, narrower than most blocks
_SHORT_M = 12.0


@rule("history.start_moved", mend="keep the start, and say in the text what has changed")
def keeps_the_start_of_what_is_active(yard: Yardstick) -> Iterator[Fault]:
    """The start of a closure that is in force does not move.

    Source: unwritten: to a reader it is another closure, and the one that drivers are led round is over.
    """
    now = now_of(yard)
    for before, record in _again(yard):
        was, start = instant(before.start[1]), instant(record.start[1])
        if was and start and was != start and _is_active(before, now) and not record.cancelled:
            yield Fault(
                record.start[0], f"{record.id!r} is in force since {before.start[1]}, and now {record.start[1]}"
            )


@rule("history.vanished", "native", "wzdx", "cifs", "cifs-json", "datex2",
      mend="let it end: publish it with its end set to now, and keep it an hour; or state a tombstone")  # fmt: skip
def lets_nothing_vanish(yard: Yardstick) -> Iterator[Fault]:
    """A record that neither ended nor was cancelled does not vanish from the feed, unless it was withdrawn knowingly.

    Source: unwritten: a reader cannot tell a road that is open again from a fault of the feed. Our tombstones (native)
    and what the caller names as gone are accepted.
    """
    now = now_of(yard)
    if yard.previous is None or now is None:
        return
    there = {record.id for record in yard.feed.records} | yard.others
    gone = yard.gone | {id for id, _ in yard.feed.tombstones}
    for before in yard.previous.records:
        end = instant(before.end[1])
        if before.id in there or before.cancelled or (end is not None and end <= now) or _is_of(before.id, gone):
            continue
        yield Fault(before.path, f"{before.id!r} was published until {before.end[1]} and is not there any more")


@rule("history.moved_away", mend="give another street, segment or direction another id")
def keeps_its_place(yard: Yardstick) -> Iterator[Fault]:
    """An id stays with its street, segment and direction.

    Source: CIFS specification, incident id ("remain stable over an incident's lifetime"); WZDx 4.2,
    RoadEventFeature.id; DATEX II 3.5, versioned identifiable records.
    """
    for before, record in _again(yard):
        was, now = _line(before), _line(record)
        if was is None or now is None:
            continue
        origin = np.vstack([was, now])
        flat = metres(origin)
        fault = _moved(flat[: len(was)], flat[len(was) :])
        if fault:
            yield Fault(record.lines[0].path, f"{record.id!r} {fault}")


@rule("history.version", "native", "datex2", "rsi", mend="count versions upwards")
def counts_versions_upwards(yard: Yardstick) -> Iterator[Fault]:
    """The version of a record never falls.

    Source: DATEX II 3.5, SituationRecord.version; a reader skips a version that it has seen.
    """
    for before, record in _again(yard):
        was, now = _count(before), _count(record)
        if was is not None and now is not None and now < was and record.version:
            yield Fault(record.version[0], f"{record.id!r} had version {was}, and now {now}")


@rule("history.update", severity=Severity.WARNING, mend="take the time of the latest change")
def updates_move_forward(yard: Yardstick) -> Iterator[Fault]:
    """A record's time of update never goes back, unless a release was rolled back.

    Source: readers keep the newer of two versions by that time (WZDx 4.2, update_date; CIFS, updatetime).
    """
    for before, record in _again(yard):
        was, now = instant(before.updated), instant(record.updated)
        if was and now and now < was:
            yield Fault(record.path, f"{record.id!r} was updated at {before.updated}, and now at {record.updated}")


RULES = (
    keeps_the_start_of_what_is_active, lets_nothing_vanish, keeps_its_place, counts_versions_upwards,
    updates_move_forward,
)  # fmt: skip


def _again(yard: Yardstick) -> Iterator[tuple[Record, Record]]:
    """Yield the records that were there before, with what they were."""
    known = {record.id: record for record in yard.previous.records if record.id} if yard.previous else {}
    for record in yard.feed.records:
        if record.id in known:
            yield known[record.id], record


def _is_active(record: Record, now: datetime | None) -> bool:
    start, end = instant(record.start[1]), instant(record.end[1])
    return (
        now is not None and start is not None and start <= now and (end is None or now < end) and not record.cancelled
    )


def _is_of(record_id: str, gone: frozenset[str]) -> bool:
    """Tell whether a record is one of those gone, or was made of one: its id goes on after a dot."""
    if record_id in gone:
        return True
    parts = record_id.split(".")
    return any(".".join(parts[:count]) in gone for count in range(1, len(parts)))


def _line(record: Record) -> npt.NDArray[np.float64] | None:
    line = record.lines[0] if record.lines else None
    if line is None or line.shape is not Shape.LINE or len(line.coordinates) < 2:
        return None
    if not all(map(is_point, line.coordinates)):
        return None
    return np.array([point[:2] for point in line.coordinates], dtype=np.float64)


def _moved(was: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> str:
    if np.array_equal(was, now):
        return ""
    lines = shapely.linestrings(was), shapely.linestrings(now)
    middles = [shapely.line_interpolate_point(line, 0.5, normalized=True) for line in lines]
    away = min(shapely.distance(lines[0], middles[1]), shapely.distance(lines[1], middles[0]))
    if away > _ELSEWHERE_M:
        return f"was {away:.0f} m from here"
    across = was[-1] - was[0], now[-1] - now[0]
    ends = np.hypot(*(was[0] - now[-1])) + np.hypot(*(was[-1] - now[0]))
    turned = min(np.hypot(*across[0]), np.hypot(*across[1])) > _SHORT_M and float(across[0] @ across[1]) < 0
    return "runs the other way" if turned and ends < np.hypot(*across[0]) else ""


def _count(record: Record) -> int | None:
    text = str(record.version[1]) if record.version else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
