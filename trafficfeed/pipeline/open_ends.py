"""Windows whose end was only estimated: they hold on when the estimate passes, until somebody ends them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.schedules import Occurrence, Occurrences

OLDEST: Final = timedelta(days=366)
"""How long ago a window may have begun that still holds by its open end."""

_STEP: Final = timedelta(minutes=30)
_LEAST_AHEAD: Final = timedelta(minutes=15)


def prolonged(found: Occurrences, as_of: datetime) -> Occurrences:
    """Return the windows of a measure, in order, as they stand at `as_of` (aware).

    An estimated end that has passed, or is about to, moves on in steps of half an hour, as far as the next window, so
    that no map app opens a street that is closed.
    """
    following = [occurrence.window.start for occurrence in found[1:]] + [None]
    return tuple(_prolonged(one, after, as_of) for one, after in zip(found, following, strict=True))


def _prolonged(occurrence: Occurrence, following: datetime | None, as_of: datetime) -> Occurrence:
    window = occurrence.window
    if not occurrence.end_is_estimate or window.start > as_of or window.end - as_of > _LEAST_AHEAD:
        return occurrence
    steps = (as_of + _LEAST_AHEAD - window.end) // _STEP + 1
    end = window.end + steps * _STEP
    return replace(occurrence, window=replace(window, end=min(end, following or end)))


def next_prolongation(occurrence: Occurrence, as_of: datetime) -> datetime:
    """Return when an estimated end, as it stands at `as_of`, moves on (again)."""
    return max(_prolonged(occurrence, None, as_of).window.end - _LEAST_AHEAD, occurrence.window.start)
