"""Times as sources write them to UTC; a wall time that a clock change makes doubtful is told as such, never guessed.

Where the clocks go back, a wall time occurs twice. The readings of one sensor in one file tell which is meant if they
stand in order and go back once: those before it belong to the first hour, those after to the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

EPOCH_S: Final = "epoch_s"
EPOCH_MS: Final = "epoch_ms"
_YEARS: Final = (1900, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """What became of a written time.

    Attributes
    ----------
    at
        Aware UTC; None where the text is no time at all.
    doubt
        Why it cannot be told which instant is meant; `at` is then only the first that it may be. "": it can.
    note
        Said where the order of readings told.
    """

    at: datetime | None
    doubt: str = ""
    note: str = ""


def read_times(written: Sequence[object], *, zone: ZoneInfo | None, time_format: str = "") -> list[Instant]:
    """Return the instant of each time of one sensor, in the order of the file.

    Parameters
    ----------
    written
        Texts with an offset, or wall times of `zone`; numbers, if `time_format` says what they count.
    zone
        None: a time without an offset is refused.
    time_format
        Of `strptime`; ``epoch_s`` and ``epoch_ms``: seconds and milliseconds since 1970 UTC. "": ISO 8601.
    """
    read = [_read(one, time_format) for one in written]
    found: list[Instant | None] = [None] * len(read)
    walls: list[tuple[int, datetime]] = []
    for row, time in enumerate(read):
        if isinstance(time, str):
            found[row] = Instant(at=None, doubt=time)
        elif time.tzinfo is not None:
            found[row] = Instant(at=time.astimezone(UTC))
        elif zone is None:
            doubt = f"{time.isoformat()} has no offset, and the source declares no timezone"
            found[row] = Instant(at=None, doubt=doubt)
        else:
            walls.append((row, time))
    if zone is not None:
        for (row, _), instant in zip(walls, _on_the_wall([wall for _, wall in walls], zone), strict=True):
            found[row] = instant
    return [one for one in found if one is not None]


def _read(value: object, time_format: str) -> datetime | str:
    """Return a time, naive where it bears no offset; a text: what is wrong with it."""
    found = _unbounded(value, time_format)
    if isinstance(found, datetime) and not _YEARS[0] <= found.year <= _YEARS[1]:
        return f"{value!r} is no time that a reading can have"
    return found


def _unbounded(value: object, time_format: str) -> datetime | str:
    try:
        if time_format in (EPOCH_S, EPOCH_MS):
            seconds = float(str(value)) / (1000.0 if time_format == EPOCH_MS else 1.0)
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        if isinstance(value, int | float):
            return f"{value!r} is a number: declare time_format = epoch_s or epoch_ms"
        text = str(value).strip()
        # naive where it bears no offset: the source's zone is applied afterwards
        return datetime.strptime(text, time_format) if time_format else datetime.fromisoformat(text)  # noqa: DTZ007
    except (ValueError, OverflowError):
        return f"{value!r} is no time" + (f" of the format {time_format}" if time_format else " in ISO 8601")


def _on_the_wall(walls: Sequence[datetime], zone: ZoneInfo) -> list[Instant]:
    kinds = [_kind(wall, zone) for wall in walls]
    told = _told_by_order(walls, kinds, zone) if "repeated" in kinds else None
    found = []
    for row, (wall, kind) in enumerate(zip(walls, kinds, strict=True)):
        first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if kind == "plain":
            found.append(Instant(at=first))
        elif kind == "skipped":
            doubt = f"{wall.isoformat()} does not exist in {zone.key}: the clocks go forward then"
            found.append(Instant(at=first, doubt=doubt))
        elif told is not None:
            note = f"{wall.isoformat()} occurs twice in {zone.key}; the order of the readings tells which"
            found.append(Instant(at=told[row], note=note))
        else:
            doubt = f"{wall.isoformat()} occurs twice in {zone.key}: the clocks go back then"
            found.append(Instant(at=first, doubt=doubt))
    return found


def _told_by_order(walls: Sequence[datetime], kinds: Sequence[str], zone: ZoneInfo) -> list[datetime] | None:
    """Return all instants where the order tells them; None where it does not."""
    backwards = len(walls) > 1 and walls[0] > walls[-1]
    order = list(range(len(walls)))[:: -1 if backwards else 1]
    falls = [after for before, after in pairwise(order) if walls[after] < walls[before]]
    if len(falls) != 1:
        return None
    second, instants = False, {}
    for row in order:
        second = second or row == falls[0]
        fold = int(second and kinds[row] == "repeated")
        instants[row] = walls[row].replace(tzinfo=zone, fold=fold).astimezone(UTC)
    in_order = [instants[row] for row in order]
    if any(after <= before for before, after in pairwise(in_order)):
        return None
    return [instants[row] for row in range(len(walls))]


def _kind(wall: datetime, zone: ZoneInfo) -> str:
    early, late = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return "plain"
    there = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    return "repeated" if there == wall.replace(fold=0) else "skipped"
