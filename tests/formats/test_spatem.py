"""SPATEM: the bits that we put together are those of a general encoder, and say what the state says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_lamp_states import AT, CROSSROADS, GREEN, RED, made_forecast, made_group, made_state, seconds, simulated

from trafficfeed.errors import FeedNonConformant, SourceMalformed
from trafficfeed.formats import its_asn1, spatem
from trafficfeed.formats.signal_facts import GroupFacts
from trafficfeed.formats.signal_times import told
from trafficfeed.formats.spatem_reading import read_spatem
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.states import GroupState, IntersectionState

moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31, 23, 59, 59), timezones=st.just(UTC))
ends = st.none() | st.timedeltas(timedelta(seconds=-30), timedelta(hours=2))


@st.composite
def groups(draw: st.DrawFn, number: int, at: datetime) -> GroupState:
    aspect = draw(st.sampled_from(Aspect))
    least, likely, most = sorted(draw(st.tuples(*[st.timedeltas(timedelta(-1), timedelta(hours=2))] * 3)))
    keep = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    forecast = Forecast(
        key=GroupKey("x", number),
        aspect=aspect if draw(st.booleans()) else draw(st.sampled_from(Aspect)),
        since=at,
        made_at=at,
        method=draw(st.sampled_from(Method)),
        min_end=at + least if keep[0] else None,
        likely_end=at + likely if keep[1] else None,
        max_end=at + most if keep[2] else None,
        countdown_allowed=draw(st.booleans()),
    )
    return GroupState(
        group=number,
        aspect=aspect,
        since=at,
        forecast=draw(st.none() | st.just(forecast)),
        simulated=draw(st.booleans()),
        stale=draw(st.booleans()),
    )


@st.composite
def states(draw: st.DrawFn) -> IntersectionState:
    at = draw(moments)
    numbers = draw(st.lists(st.integers(1, 255), min_size=1, max_size=12, unique=True))
    return IntersectionState(
        intersection="x",
        number=draw(st.integers(0, 65_535)),
        region=draw(st.integers(0, 65_535)),
        revision=draw(st.integers(0, 127)),
        observed_at=at,
        groups=[draw(groups(number, at)) for number in sorted(numbers)],
        advisory=draw(st.booleans()),
        authority=draw(st.text(max_size=80)),
    )


@given(states(), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_every_message_is_byte_for_byte_that_of_pycrate_and_decodes_back_equal(
    state: IntersectionState, station: int
) -> None:
    value = spatem.value_of(state, station=station)
    data = spatem.encode(state, station=station)
    assert data == its_asn1.encode("SPATEM", value)
    assert its_asn1.decode("SPATEM", data) == value


@given(states())
@settings(max_examples=80, deadline=None)
def test_what_is_read_back_is_what_may_be_told_to_the_tenth(state: IntersectionState) -> None:
    (facts,) = read_spatem(spatem.encode(state), near=state.observed_at + timedelta(seconds=3))
    assert facts.observed_at is not None
    assert timedelta(0) <= state.observed_at - facts.observed_at < timedelta(milliseconds=1)
    assert (facts.number, facts.region, facts.revision) == (state.number, state.region, state.revision)
    assert facts.simulated == state.simulated
    assert facts.advisory == state.advisory
    for group, read in zip(state.groups, facts.groups, strict=True):
        assert read.group == group.group
        assert read.aspect is (Aspect.UNAVAILABLE if group.stale else group.aspect)
        _compare(group, read, state.observed_at)


def _compare(group: GroupState, read: GroupFacts, at: datetime) -> None:
    end = told(group, at)
    announced = read.announced
    if end is None:
        assert announced is None
        return
    pairs = (
        (end.earliest, announced and announced.min_end, -0.1, 0.0),
        (end.likely, announced and announced.likely_end, -0.05, 0.05),
        (end.latest, announced and announced.max_end, 0.0, 0.1),
    )
    for meant, said, least, most in pairs:
        if meant is None or meant - at >= timedelta(hours=1, milliseconds=-100):
            assert said is None
        elif meant - at < timedelta(minutes=59):
            assert said is not None
            assert seconds(least) <= said - meant <= seconds(most)


def test_a_countdown_carries_likely_time_and_confidence_an_interval_neither() -> None:
    first, second, *_ = _movements(made_state())
    assert set(first["timing"]) == {"minEndTime", "maxEndTime", "likelyTime", "confidence"}
    assert set(second["timing"]) == {"minEndTime", "maxEndTime"}


def test_nothing_is_timed_where_nothing_may_be_said() -> None:
    _, _, abstained, silent, dark, unknown = _movements(made_state())
    assert abstained == {"eventState": "stop-And-Remain", "timing": {"minEndTime": 36_001}}
    assert silent == {"eventState": "unavailable"}
    assert dark == {"eventState": "dark"}
    assert unknown == {"eventState": "pre-Movement", "timing": {"minEndTime": 36_001}}


def test_ends_in_the_next_hour_roll_over_and_those_beyond_one_are_36000() -> None:
    forecast = made_forecast(1, GREEN, ends=(8.0, 12.0, 3600.0))
    (event,) = _movements(replace(made_state(), groups=(made_group(1, GREEN, forecast),)))
    assert event["timing"] == {"minEndTime": 35_982, "likelyTime": 22, "maxEndTime": 36_000, "confidence": 14}


def test_an_end_that_has_passed_is_not_said_again() -> None:
    state = replace(made_state(), groups=(made_group(1, GREEN, made_forecast(1, GREEN)),))
    assert _movements(state, at=AT + seconds(13))[0]["timing"].keys() == {"minEndTime", "maxEndTime"}
    assert _movements(state, at=AT + seconds(25))[0]["timing"] == {"minEndTime": 36_001}


def test_what_is_simulated_or_advisory_says_so_in_its_name() -> None:
    assert spatem.label_of(made_state()) == ""
    assert spatem.label_of(simulated(made_state())) == "SIMULATED"
    advisory = replace(simulated(made_state()), advisory=True, authority="Poliisi")
    assert spatem.label_of(advisory) == "SIMULATED ADVISORY Poliisi"
    (facts,) = read_spatem(spatem.encode(advisory), near=AT)
    assert facts.simulated
    assert facts.advisory


def test_an_intersection_that_is_silent_as_a_whole_says_that_it_is_not_valid() -> None:
    silent = replace(made_state(), groups=tuple(replace(group, stale=True) for group in made_state().groups))
    (facts,) = read_spatem(spatem.encode(silent), near=AT)
    assert not facts.valid


@pytest.mark.parametrize(
    "wrong",
    [{"groups": ()}, {"number": 70_000}, {"region": -1}, {"revision": 128}, {"groups": (made_group(0, RED),)}],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FeedNonConformant, match=CROSSROADS):
        spatem.encode(replace(made_state(), **wrong))  # type: ignore[arg-type]


def test_a_message_cut_at_any_byte_is_refused_and_so_is_one_with_something_behind() -> None:
    data = spatem.encode(made_state())
    for cut in range(len(data)):
        with pytest.raises(SourceMalformed):
            read_spatem(data[:cut], near=AT)
    with pytest.raises(SourceMalformed, match="behind"):
        read_spatem(data + b"\0", near=AT)


@given(st.binary(max_size=200))
@settings(max_examples=120, deadline=None)
def test_bytes_that_are_no_message_are_refused_or_read_but_never_crash(data: bytes) -> None:
    try:
        facts = read_spatem(data, near=AT)
    except SourceMalformed:
        return
    assert facts


def _movements(state: IntersectionState, at: datetime | None = None) -> list[dict[str, dict[str, int]]]:
    value = its_asn1.decode("SPATEM", spatem.encode(state, at=at))
    return [movement["state-time-speed"][0] for movement in value["spat"]["intersections"][0]["states"]]
