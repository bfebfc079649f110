"""What a controller says of the end of what it shows: on our clock, and only where it can be."""

from datetime import datetime, timedelta
from typing import Final

from trafficfeed.signals.events import AnnouncedEnd

_FARTHEST: Final = timedelta(hours=1)
_PASSED: Final = timedelta(seconds=2)


def moved(announced: AnnouncedEnd, by_s: float) -> AnnouncedEnd:
    """Return the ends of a controller whose clock is corrected by so many seconds."""
    by = timedelta(seconds=by_s)
    low, likely, high = (end + by if end else None for end in _ends(announced))
    return AnnouncedEnd(min_end=low, likely_end=likely, max_end=high)


def is_possible(announced: AnnouncedEnd, heard_at: datetime) -> bool:
    """Tell whether ends can be true: with a zone, in order, not passed when they were heard, within the hour."""
    given = [end for end in _ends(announced) if end is not None]
    if any(end.tzinfo is None for end in given):
        return False
    last = announced.max_end or announced.likely_end
    return (
        given == sorted(given)
        and all(end <= heard_at + _FARTHEST for end in given)
        and (last is None or last >= heard_at - _PASSED)
    )


def _ends(announced: AnnouncedEnd) -> tuple[datetime | None, datetime | None, datetime | None]:
    return announced.min_end, announced.likely_end, announced.max_end
