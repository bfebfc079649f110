"""The ways to make a sound document wrong: what navigation partners complain of, one change each."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import MappingProxyType

from benchmarks.mutant_trial.editing import Editor

_DAY = timedelta(days=1)
_ZULU = "%Y-%m-%dT%H:%M:%SZ"


def _reversed(record: Editor, standard: str) -> None:
    record.write_line(record.line[::-1])


def _swapped(record: Editor, standard: str) -> None:
    record.write_line([(lat, lon) for lon, lat in record.line])


def _off_the_clock(record: Editor, standard: str) -> None:
    """Local time where UTC is due, a letter where a number is due (CAP), no offset where there must be one."""
    moment = datetime.fromisoformat(record.start)
    if standard in ("native", "wzdx"):
        start = (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    elif standard == "cap":
        start = moment.strftime(_ZULU)
    else:
        start = moment.strftime("%Y-%m-%dT%H:%M:%S")
    record.write_times(start=start)


def _end_first(record: Editor, standard: str) -> None:
    record.write_times(start=record.end, end=record.start)


def _twice(record: Editor, standard: str) -> None:
    record.duplicate()


def _three_decimals(record: Editor, standard: str) -> None:
    record.write_line(record.line, decimals=3)


def _ends_only(record: Editor, standard: str) -> None:
    record.write_line([record.line[0], record.line[-1]])


def _moved_start(record: Editor, standard: str) -> None:
    earlier = datetime.fromisoformat(record.start) - _DAY
    zulu = record.start.endswith("Z")
    record.write_times(start=earlier.strftime(_ZULU) if zulu else earlier.isoformat())


def _dropped(record: Editor, standard: str) -> None:
    record.drop()


MUTANTS: MappingProxyType[str, Callable[[Editor, str], None]] = MappingProxyType(
    {
        "reversed line": _reversed,
        "swapped axes": _swapped,
        "wrong or missing offset": _off_the_clock,
        "end before start": _end_first,
        "duplicate id": _twice,
        "three decimals": _three_decimals,
        "end points only": _ends_only,
        "moved start": _moved_start,
        "dropped closure": _dropped,
    }
)
ABOUT_AREAS = frozenset(
    {"swapped axes", "wrong or missing offset", "end before start", "duplicate id", "end points only"}
)
"""Those that make sense for CAP: its areas have no direction and may be coarse, its messages replace each other."""
