"""What the signal pages say of a junction now: of its topology, what was published last, and who may count down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.signal_wording import ASPECTS, LAMPS, Saying, saying
from trafficfeed.signals.accuracy.demotion import DemotionChange
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import Intersection, SignalGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as it is shown; `lamp` is the symbol, `demotion` why it may not count down, "" where it may."""

    number: int
    name: str
    lamp: str
    aspect: str
    saying: Saying
    demotion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JunctionView:
    """A junction as it is shown; `heard` tells whether anything is known of it, `advisory` whose word it is."""

    id: str
    name: str
    groups: Sequence[GroupView]
    simulated: bool
    stale: bool
    heard: bool
    advisory: str


def junction_view(
    one: Intersection,
    state: IntersectionState | None,
    demoted: Mapping[GroupKey, DemotionChange],
    now: datetime,
) -> JunctionView:
    """Return how a junction is shown at `now`, aware; `state` is what was published last, None for nothing."""
    shown = {group.group: group for group in state.groups} if state else {}
    nothing = GroupState(group=0, aspect=Aspect.UNAVAILABLE)
    return JunctionView(
        id=one.id,
        name=one.name or one.id,
        groups=[
            _group_view(group, shown.get(group.id, nothing), demoted.get(GroupKey(one.id, group.id)), now)
            for group in one.groups
        ],
        simulated=state is not None and state.simulated,
        stale=state is not None and state.stale,
        heard=state is not None,
        advisory=state.authority if state is not None and state.advisory else "",
    )


def _group_view(group: SignalGroup, shown: GroupState, demoted: DemotionChange | None, now: datetime) -> GroupView:
    return GroupView(
        number=group.id,
        name=group.name,
        lamp="stale" if shown.stale else LAMPS[shown.aspect],
        aspect=ASPECTS[shown.aspect],
        saying=saying(shown, now),
        demotion="" if demoted is None else demoted.reason,
    )
