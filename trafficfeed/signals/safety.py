"""Whether what is published could mislead: conflicting greens in one state, illegal changes from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.ingest.transitions import is_legal
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Topology


@dataclass(slots=True)
class SafetyWatch:
    """Looks at every state that is published, in order; keeps what it found as sentences.

    A change is illegal by the rule by which the door refuses it: a green that becomes red without the amber that its
    group has, an amber that becomes green.
    """

    topology: Topology
    conflicts: list[str] = field(default_factory=list)
    illegal: list[str] = field(default_factory=list)
    states: int = 0
    _shown: dict[GroupKey, Aspect] = field(default_factory=dict)
    _has_amber: set[GroupKey] = field(default_factory=set)

    def see(self, state: IntersectionState) -> None:
        """Take a state as published."""
        self.states += 1
        shown = {group.group: group.aspect for group in state.groups}
        self._see_conflicts(state, shown)
        for group, aspect in shown.items():
            key = GroupKey(state.intersection, group)
            if aspect.is_amber:
                self._has_amber.add(key)
            was = self._shown.get(key)
            if was is not None and not is_legal(was, aspect, has_amber=key in self._has_amber):
                self.illegal.append(f"{state.intersection}, group {group}, {state.observed_at}: {was}, then {aspect}")
            self._shown[key] = aspect

    def _see_conflicts(self, state: IntersectionState, shown: Mapping[int, Aspect]) -> None:
        known = self.topology.intersections.get(state.intersection)
        for one, other in known.conflicts if known else ():
            if shown.get(one) is Aspect.PROTECTED_GREEN and shown.get(other) is Aspect.PROTECTED_GREEN:
                self.conflicts.append(
                    f"{state.intersection}, {state.observed_at}: groups {one} and {other} green together"
                )
