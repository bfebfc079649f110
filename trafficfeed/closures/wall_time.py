"""Wall-clock time of a zone to instants, through the changes of daylight saving time.

A written time that the clocks skip is refused, one that they show twice needs its offset, and an offset must be the
zone's own. Times that a recurrence computes are never refused: they follow RFC 5545.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trafficfeed.errors import TrafficFeedError


class TimeFault(TrafficFeedError):
    """A written time that is no instant of its zone; `mend` says what to write instead."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA zone called `name`.

    Raises
    ------
    TimeFault
        If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeFault(f"there is no time zone {name!r}", "use an IANA name, such as Europe/Helsinki") from None


def written_instant(value: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a time that a person wrote.

    Parameters
    ----------
    value
        Naive: wall time of `zone`. Aware: in UTC (``Z``), or with the offset that `zone` has then.

    Raises
    ------
    TimeFault
        If the clocks skip the time, show it twice (and it bears no offset), or the offset is not the zone's.
    """
    if value.tzinfo is not None:
        return _with_offset(value, zone)
    early, late = value.replace(tzinfo=zone, fold=0), value.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(UTC)
    if is_skipped(value, zone):
        there = early.astimezone(UTC).astimezone(zone)
        raise TimeFault(
            f"{value:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks go forward then",
            f"write {there:%Y-%m-%dT%H:%M} or a time before the change",
        )
    raise TimeFault(
        f"{value:%Y-%m-%d %H:%M} occurs twice in {zone.key}: the clocks go back then",
        f"add the offset: {_iso(early)} (the first) or {_iso(late)} (the second)",
    )


def computed_instant(value: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a computed wall time (naive).

    A skipped time is read by the offset before the gap (02:30 becomes 03:30), of a repeated one the first is meant.

    Source: RFC 5545, 3.3.5 form #3 and 3.3.10.
    """
    return value.replace(tzinfo=zone, fold=0).astimezone(UTC)


def is_skipped(value: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the clocks of `zone` never show the naive `value`."""
    if _offset(value, zone, 0) == _offset(value, zone, 1):  # PEP 495: they differ in a gap and in a fold alone
        return False
    instant = value.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return instant.astimezone(zone).replace(tzinfo=None) != value.replace(fold=0)


def is_repeated(value: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the clocks of `zone` show the naive `value` twice."""
    return _offset(value, zone, 0) != _offset(value, zone, 1) and not is_skipped(value, zone)


def _with_offset(value: datetime, zone: ZoneInfo) -> datetime:
    local = value.astimezone(zone)
    if value.utcoffset() not in (timedelta(0), local.utcoffset()):
        raise TimeFault(
            f"{_iso(value)} has an offset that {zone.key} does not have then",
            f"write {value:%Y-%m-%dT%H:%M} for wall time, or {_iso(local)} for that instant",
        )
    return value.astimezone(UTC)


def _offset(value: datetime, zone: ZoneInfo, fold: int) -> timedelta | None:
    return value.replace(tzinfo=zone, fold=fold).utcoffset()


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="minutes")
