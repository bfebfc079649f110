"""One controller's log, played second by second to the door and the predictor."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.hires_trial.truth import Run, Truth
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast
from trafficfeed.signals.ingest.hires import LONGEST_PAUSE_S, HiresLamps
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.staleness import Staleness
from trafficfeed.signals.prediction.actuation import Actuation
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.prediction.trees import Trees

Asked = Callable[[NDArray[np.float64], float], None]
PHASES = range(1, 17)
GREENS_BEFORE = 8
_NONE = float("nan")


class Second(NamedTuple):
    """What was said at one second of a run, and what was true; seconds from then on, NaN where nothing was said.

    `ladder` is the likely end without the controller's own events, `survival` the median of past runs of at least the
    length so far. `clearing`: a red whose end the end of another green has decided.
    """

    group: int
    aspect: Aspect
    left: float
    likely: float
    p10: float
    p90: float
    ladder: float
    survival: float
    method: str
    countdown: bool
    clearing: bool


def play(
    device: str, events: Sequence[ControllerEvent], trees: Trees | None = None, ask: Asked | None = None
) -> tuple[list[Second], int]:
    """Return what was said of each scored second, and how many events the door refused.

    `trees` is the rung's model, by default the package's; `ask` is given the rung's features and the time that was left
    of each green second that it is asked of.
    """
    truth = Truth.of(HiresLamps().lamps(events), PHASES)
    intake, adapter, predictor = Intake(staleness=Staleness(default_s=LONGEST_PAUSE_S)), HiresLamps(), Predictor()
    actuation = Actuation(trees)
    lamps: list[LampEvent] = []
    intake.subscribe(lamps.extend)
    seconds: list[Second] = []
    refused = 0
    for tick, batch in _by_second(events):
        lamps.clear()
        for event in batch:
            intake.heartbeat(event.source, event.received_at)
            actuation.observe(event)
        refused += intake.take(adapter.lamps(batch)).refused
        for lamp in lamps:
            predictor.observe(lamp)
        at = tick.timestamp()
        for group in truth.runs:
            run = truth.run_at(group, at)
            if run is None or run.greens_before < GREENS_BEFORE:
                continue
            if not (run.aspect.is_green or run.aspect is Aspect.STOP_AND_REMAIN):
                continue
            ladder = predictor.forecast(GroupKey(device, group), tick)
            said = ladder
            if ladder is not None and ladder.aspect is run.aspect and run.aspect.is_green:
                if ask is not None and (features := actuation.features(ladder)) is not None:
                    ask(features, run.end - at)
                elif ask is None:
                    said = actuation.sharpen(ladder)
            known = _survivors(truth.runs[group], run, at)
            seconds.append(_second(group, run, at, said, ladder, known, truth))
    return seconds, refused


def _second(
    group: int, run: Run, at: float, said: Forecast | None, ladder: Forecast | None, survival: float, truth: Truth
) -> Second:
    if said is not None and said.aspect is not run.aspect:
        said = ladder = None  # it was told of another aspect than was shown: nothing right can be said
    cleared = truth.cleared_from(group, run) if run.aspect is Aspect.STOP_AND_REMAIN else None
    return Second(
        group=group,
        aspect=run.aspect,
        left=run.end - at,
        likely=_left(said.likely_end, at) if said else _NONE,
        p10=_left(said.p10, at) if said else _NONE,
        p90=_left(said.p90, at) if said else _NONE,
        ladder=_left(ladder.likely_end, at) if ladder else _NONE,
        survival=survival,
        method=said.method.value if said else "none",
        countdown=said.countdown_allowed if said else False,
        clearing=cleared is not None and at >= cleared,
    )


def _left(end: datetime | None, at: float) -> float:
    return max(end.timestamp() - at, 0.0) if end is not None else _NONE


def _survivors(runs: Sequence[Run], run: Run, at: float) -> float:
    """Return the median time left of the past runs of the aspect that lasted as long."""
    elapsed = at - run.begin
    lasted = [one.end - one.begin for one in runs if one.aspect is run.aspect and one.end <= run.begin]
    longer = [length for length in lasted if length > elapsed]
    return median(longer) - elapsed if longer else _NONE


def _by_second(events: Sequence[ControllerEvent]) -> Iterator[tuple[datetime, list[ControllerEvent]]]:
    """Yield each whole second, and what was logged since the one before, up to it and at it."""
    tick = datetime.fromtimestamp(ceil(events[0].observed_at.timestamp()), UTC)
    k = 0
    while k < len(events):
        first = k
        while k < len(events) and events[k].observed_at <= tick:
            k += 1
        yield tick, list(events[first:k])
        tick += timedelta(seconds=1)
