"""High-resolution controller logs: rows by the Indiana enumeration → what each signal group shows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import Code, ControllerEvent
from trafficfeed.signals.events import GroupKey, LampEvent

OVERLAPS: Final = 100  # overlap 1 is group 101
WALKS: Final = 150  # the pedestrian light of phase 2 is group 152
OVERLAP_WALKS: Final = 200
_LAST_GROUP: Final = 255
_NOT_FLASHING: Final = 2
LONGEST_PAUSE_S: Final = 10.0  # detectors speak at every hour of the day; a log without them needs a longer one

_SHOWS: Final[Mapping[int, tuple[int, Aspect]]] = {
    Code.PHASE_BEGIN_GREEN: (0, Aspect.PROTECTED_GREEN),
    Code.PHASE_BEGIN_YELLOW: (0, Aspect.PROTECTED_AMBER),
    Code.PHASE_BEGIN_RED_CLEARANCE: (0, Aspect.STOP_AND_REMAIN),
    Code.PHASE_INACTIVE: (0, Aspect.STOP_AND_REMAIN),
    Code.OVERLAP_BEGIN_GREEN: (OVERLAPS, Aspect.PROTECTED_GREEN),
    Code.OVERLAP_BEGIN_TRAILING_GREEN: (OVERLAPS, Aspect.PROTECTED_GREEN),
    Code.OVERLAP_BEGIN_YELLOW: (OVERLAPS, Aspect.PROTECTED_AMBER),
    Code.OVERLAP_BEGIN_RED_CLEARANCE: (OVERLAPS, Aspect.STOP_AND_REMAIN),
    Code.OVERLAP_INACTIVE: (OVERLAPS, Aspect.STOP_AND_REMAIN),
    Code.OVERLAP_DARK: (OVERLAPS, Aspect.DARK),
    Code.WALK_BEGIN: (WALKS, Aspect.PROTECTED_GREEN),
    Code.WALK_CLEARANCE_BEGIN: (WALKS, Aspect.PROTECTED_AMBER),
    Code.DONT_WALK_BEGIN: (WALKS, Aspect.STOP_AND_REMAIN),
    Code.WALK_DARK: (WALKS, Aspect.DARK),
    Code.OVERLAP_WALK_BEGIN: (OVERLAP_WALKS, Aspect.PROTECTED_GREEN),
    Code.OVERLAP_WALK_CLEARANCE_BEGIN: (OVERLAP_WALKS, Aspect.PROTECTED_AMBER),
    Code.OVERLAP_DONT_WALK_BEGIN: (OVERLAP_WALKS, Aspect.STOP_AND_REMAIN),
    Code.OVERLAP_WALK_DARK: (OVERLAP_WALKS, Aspect.DARK),
}
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("timestamp", "time", "eventtime"),
    "device": ("deviceid", "signalid", "locationidentifier", "device"),
    "code": ("eventid", "eventcode", "event"),
    "parameter": ("parameter", "eventparam", "param"),
}


class HiresLamps:
    """Turns the rows of controllers' logs into lamp events; remembers only which groups each controller has.

    Phases, overlaps and their pedestrian lights have numbers of their own in a log. `groups` maps them to the
    topology's, by the number given here where it is silent: phase n is group n, overlap n `OVERLAPS` + n, and so on.
    """

    def __init__(self, groups: Mapping[str, Mapping[int, int]] | None = None) -> None:
        self._groups = groups or {}
        self._seen: dict[str, set[int]] = {}

    def lamps(self, events: Iterable[ControllerEvent]) -> Iterator[LampEvent]:
        """Yield what the events say of lamps, in their order; other events say nothing of them."""
        for event in events:
            if event.code == Code.UNIT_FLASH_STATUS:
                yield from self._flashing(event)
            elif (shows := _SHOWS.get(event.code)) is not None:
                base, aspect = shows
                number = self._groups.get(event.intersection, {}).get(base + event.parameter, base + event.parameter)
                if 1 <= number <= _LAST_GROUP:
                    self._seen.setdefault(event.intersection, set()).add(number)
                    yield _lamp(event, number, aspect)

    def _flashing(self, event: ControllerEvent) -> Iterator[LampEvent]:
        """The controller flashes: in which colour each lamp does so, its log does not say."""
        if event.parameter != _NOT_FLASHING:
            for number in sorted(self._seen.get(event.intersection, ())):
                yield _lamp(event, number, Aspect.UNAVAILABLE)


def read_log(path: Path, zone: tzinfo = UTC, source: str = "hires") -> list[ControllerEvent]:
    """Return a log file's rows by time; equal times in the order of the file.

    Parameters
    ----------
    path
        A Parquet or CSV file with the time, the device, the code and its parameter, named as any of the usual tools do.
    zone
        The zone of times that bring none along.

    Raises
    ------
    SourceMalformed
        A column is missing, or the file cannot be read as what its name says.
    """
    table = _table(path)
    names = {column.lower().replace("_", "").replace(" ", ""): column for column in table.column_names}
    columns = {role: _column(path, names, role, usual) for role, usual in _COLUMNS.items()}
    times, devices, codes, parameters = (table[columns[role]].to_pylist() for role in _COLUMNS)
    rows = sorted(zip(map(_plain, times), devices, codes, parameters, strict=True), key=lambda row: row[0])
    return [
        event_of(device, at, code, parameter, zone=zone, source=f"{source}:{device}")
        for at, device, code, parameter in rows
        if None not in (code, parameter)
    ]


def event_of(
    device: object,
    at: datetime,
    code: int,
    parameter: int,
    *,
    received_at: datetime | None = None,
    zone: tzinfo = UTC,
    source: str = "hires",
) -> ControllerEvent:
    """Return one row as an event; without `received_at` it is taken as heard at once, as from a file."""
    observed_at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    return ControllerEvent(
        intersection=str(device),
        code=int(code),
        parameter=int(parameter),
        observed_at=observed_at,
        received_at=received_at or observed_at,
        source=source,
    )


def _lamp(event: ControllerEvent, number: int, aspect: Aspect) -> LampEvent:
    return LampEvent(
        key=GroupKey(event.intersection, number),
        aspect=aspect,
        observed_at=event.observed_at,
        raw_observed_at=event.observed_at,
        received_at=event.received_at,
        source=event.source,
    )


def _table(path: Path) -> Any:
    import pyarrow as pa  # heavy, and of use to files alone
    from pyarrow import csv, parquet

    try:
        return csv.read_csv(path) if path.suffix.lower() == ".csv" else parquet.read_table(path)
    except (pa.ArrowException, OSError) as broken:
        raise SourceMalformed(f"{path} cannot be read as a table of controller events: {broken}") from broken


def _column(path: Path, names: Mapping[str, str], role: str, usual: Iterable[str]) -> str:
    for name in usual:
        if name in names:
            return names[name]
    raise SourceMalformed(f"{path} has no column for the {role} of an event: one of {', '.join(usual)} is needed")


def _plain(at: Any) -> datetime:
    """Return a time that may be of pandas' kind, with nanoseconds, as a plain one."""
    plain: datetime = at.to_pydatetime(warn=False) if hasattr(at, "to_pydatetime") else at
    return plain + timedelta(0)
