"""Virtual signals over the lamps on the bus."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from made_virtual_signals import made_virtual_signal

from trafficfeed.publishing.advisory_overlay import AdvisoryOverlay
from trafficfeed.publishing.bus import Batch, Fragments, LocalBus, Update
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.live import Change
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.virtual import Say, VirtualSignal

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ID = "virtual-gate"


class Street:
    """An overlay with a listener behind it; lamps are published by hand."""

    def __init__(self) -> None:
        bus = LocalBus()
        bus.subscribe(lambda batch: self.heard.extend(update.state for update in batch.updates))
        self.heard: list[IntersectionState] = []
        self.overlay = AdvisoryOverlay(bus)

    def lamp(self, aspect: Aspect, revision: int, id: str = ID) -> None:
        groups = tuple(GroupState(group=group, aspect=aspect) for group in (1, 2, 3, 4))
        state = IntersectionState(
            intersection=id, number=1, region=0, revision=revision, observed_at=NOW, groups=groups
        )
        update = Update(Change(state=state, groups=(1, 2, 3, 4)), NOW, Fragments())
        self.overlay.publish(Batch(made_at=NOW, updates=[update]))

    def show(self, *signals: VirtualSignal, after_s: float = 0) -> None:
        self.overlay.show({one.junction.intersection.id: one for one in signals}, NOW + timedelta(seconds=after_s))

    def told(self) -> list[tuple[bool, Aspect, int]]:
        """Return what was heard since the last time: advisory?, the first group's aspect, the message count."""
        found = [(state.advisory, state.groups[0].aspect, state.revision) for state in self.heard]
        self.heard.clear()
        return found


@pytest.fixture
def street() -> Street:
    return Street()


def _directed(say: Say = Say.GO) -> VirtualSignal:
    return made_virtual_signal(as_of=NOW, says={1: say})


def test_while_people_direct_a_junction_its_lamps_are_not_published_and_afterwards_the_newest_is(
    street: Street,
) -> None:
    street.lamp(Aspect.STOP_AND_REMAIN, 7)
    street.show(_directed())
    street.lamp(Aspect.PROTECTED_GREEN, 8)
    street.lamp(Aspect.PROTECTED_AMBER, 9)
    street.show()
    street.lamp(Aspect.STOP_AND_REMAIN, 10)
    assert street.told() == [
        (False, Aspect.STOP_AND_REMAIN, 7),
        (True, Aspect.PERMISSIVE_GREEN, 8),
        (False, Aspect.PROTECTED_AMBER, 9),
        (False, Aspect.STOP_AND_REMAIN, 10),
    ]


def test_message_counts_go_on_by_one_over_any_number_of_changes(street: Street) -> None:
    street.lamp(Aspect.STOP_AND_REMAIN, 126)
    signal = _directed()
    for version in range(4):
        street.show(replace(signal, version=version, changed_at=NOW + timedelta(seconds=version)))
    street.show()
    street.lamp(Aspect.PROTECTED_GREEN, 127)
    street.lamp(Aspect.PROTECTED_AMBER, 0)
    revisions = [revision for _, _, revision in street.told()]
    assert [(b - a) % 128 for a, b in pairwise(revisions)] == [1] * (len(revisions) - 1)


def test_other_junctions_pass_untouched(street: Street) -> None:
    street.show(_directed())
    street.told()
    street.lamp(Aspect.PROTECTED_GREEN, 3, id="elsewhere")
    assert street.told() == [(False, Aspect.PROTECTED_GREEN, 3)]


def test_a_junction_without_lamps_is_told_to_be_unavailable_when_nobody_directs_it_any_more(street: Street) -> None:
    street.show(_directed())
    street.show(after_s=5)
    assert [(advisory, aspect) for advisory, aspect, _ in street.told()] == [
        (True, Aspect.PERMISSIVE_GREEN), (True, Aspect.UNAVAILABLE),
    ]  # fmt: skip
    street.show(after_s=6)
    assert street.told() == []


def test_what_has_not_changed_is_told_again_each_ten_seconds_and_no_oftener(street: Street) -> None:
    signal = _directed()
    for second in range(25):
        street.show(signal, after_s=second)
    assert len(street.told()) == 3
