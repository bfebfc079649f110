"""Green-wave speed from what is published: arrive when the lamp is surely green; late is nearly free, early ruins it.

Measured in SUMO (stops a trip, cologne8): no advice 1.29, exact 0.45, greens 5 s late 0.53, 5 s early 1.30. So a green
counts from the *late* quantile of the red's end on, and is given up only once the late quantile of its end cannot be
met. Where the publication does not count down, nothing is advised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import inf, sqrt
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.prediction.plan import PlanTiming
from trafficfeed.signals.states import GroupState

_FREE_S: Final = 0.5  # a delay so small asks for no other speed
_INSTANT_S: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceRule:
    """How advice is given.

    `floor_mps`: no lower speed is advised; who would come too early even so rolls up to the stop line and waits.
    `widest_s`: P10 to P90 of the end; beyond it nothing is advised. `red_amber_s` passes between the red's end and the
    green where red and amber is shown. `lateness_s` is added to every green's beginning, `grace_s` to its end: so late
    it may still be passed, so nobody is slowed for the next. `headway_s`: two vehicles pass the stop line so far apart,
    at the least. `horizon_s`: greens beyond it are not looked for. Nobody farther off than `farthest_m` is advised.
    `ease_mps2`, `gain_mps2`: how drivers slow down and speed up.

    Of queues (`queue_advice`): `gap_m` a vehicle takes, and `wave_s` after the one before it rolls, at the soonest:
    who comes a moment early follows, who comes late costs green. Within `clear_m` past a signal nobody is told less
    than `clear_share` of the limit, nor less than what takes `sooner_s` to the tail of the queue: a long way off, slow
    drivers stand in others' way. Where a green leaves `crowd` drivers behind, the approach counts as crowded for
    `crowded_hold_s`, and `crowded_s` takes the place of `sooner_s`.
    """

    floor_mps: float = 2.0
    widest_s: float = 2.0
    red_amber_s: float = 2.0
    lateness_s: float = 0.0
    grace_s: float = 3.0
    headway_s: float = 1.0
    horizon_s: float = 180.0
    farthest_m: float = 1000.0
    ease_mps2: float = 1.5
    gain_mps2: float = 2.0
    gap_m: float = 7.5
    wave_s: float = 0.2
    clear_m: float = 40.0
    clear_share: float = 0.7
    sooner_s: float = 45.0
    crowd: int = 6
    crowded_s: float = 5.0
    crowded_hold_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenWindow:
    """A green, in seconds from now.

    It shows from `begins_s` on at the latest (0: it shows now), until `ends_s` at the earliest and `over_s` at the
    latest; both infinite where its end is not known.
    """

    begins_s: float
    ends_s: float = inf
    over_s: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAhead:
    """A signal on the way: the distance to its stop line, its greens, and when the vehicle before will be past it.

    `after_s` is in seconds from now, None where no vehicle before is known.
    """

    distance_m: float
    windows: Sequence[GreenWindow]
    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedAdvice:
    """Drive at `speed_mps` at most, and reach the first `greens` of the signals asked about on green.

    `greens` is 0 where the floor is advised and a stop is likely all the same. `passes_s` is when the first stop line
    is passed so, in seconds from now: what the vehicle behind is given as `after_s`.
    """

    speed_mps: float
    greens: int
    passes_s: float


DEFAULT_RULE: Final = AdviceRule()


def green_windows(
    state: GroupState, as_of: datetime, timing: PlanTiming | None = None, rule: AdviceRule = DEFAULT_RULE
) -> tuple[GreenWindow, ...]:
    """Return the greens of a group that a driver can rely on, in order; none where nothing may be counted down.

    Parameters
    ----------
    state
        As published.
    as_of
        Now, aware UTC.
    timing
        The group's published plan: used for later greens while the forecast says that the controller follows it.
    """
    forecast = state.forecast
    if state.stale or forecast is None or not _reliable(forecast, state.aspect, rule):
        return ()
    early_s, likely_s, late_s = (_seconds(end, as_of) for end in (forecast.p10, forecast.likely_end, forecast.p90))
    if late_s <= 0:
        return ()  # overdue: what was foretold has not come
    if timing is not None and forecast.method is Method.PLAN:
        return tuple(_planned(timing, state.aspect, as_of.timestamp(), late_s, late_s - likely_s, rule))
    following = forecast.next_aspect
    if state.aspect.is_green:
        goes_on = following is not None and following.is_green
        return (GreenWindow(begins_s=0.0) if goes_on else GreenWindow(begins_s=0.0, ends_s=early_s, over_s=late_s),)
    if not state.aspect.is_red or following is None:
        return ()
    if following is Aspect.PRE_MOVEMENT:
        return (GreenWindow(begins_s=late_s + rule.red_amber_s + rule.lateness_s),)
    return (GreenWindow(begins_s=late_s + rule.lateness_s),) if following.is_green else ()


def advise(
    ahead: Sequence[SignalAhead], *, speed_mps: float, limit_mps: float, rule: AdviceRule = DEFAULT_RULE
) -> SpeedAdvice | None:
    """Return the speed that passes the most signals on green, and of such the highest; None where none is better.

    Parameters
    ----------
    ahead
        The signals on the way, nearest first: one for an approach, several for a corridor. From the first that has no
        windows on, none are considered.
    speed_mps, limit_mps
        The vehicle's speed and the most that it may and can drive.
    """
    ranges = [(min(rule.floor_mps, limit_mps), limit_mps)]
    greens = 0
    for signal in ahead:
        kept = _meeting(ranges, [_speeds(signal, window, speed_mps, limit_mps, rule) for window in signal.windows])
        if not kept:
            break
        ranges, greens = kept, greens + 1
    if not ahead or not ahead[0].windows:
        return None
    if not greens:
        return _waiting(ahead[0], speed_mps, limit_mps, rule)
    speed = max(high for _, high in ranges)
    passes_s = _passes_s(ahead[0], time_to(ahead[0].distance_m, speed_mps, speed, rule), rule)
    return SpeedAdvice(speed_mps=speed, greens=greens, passes_s=passes_s)


def _meeting(
    ranges: Sequence[tuple[float, float]], others: Sequence[tuple[float, float] | None]
) -> list[tuple[float, float]]:
    """Return where ranges of speeds meet others."""
    met = [(max(low, other[0]), min(high, other[1])) for low, high in ranges for other in others if other is not None]
    return [(low, high) for low, high in met if low <= high]


def time_to(distance_m: float, speed_mps: float, target_mps: float, rule: AdviceRule = DEFAULT_RULE) -> float:
    """Return how long a vehicle takes over a distance if it takes up a speed and keeps it, s."""
    rate = rule.gain_mps2 if target_mps >= speed_mps else -rule.ease_mps2
    change_m = (target_mps**2 - speed_mps**2) / (2 * rate)
    if change_m >= distance_m:
        return (sqrt(max(speed_mps**2 + 2 * rate * distance_m, 0.0)) - speed_mps) / rate
    return (target_mps - speed_mps) / rate + (distance_m - change_m) / max(target_mps, 1e-6)


def speed_for(distance_m: float, speed_mps: float, seconds: float, rule: AdviceRule = DEFAULT_RULE) -> float:
    """Return the speed to take up and keep in order to be at a distance after so many seconds, m/s.

    Zero where not even braking would take so long, infinite where no acceleration would be enough.
    """
    slower = speed_mps * seconds > distance_m
    rate = -rule.ease_mps2 if slower else rule.gain_mps2
    reach = speed_mps + rate * seconds
    root = reach**2 - speed_mps**2 - 2 * rate * distance_m
    if root < 0:
        return 0.0 if slower else inf
    return max(reach + sqrt(root) if slower else reach - sqrt(root), 0.0)


def approach_speeds(
    windows: Sequence[GreenWindow], *, limit_mps: float, distances_m: Sequence[float], rule: AdviceRule = DEFAULT_RULE
) -> dict[float, float]:
    """Return what to tell whoever drives at the limit towards one signal: speed by distance, where there is advice."""
    found = {}
    for distance_m in distances_m:
        signal = SignalAhead(distance_m=distance_m, windows=windows)
        if (one := advise([signal], speed_mps=limit_mps, limit_mps=limit_mps, rule=rule)) and one.greens:
            found[distance_m] = one.speed_mps
    return found


def _reliable(forecast: Forecast, aspect: Aspect, rule: AdviceRule) -> bool:
    if not forecast.countdown_allowed or forecast.aspect is not aspect or not aspect.is_timed:
        return False
    if forecast.p10 is None or forecast.p90 is None or forecast.likely_end is None:
        return False
    return (forecast.p90 - forecast.p10).total_seconds() <= rule.widest_s


def _seconds(end: datetime | None, as_of: datetime) -> float:
    return (end - as_of).total_seconds() if end is not None else inf


def _planned(
    timing: PlanTiming, aspect: Aspect, now: float, late_s: float, spread_s: float, rule: AdviceRule
) -> Iterator[GreenWindow]:
    """Yield the plan's greens that are not over; `now` is epoch seconds."""
    position = (now - timing.origin) % timing.cycle_s
    greens = _greens(timing)
    for cycle in range(-1, int(rule.horizon_s // timing.cycle_s) + 2):
        for second, length_s in greens:
            nominal_s = second + cycle * timing.cycle_s - position
            over_s = nominal_s + length_s + spread_s
            if over_s <= 0 or nominal_s > rule.horizon_s:
                continue
            begins_s = nominal_s + spread_s + rule.lateness_s
            if nominal_s <= 0 and aspect.is_green:
                begins_s = 0.0
            elif begins_s < late_s:
                begins_s = late_s + rule.lateness_s  # the plan is a moment ahead of the lamp
            if begins_s < over_s:
                yield GreenWindow(begins_s=begins_s, ends_s=nominal_s + length_s - spread_s, over_s=over_s)


@lru_cache(maxsize=4096)
def _greens(timing: PlanTiming) -> tuple[tuple[float, float], ...]:
    """Return the greens of a cycle, whatever their kind: second at which each begins, and its length."""
    ends = [*(second for second, _ in timing.changes[1:]), timing.changes[0][0] + timing.cycle_s]
    found: list[tuple[float, float]] = []
    for (second, aspect), end in zip(timing.changes, ends, strict=True):
        if not aspect.is_green:
            continue
        if found and abs(sum(found[-1]) - second) < _INSTANT_S:
            begin, length_s = found.pop()
            found.append((begin, length_s + end - second))
        else:
            found.append((second, end - second))
    if len(found) > 1 and abs(sum(found[-1]) - found[0][0] - timing.cycle_s) < _INSTANT_S:
        begin, length_s = found.pop()
        found[0] = (begin - timing.cycle_s, length_s + found[0][1])
    return tuple(found)


def _speeds(
    signal: SignalAhead, window: GreenWindow, speed_mps: float, limit_mps: float, rule: AdviceRule
) -> tuple[float, float] | None:
    """Return the lowest and highest speed that reach a green, m/s; None where it is too late for it."""
    distance_m = signal.distance_m
    earliest_s = time_to(distance_m, speed_mps, limit_mps, rule)
    begins_s = _begins_s(signal, window, rule)
    if earliest_s > window.over_s + rule.grace_s or begins_s > window.over_s:
        return None
    high = limit_mps if earliest_s >= begins_s - _FREE_S else speed_for(distance_m, speed_mps, begins_s, rule)
    if earliest_s >= window.ends_s:
        return limit_mps, limit_mps  # it may be passed still: who is slowed now surely misses it
    low = 0.0 if window.ends_s == inf else speed_for(distance_m, speed_mps, window.ends_s, rule)
    return min(low, high), high


def _begins_s(signal: SignalAhead, window: GreenWindow, rule: AdviceRule) -> float:
    """Return when a green can be used: when it shows, and the vehicle before is out of the way."""
    return window.begins_s if signal.after_s is None else max(window.begins_s, signal.after_s + rule.headway_s)


def _passes_s(signal: SignalAhead, arrives_s: float, rule: AdviceRule) -> float:
    """Return when a vehicle passes that is at the stop line at `arrives_s`; it waits for a green."""
    usable = [window for window in signal.windows if arrives_s <= window.over_s + rule.grace_s]
    return max(arrives_s, min((_begins_s(signal, window, rule) for window in usable), default=arrives_s))


def _waiting(signal: SignalAhead, speed_mps: float, limit_mps: float, rule: AdviceRule) -> SpeedAdvice | None:
    """Return the floor for whoever comes too early for the next green even so; None where there is none to come."""
    earliest_s = time_to(signal.distance_m, speed_mps, limit_mps, rule)
    if not any(_begins_s(signal, window, rule) > earliest_s for window in signal.windows):
        return None
    floor = min(rule.floor_mps, limit_mps)
    passes_s = _passes_s(signal, time_to(signal.distance_m, speed_mps, floor, rule), rule)
    return SpeedAdvice(speed_mps=floor, greens=0, passes_s=passes_s)
