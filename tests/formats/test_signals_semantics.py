"""Each rule of lamp states finds its own fault, in messages of every format, and nothing in a sound one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from made_lamp_states import AMBER, AT, GREEN, RED, made_crossroads, made_forecast, made_group, made_state, seconds

from trafficfeed.errors import FeedNonConformant, SourceMalformed
from trafficfeed.formats import signals_json, spatem
from trafficfeed.formats.j2735_reading import Frame, write_frame
from trafficfeed.formats.signal_facts import GroupFacts, SignalFacts, facts_of
from trafficfeed.formats.signals_semantics import SIGNAL_RULES, check, check_document
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd
from trafficfeed.signals.topology import Intersection


def facts(*groups: GroupFacts, **changes: object) -> SignalFacts:
    one = SignalFacts(number=4711, region=246, revision=3, observed_at=AT, groups=groups, intersection="made")
    return replace(one, **changes)  # type: ignore[arg-type]


def group(aspect: Aspect = GREEN, *ends: float | None, number: int = 1, **changes: object) -> GroupFacts:
    least, likely, most = (None if end is None else AT + seconds(end) for end in (*ends, None, None, None)[:3])
    announced = AnnouncedEnd(min_end=least, likely_end=likely, max_end=most) if ends else None
    return replace(GroupFacts(group=number, aspect=aspect, announced=announced), **changes)  # type: ignore[arg-type]


FAULTS: dict[str, SignalFacts] = {
    "signals.time.clock": facts(observed_at=datetime(1970, 1, 1, tzinfo=UTC)),
    "signals.time.order": facts(observed_at=AT - seconds(30)),
    "signals.time.since": facts(group(since=AT + seconds(5))),
    "signals.end.order": facts(group(GREEN, 9.0, 5.0, 12.0)),
    "signals.end.ahead": facts(group(GREEN, -20.0, -10.0, -5.0)),
    "signals.end.untimed": facts(group(Aspect.DARK, 3.0, 4.0, 5.0)),
    "signals.end.countdown": facts(group(GREEN, 3.0, None, 5.0, countdown=True)),
    "signals.conflict": facts(group(GREEN), group(GREEN, number=2)),
    "signals.group": facts(group(RED, number=77)),
    "signals.revision": facts(revision=128),
    "signals.transition": facts(group(RED)),
}


def topology() -> dict[str, Intersection]:
    one = made_crossroads()
    return {one.id: one}


def found(one: SignalFacts) -> set[str]:
    before = facts(group(GREEN), observed_at=AT - seconds(1))
    return {finding.rule for finding in check([one], as_of=AT, intersections=topology(), previous=[before])}


def test_there_is_a_fault_for_every_rule() -> None:
    assert set(FAULTS) == {rule.id for rule in SIGNAL_RULES}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_by_its_own_rule_alone(rule: str) -> None:
    also = {"signals.time.order"} if rule == "signals.time.clock" else set()
    assert found(FAULTS[rule]) - also == {rule}


def test_a_sound_state_has_no_findings_in_any_format() -> None:
    one = replace(made_state(), groups=made_state().groups[:2])
    documents = {
        "signals-json": signals_json.encode(one),
        "spatem": spatem.encode(one),
        "j2735": write_frame(Frame(kind="SPAT", value=spatem.value_of(one)["spat"])),
    }
    assert check([facts_of(one)], as_of=AT, intersections=topology()) == ()
    for name, data in documents.items():
        assert check_document(name, data, as_of=AT, intersections=topology()) == ()


def test_a_state_of_tomorrow_and_one_without_a_time_are_found() -> None:
    assert found(facts(observed_at=AT + timedelta(days=1))) == {"signals.time.clock"}
    assert found(facts(observed_at=None)) == {"signals.time.clock"}


def test_a_controller_half_a_minute_ahead_is_found() -> None:
    data = spatem.encode(made_state(), at=AT + seconds(30))
    assert "signals.time.clock" in {finding.rule for finding in check_document("spatem", data, as_of=AT)}


def test_a_silent_group_is_not_taken_for_green() -> None:
    assert "signals.conflict" not in found(facts(group(GREEN, stale=True), group(GREEN, number=2)))


def test_green_to_amber_and_amber_to_red_are_no_faults() -> None:
    assert found(facts(group(AMBER))) == set()
    assert check([facts(group(RED))], previous=[facts(group(AMBER))]) == ()


def test_an_intersection_stated_twice_is_found() -> None:
    assert [finding.rule for finding in check([facts(), facts()])] == ["signals.id.unique"]


def test_what_cannot_be_read_is_refused_and_a_format_nobody_reads_too() -> None:
    with pytest.raises(SourceMalformed):
        check_document("spatem", spatem.encode(made_state())[:20], as_of=AT)
    with pytest.raises(SourceMalformed):
        check_document("signals-json", b"{", as_of=AT)
    with pytest.raises(FeedNonConformant, match="nothing reads"):
        check_document("morse", b"", as_of=AT)


def test_our_own_encoder_never_breaks_the_rules_on_ends() -> None:
    passed = made_group(1, GREEN, made_forecast(1, GREEN))
    state = replace(made_state(), groups=(passed,))
    for late in range(0, 40, 3):
        at = AT + seconds(late)
        assert check_document("spatem", spatem.encode(state, at=at), as_of=at) == ()
