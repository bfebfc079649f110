"""What a signal message says, whichever its format: the facts that readers give, and that the rules look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trafficfeed.formats.signal_times import told
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd
from trafficfeed.signals.states import IntersectionState


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One group as a message has it; aware UTC times, None where it says nothing. `name` is for people."""

    group: int
    aspect: Aspect
    announced: AnnouncedEnd | None = None
    since: datetime | None = None
    confidence: int | None = None
    countdown: bool = False
    stale: bool = False
    simulated: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFacts:
    """One intersection as a message has it.

    `intersection` is its public id where the message carries it, `number` and `region` those of MAP. `observed_at` is
    None where the message has no time of its own. `valid` is False where the sender says that its states are not.
    """

    number: int
    region: int
    revision: int
    observed_at: datetime | None
    groups: Sequence[GroupFacts]
    intersection: str = ""
    name: str = ""
    simulated: bool = False
    advisory: bool = False
    valid: bool = True


def facts_of(state: IntersectionState) -> SignalFacts:
    """Return what a state of ours says, as its messages would."""
    groups = []
    for group in state.groups:
        end = told(group, state.observed_at)
        groups.append(
            GroupFacts(
                group=group.group,
                aspect=group.aspect,
                announced=end and AnnouncedEnd(min_end=end.earliest, likely_end=end.likely, max_end=end.latest),
                since=group.since,
                confidence=end and end.confidence,
                countdown=end is not None and end.likely is not None,
                stale=group.stale,
                simulated=group.simulated,
            )
        )
    return SignalFacts(
        number=state.number,
        region=state.region,
        revision=state.revision,
        observed_at=state.observed_at,
        groups=tuple(groups),
        intersection=state.intersection,
        name=state.name,
        simulated=state.simulated,
        advisory=state.advisory,
        valid=not state.stale,
    )
