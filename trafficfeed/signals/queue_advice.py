"""Speeds for everybody on the way to one stop line: reach the tail of the queue as it begins to move, and block nobody.

A driver who is timed for the stop line alone crosses it slowly, and the green lets fewer through; one who is slowed as
soon as red is foreseen keeps the junction behind from emptying. So each driver is given a *place* in the queue and the
moment at which those before him roll; from then on he just follows. Nobody is slowed on the junction that he leaves,
and where more come than a green lets pass, only shortly before the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trafficfeed.signals.advice import DEFAULT_RULE, AdviceRule, GreenWindow, speed_for, time_to

_FREE_S = 0.5  # a delay so small asks for no other speed
_STANDING_MPS = 0.5
_BEYOND_PLACE_M = 60.0  # who stands within so many metres of his place is in the queue already
_STRETCH_M = 20.0  # a vehicle and the gap before it take no more
_AT_LINE_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Somebody on the way to a stop line.

    `limit_mps` is the most that he may and would drive. `left_m` is how far he is past the signal before this one, and
    `room_m` the whole way between the two; both None where he has passed none.
    """

    distance_m: float
    speed_mps: float
    limit_mps: float
    windows: Sequence[GreenWindow]
    left_m: float | None = None
    room_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAdvice:
    """Speeds, m/s, in the drivers' order; None: drive on. `missed`: how many miss a green that they could reach."""

    speeds: tuple[float | None, ...]
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where somebody begins to roll and when, when he passes the stop line, and the end of the green that he uses."""

    spot_m: float
    starts_s: float
    passes_s: float
    over_s: float


def queue_speeds(drivers: Sequence[Driver], rule: AdviceRule = DEFAULT_RULE, *, crowded: bool = False) -> QueueAdvice:
    """Return the speeds of all drivers to one stop line.

    Parameters
    ----------
    drivers
        Those whose places are known, the foremost first. Of others nothing is known: they are met as they come.
    crowded
        More come than the greens let pass: nobody is slowed sooner than `rule.crowded_s` before his place.
    """
    speeds: list[float | None] = []
    before: _Place | None = None
    missed = 0
    for driver in drivers:
        window, left_behind = _window(driver, before, rule)
        missed += left_behind
        if window is None:
            before = _behind(before, rule) if before else None
            speeds.append(None)
            continue
        place = _place(driver, window, before, rule)
        waits = _reaches_s(driver, place, rule) < place.starts_s - _FREE_S
        speeds.append(_speed(driver, place, window, rule, crowded=crowded) if waits else None)
        before = place if waits else _unhindered(driver, place, window, rule)
    return QueueAdvice(speeds=tuple(speeds), missed=missed)


def _window(driver: Driver, before: _Place | None, rule: AdviceRule) -> tuple[GreenWindow | None, bool]:
    """Return the first green that lets a driver pass, and whether one that he could reach is full before his turn."""
    earliest_s = time_to(driver.distance_m, driver.speed_mps, driver.limit_mps, rule)
    missed = False
    for window in driver.windows:
        if max(earliest_s, _turn_s(window, before, rule)) <= window.over_s + rule.grace_s:
            return window, missed
        missed = missed or earliest_s <= window.over_s
    return None, missed


def _turn_s(window: GreenWindow, before: _Place | None, rule: AdviceRule) -> float:
    return max(window.begins_s, before.passes_s + rule.headway_s if before else 0.0)


def _place(driver: Driver, window: GreenWindow, before: _Place | None, rule: AdviceRule) -> _Place:
    turn_s = _turn_s(window, before, rule)
    if before is None or before.over_s != window.over_s:
        place = _Place(spot_m=0.0, starts_s=window.begins_s, passes_s=turn_s, over_s=window.over_s)
    else:
        behind = _behind(before, rule)
        place = _Place(spot_m=behind.spot_m, starts_s=behind.starts_s, passes_s=turn_s, over_s=window.over_s)
    if driver.speed_mps >= _STANDING_MPS or not 0.0 < driver.distance_m - place.spot_m < _BEYOND_PLACE_M:
        return place
    spot_m = min(driver.distance_m, place.spot_m + _STRETCH_M)  # he stands, so this is the tail
    return _Place(spot_m=spot_m, starts_s=place.starts_s, passes_s=turn_s, over_s=window.over_s)


def _behind(place: _Place, rule: AdviceRule) -> _Place:
    return _Place(
        spot_m=place.spot_m + rule.gap_m,
        starts_s=place.starts_s + rule.wave_s,
        passes_s=place.passes_s + rule.headway_s,
        over_s=place.over_s,
    )


def _reaches_s(driver: Driver, place: _Place, rule: AdviceRule) -> float:
    way_m = driver.distance_m - place.spot_m
    return time_to(way_m, driver.speed_mps, driver.limit_mps, rule) if way_m > 0 else 0.0


def _unhindered(driver: Driver, place: _Place, window: GreenWindow, rule: AdviceRule) -> _Place:
    """Return what a driver who need not wait is for the one behind."""
    earliest_s = time_to(driver.distance_m, driver.speed_mps, driver.limit_mps, rule)
    passes_s = max(place.passes_s, earliest_s)
    if window.begins_s <= 0:  # he rolls already
        return _Place(spot_m=driver.distance_m, starts_s=0.0, passes_s=passes_s, over_s=place.over_s)
    if earliest_s > place.passes_s + 1.0:  # the queue has gone before he comes
        return _Place(spot_m=0.0, starts_s=passes_s - 1.0, passes_s=passes_s, over_s=place.over_s)
    return _Place(spot_m=place.spot_m, starts_s=place.starts_s, passes_s=passes_s, over_s=place.over_s)


def _speed(driver: Driver, place: _Place, window: GreenWindow, rule: AdviceRule, *, crowded: bool) -> float | None:
    """Return the speed that reaches a place as the queue there begins to move; None where it is the limit."""
    way_m = driver.distance_m - place.spot_m
    if way_m <= 0:
        rolls_up = window.begins_s > 0 and driver.speed_mps >= _STANDING_MPS and driver.distance_m > _AT_LINE_M
        return min(rule.floor_mps, driver.limit_mps) if rolls_up else None
    least_mps = max(rule.floor_mps, _clearing_mps(driver, rule), way_m / (rule.crowded_s if crowded else rule.sooner_s))
    speed_mps = max(speed_for(way_m, driver.speed_mps, place.starts_s, rule), least_mps)
    return speed_mps if speed_mps < driver.limit_mps else None


def _clearing_mps(driver: Driver, rule: AdviceRule) -> float:
    """Return how fast a driver has to leave the junction behind, so that those who follow get off it."""
    if driver.left_m is None or driver.room_m is None or driver.left_m >= rule.clear_m:
        return 0.0
    return rule.clear_share * driver.limit_mps if driver.room_m > 1.5 * rule.clear_m else 0.0
