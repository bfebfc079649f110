"""For actuated greens: when a green ends by what the controller's own log says beside the lamps."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.controller_events import Code, ControllerEvent
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.prediction.trees import Trees

FITTED: Final = Path(__file__).with_name("actuation.npz")
LEAST_GREENS: Final = 8
UNKNOWN: Final = -60.0  # in place of a feature that is not known; no time left is ever so far below nothing
FEATURES: Final = (
    *("elapsed_s", "left_10_s", "left_25_s", "left_50_s", "left_75_s", "left_90_s", "outlasted_share"),
    *("ladder_10_s", "ladder_50_s", "ladder_90_s", "forced_share", "left_to_max_out_s"),
    *("left_in_cycle_forced_s", "left_in_cycle_s", "walk_served", "left_of_walk_s", "left_as_walked_s"),
    *("calls_waiting", "left_of_partner_s", "since_other_end_s"),
)
_REMEMBERED: Final = 40
_LATELY: Final = 20
_PHASES: Final = 16
_LEAST_SHARE: Final = 0.3  # of forced ends that lie one cycle apart, or there is no common cycle
_SAME_S: Final = 2.0  # by the lamps and by the log a green begins at one time
_ENDS: Final = frozenset({Code.PHASE_GAP_OUT, Code.PHASE_MAX_OUT, Code.PHASE_FORCE_OFF})
_HEEDED: Final = _ENDS | {
    *(Code.PHASE_BEGIN_GREEN, Code.PHASE_GREEN_TERMINATION, Code.WALK_BEGIN, Code.DONT_WALK_BEGIN),
    *(Code.PHASE_CALL_REGISTERED, Code.PHASE_CALL_DROPPED),
}


class _Green(NamedTuple):
    """A green that is over; epoch seconds. `reason` is the code of what ended it, 0 where the log does not say."""

    begin: float
    end: float
    reason: int
    walked: bool


class _Phase:
    """What one phase did lately, and is doing."""

    __slots__ = ("called", "greens", "reason", "since", "walk_since", "walked", "walks_s")

    def __init__(self) -> None:
        self.greens: deque[_Green] = deque(maxlen=_REMEMBERED)
        self.since: float | None = None  # of the present green
        self.reason = 0
        self.walked = False
        self.walk_since: float | None = None
        self.walks_s: deque[float] = deque(maxlen=_REMEMBERED)
        self.called = False

    def lose(self) -> None:
        """Take that it was not heard of for a while: what it was doing is not known any more, what it did is."""
        self.since, self.walk_since, self.walked, self.called = None, None, False, False

    def take(self, code: int, at: float) -> bool:
        """Take an event of the phase; return whether it ended a whole green."""
        if code == Code.PHASE_BEGIN_GREEN:
            self.since, self.reason, self.walked, self.walk_since = at, 0, False, None
        elif code in _ENDS:
            self.reason = code
        elif code == Code.PHASE_GREEN_TERMINATION and self.since is not None:
            self.greens.append(_Green(self.since, at, self.reason, self.walked))
            self.since = None
            return True
        elif code == Code.WALK_BEGIN:
            self.walked, self.walk_since = True, at
        elif code == Code.DONT_WALK_BEGIN and self.walk_since is not None:
            self.walks_s.append(at - self.walk_since)
            self.walk_since = None
        elif code in (Code.PHASE_CALL_REGISTERED, Code.PHASE_CALL_DROPPED):
            self.called = code == Code.PHASE_CALL_REGISTERED
        return False


class _Controller:
    """One controller's phases, and the cycle that its forced ends keep."""

    __slots__ = ("_apart_s", "cycle_s", "phases")

    def __init__(self) -> None:
        self.phases: dict[int, _Phase] = {}
        self.cycle_s: float | None = None
        self._apart_s: deque[float] = deque(maxlen=24)

    def take(self, event: ControllerEvent) -> bool:
        if not 1 <= event.parameter <= _PHASES or event.code >= Code.OVERLAP_BEGIN_GREEN:
            return False
        phase = self.phases.setdefault(event.parameter, _Phase())
        if phase.take(event.code, event.observed_at.timestamp()):
            self._learn_cycle(phase)
        return event.code in _HEEDED

    def _learn_cycle(self, phase: _Phase) -> None:
        forced = [green.end for green in list(phase.greens)[-12:] if green.reason == Code.PHASE_FORCE_OFF]
        if len(forced) >= 2:
            self._apart_s.append(round(forced[-1] - forced[-2]))
        if len(self._apart_s) >= 4:
            lengths, counts = np.unique(list(self._apart_s), return_counts=True)
            most = int(counts.argmax())
            usual = counts[most] > _LEAST_SHARE * len(self._apart_s) and lengths[most] > 0
            self.cycle_s = float(lengths[most]) if usual else None


class Actuation:
    """The rung for controllers that log their calls and why greens end. Bounded memory, an event costs the same ever.

    It does not decide who may count down, and leaves the quantiles: it says where in the interval the end is likeliest,
    weighing an error by the time that was left.
    """

    def __init__(self, trees: Trees | None = None, groups: Mapping[str, Mapping[int, int]] | None = None) -> None:
        """Take the model that comes with the package, unless another is given; `groups` as in `HiresLamps`."""
        self._trees = trees
        self._controllers: dict[str, _Controller] = {}
        self._phases = {
            GroupKey(name, group): number for name, of in (groups or {}).items() for number, group in of.items()
        }

    def observe(self, event: ControllerEvent) -> bool:
        """Take any row of a controller's log, on our clock; return whether it can change what is said of greens."""
        controller = self._controllers.get(event.intersection)
        if controller is None:
            controller = self._controllers[event.intersection] = _Controller()
        return controller.take(event)

    def lost(self, intersection: str) -> None:
        """Take that a controller has fallen silent: of its present greens nothing is said."""
        controller = self._controllers.get(intersection)
        for phase in controller.phases.values() if controller else ():
            phase.lose()

    def speaks_of(self, key: GroupKey, since: datetime) -> bool:
        """Tell whether a green that began then is one of which the controller's log speaks."""
        phase = self._phase(key)
        return phase is not None and phase.since is not None and abs(phase.since - since.timestamp()) <= _SAME_S

    def sharpen(self, forecast: Forecast) -> Forecast:
        """Return a forecast of a green with its likely end told anew, as of when it was made.

        One that may be counted down, is of another rung than past runs, or of a group without such a log stays as it
        is.
        """
        if forecast.countdown_allowed or forecast.method not in (Method.ANALOGUES, Method.SURVIVAL):
            return forecast
        if not forecast.aspect.is_green or not self.speaks_of(forecast.key, forecast.since):
            return forecast
        features = self.features(forecast)
        if features is None:
            return forecast
        trees = self._trees or fitted_trees()
        left_s = max(float(trees.total(features[None, :])[0]), 0.0)
        likely = forecast.made_at + timedelta(milliseconds=round(left_s * 1000))
        if forecast.min_end is not None and forecast.max_end is not None:
            likely = min(max(likely, forecast.min_end), forecast.max_end)
        return replace(forecast, method=Method.ACTUATION, likely_end=likely)

    def features(self, forecast: Forecast) -> NDArray[np.float64] | None:
        """Return what the model is asked by, in the order of `FEATURES`; None before it may be asked."""
        controller, phase = self._controllers.get(forecast.key.intersection), self._phase(forecast.key)
        if controller is None or phase is None or phase.since is None or len(phase.greens) < LEAST_GREENS:
            return None
        at = forecast.made_at.timestamp()
        row = [
            *_left_by_length(phase, at),
            *(end.timestamp() - at if end else UNKNOWN for end in (forecast.p10, forecast.p50, forecast.p90)),
            *_left_by_reason(phase, at),
            *_left_in_cycle(phase, controller.cycle_s, at),
            *_left_of_walk(phase, at),
            *_left_by_others(controller, phase, at),
        ]
        return np.array(row)

    def _phase(self, key: GroupKey) -> _Phase | None:
        controller = self._controllers.get(key.intersection)
        return controller.phases.get(self._phases.get(key, key.group)) if controller else None


@cache
def fitted_trees() -> Trees:
    """Return the model that comes with the package; how it was fitted is in docs/signals.md."""
    return read_trees(FITTED)


def read_trees(path: Path, without: str | None = None) -> Trees:
    """Read a model; `without` names a controller that it was fitted on, to get the one that has never seen it."""
    with np.load(path, allow_pickle=False) as parts:
        names = [str(name) for name in parts["fitted_on"]]
        which = 1 + names.index(without) if without in names else 0
        return Trees.of({field: parts[field][which] for field in Trees._fields})


def fitted_on(path: Path = FITTED) -> tuple[str, ...]:
    """Return the controllers that a model was fitted on."""
    with np.load(path, allow_pickle=False) as parts:
        return tuple(str(name) for name in parts["fitted_on"])


def _left_by_length(phase: _Phase, at: float) -> list[float]:
    assert phase.since is not None
    elapsed = at - phase.since
    lengths = np.array([green.end - green.begin for green in phase.greens])
    longer = lengths[lengths > elapsed]
    left = np.percentile(longer, (10, 25, 50, 75, 90)) - elapsed if len(longer) else np.full(5, UNKNOWN)
    return [elapsed, *left.tolist(), len(longer) / len(lengths)]


def _left_by_reason(phase: _Phase, at: float) -> list[float]:
    assert phase.since is not None
    forced = sum(green.reason == Code.PHASE_FORCE_OFF for green in phase.greens) / len(phase.greens)
    most = [green.end - green.begin for green in phase.greens if green.reason == Code.PHASE_MAX_OUT]
    return [forced, float(np.median(most)) - (at - phase.since) if most else UNKNOWN]


def _left_in_cycle(phase: _Phase, cycle_s: float | None, at: float) -> list[float]:
    if cycle_s is None:
        return [UNKNOWN, UNKNOWN]
    lately = list(phase.greens)[-_LATELY:]
    forced = np.array([green.end for green in lately if green.reason == Code.PHASE_FORCE_OFF])
    to_forced = UNKNOWN
    if len(forced) >= 2:
        around = (forced - forced[-1] + cycle_s / 2) % cycle_s - cycle_s / 2
        to_forced = float((forced[-1] + np.median(around) - at) % cycle_s)
    return [to_forced, float(np.median((np.array([green.end for green in lately]) - at) % cycle_s))]


def _left_of_walk(phase: _Phase, at: float) -> list[float]:
    assert phase.since is not None
    elapsed = at - phase.since
    of_walk = UNKNOWN
    if phase.walk_since is not None and phase.walks_s:
        of_walk = float(np.median(phase.walks_s)) - (at - phase.walk_since)
    elif phase.walked:
        of_walk = 0.0
    alike = [green.end - green.begin for green in phase.greens if green.walked == phase.walked]
    longer = [length for length in alike if length > elapsed]
    return [float(phase.walked), of_walk, float(np.median(longer)) - elapsed if longer else UNKNOWN]


def _left_by_others(controller: _Controller, phase: _Phase, at: float) -> list[float]:
    assert phase.since is not None
    others = [other for other in controller.phases.values() if other is not phase]
    waiting = sum(other.called for other in others if other.since is None)
    ended = [other.greens[-1].end for other in others if other.since is None and other.greens]
    since_end = [at - end for end in ended if end > phase.since]
    partner = next((other for other in others if other.since is not None), None)
    left = UNKNOWN
    if partner is not None and partner.since is not None:
        elapsed = at - partner.since
        longer = [green.end - green.begin - elapsed for green in partner.greens if green.end - green.begin > elapsed]
        left = float(np.median(longer)) if longer else UNKNOWN
    return [float(waiting), left, min(since_end, default=UNKNOWN)]
