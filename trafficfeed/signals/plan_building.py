"""Signal plans from programmes of phases: stages in which every group keeps its aspect."""

from collections.abc import Mapping, Sequence

from trafficfeed.network.sumo_signals import NetProgramme
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.signal_index import SumoSignal
from trafficfeed.signals.topology import SignalPlan, Stage


def plan_of(programme: NetProgramme, signal: SumoSignal) -> SignalPlan:
    """Return a programme as a plan; phases that look alike one after the other become one stage.

    A static programme is fixed: its durations are promises. Actuated ones keep their minima and maxima; `cycle_s` is
    then the nominal one.
    """
    stages: list[Stage] = []
    for phase, aspects in zip(programme.phases, _aspects(programme, signal), strict=True):
        shown = {group: aspect.value for group, aspect in aspects.items()}
        if stages and stages[-1].aspects == shown and programme.ordered:
            last = stages.pop()
            durations = (last.duration_s + phase.duration_s, last.min_s + phase.min_s, last.max_s + phase.max_s)
        else:
            durations = (phase.duration_s, phase.min_s, phase.max_s)
        stages.append(Stage(aspects=shown, duration_s=durations[0], min_s=durations[1], max_s=durations[2]))
    cycle_s = sum(stage.duration_s for stage in stages)
    return SignalPlan(
        id=programme.id,
        stages=tuple(stages),
        cycle_s=cycle_s,
        offset_s=programme.offset_s % cycle_s if cycle_s > 0 else 0.0,
        fixed=programme.static and programme.ordered,
    )


def _aspects(programme: NetProgramme, signal: SumoSignal) -> Sequence[Mapping[int, Aspect]]:
    """Return the groups' aspects in each phase; the first one's ambers follow the last one's greens."""
    shown: Mapping[int, Aspect] = {}
    for phase in programme.phases:
        shown = signal.aspects(phase.state, shown)
    rounds: list[Mapping[int, Aspect]] = []
    for phase in programme.phases:
        shown = signal.aspects(phase.state, shown)
        rounds.append(shown)
    return rounds
