"""Our JSON, China's SPAT and GeoJSON of lamp states: kept examples, absolute times alone, labels."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_lamp_states import AT, GREEN, RED, made_crossroads, made_forecast, made_group, made_state, seconds, simulated

from trafficfeed.errors import ScenarioInvalid, SourceMalformed
from trafficfeed.formats import signals_geojson, signals_json, spat_china_json
from trafficfeed.formats.signal_facts import facts_of
from trafficfeed.formats.signals_json_reading import read_signals_json
from trafficfeed.network.datums import convert
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.states import IntersectionState

GOLDEN = Path(__file__).parents[1] / "golden" / "signals"


def snapshot() -> bytes:
    return signals_json.encode_all([made_state()], publication_time=AT + seconds(0.5), city="made")


def china() -> bytes:
    return spat_china_json.encode(made_state())


def geojson(state: IntersectionState | None = None, datum: str = "wgs84") -> bytes:
    one = made_crossroads()
    return signals_geojson.encode_all(
        [state or made_state()], intersections={one.id: one}, publication_time=AT, datum=datum
    )


KEPT: dict[str, Callable[[], bytes]] = {
    signals_json.FILE_NAME: snapshot,
    spat_china_json.FILE_NAME: china,
    signals_geojson.FILE_NAME: geojson,
}


@pytest.mark.parametrize("name", KEPT)
def test_a_document_is_the_one_that_was_kept(name: str) -> None:
    assert KEPT[name]() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", KEPT)
def test_no_document_counts_seconds_down(name: str) -> None:
    keys = {key.lower() for key, _ in _pairs(json.loads(KEPT[name]()))}
    assert keys
    assert not [key for key in keys if re.search(r"remain|countdown(?!_allowed)|counting|seconds|left$", key)]


def test_every_time_of_ours_is_absolute_and_in_utc() -> None:
    times = [value for key, value in _pairs(json.loads(snapshot())) if key.endswith(("_at", "_end", "since", "p10"))]
    assert len(times) > 10
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)


def test_a_group_whose_countdown_is_forbidden_carries_its_interval_alone() -> None:
    counted, forbidden, abstained, *_ = json.loads(signals_json.encode(made_state()))["groups"]
    assert counted["forecast"]["likely_end"] == "2026-05-01T12:00:02.200Z"
    assert counted["forecast"]["countdown_allowed"] is True
    assert set(forbidden["forecast"]) == {"method", "min_end", "max_end", "p10", "p90", "countdown_allowed"}
    assert forbidden["forecast"]["countdown_allowed"] is False
    assert "forecast" not in abstained


def test_silent_and_dark_groups_have_no_forecast() -> None:
    groups = json.loads(signals_json.encode(made_state()))["groups"]
    assert groups[3]["stale"] is True
    assert not [group for group in groups[3:] if "forecast" in group]


def test_the_order_of_intersections_does_not_change_the_bytes() -> None:
    other = replace(made_state(), intersection="a-x-b", number=9)
    both = [made_state(), other]
    assert signals_json.encode_all(both, publication_time=AT) == signals_json.encode_all(
        both[::-1], publication_time=AT
    )


def test_our_json_reads_back_to_what_the_state_says() -> None:
    (facts,) = read_signals_json(signals_json.encode(made_state()))
    meant = facts_of(made_state())
    assert [(g.group, g.aspect, g.countdown, g.stale) for g in facts.groups] == [
        (g.group, g.aspect, g.countdown, g.stale) for g in meant.groups
    ]
    assert facts.groups[0].announced is not None
    assert meant.groups[0].announced is not None
    assert facts.groups[0].announced.likely_end == meant.groups[0].announced.likely_end
    assert (facts.intersection, facts.observed_at) == (meant.intersection, meant.observed_at)
    assert len(read_signals_json(snapshot())) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"id":"a"}',
        b'{"id":"a","observed_at":"2026-05-01T12:00:00","groups":[]}',
        b'{"id":"a","observed_at":"2026-05-01T12:00:00Z","groups":[{"group":0,"aspect":"dark"}]}',
        b'{"id":"a","observed_at":"2026-05-01T12:00:00Z","groups":[{"group":1,"aspect":"blue"}]}',
    ],
)
def test_what_is_no_json_of_lamp_states_is_refused(data: bytes) -> None:
    with pytest.raises(SourceMalformed):
        read_signals_json(data)


def test_simulated_lamps_are_labelled_in_every_document() -> None:
    state = simulated(made_state())
    ours = json.loads(signals_json.encode(state))
    assert ours["simulated"] is True
    assert all(group["simulated"] for group in ours["groups"])
    chinese = json.loads(spat_china_json.encode(state))
    assert chinese["name"] == chinese["intersections"][0]["name"] == "SIMULATED"
    on_map = json.loads(geojson(state))
    assert on_map["simulated"] is True
    assert all(feature["properties"]["simulated"] for feature in on_map["features"])
    assert b"simulated" not in signals_json.encode(made_state())
    assert b"SIMULATED" not in spat_china_json.encode(made_state())


def test_virtual_signals_name_their_authority_and_expiry() -> None:
    state = replace(made_state(), advisory=True, authority="警察", expires_at=AT + seconds(600))
    value = json.loads(signals_json.encode(state))
    assert (value["advisory"], value["authority"]) == (True, "警察")
    assert value["expires_at"] == "2026-05-01T12:09:50.200Z"
    assert json.loads(geojson(state))["features"][0]["properties"]["authority"] == "警察"
    assert json.loads(spat_china_json.encode(state))["intersections"][0]["status"][0] == "1"


def test_light_states_are_the_chinese_codes() -> None:
    codes = {aspect: spat_china_json.LIGHT_STATES[aspect] for aspect in Aspect}
    assert codes[Aspect.UNAVAILABLE] == 0
    assert codes[Aspect.DARK] == 1
    assert codes[Aspect.STOP_AND_REMAIN] == codes[Aspect.PRE_MOVEMENT] == 3
    assert (codes[Aspect.PERMISSIVE_GREEN], codes[Aspect.PROTECTED_GREEN]) == (5, 6)
    assert codes[Aspect.PROTECTED_AMBER] == codes[Aspect.PERMISSIVE_AMBER] == 7
    assert (codes[Aspect.STOP_THEN_PROCEED], codes[Aspect.FLASHING_AMBER]) == (2, 8)


def test_chinese_times_are_utc_marks_and_unknown_where_the_countdown_is_forbidden() -> None:
    counted, forbidden, abstained, silent, dark, _ = [
        phase["phaseStates"][0] for phase in json.loads(china())["intersections"][0]["phases"]
    ]
    assert counted["timing"]["utcTiming"] == {
        "startUTCTime": 35_812,
        "likelyEndUTCTime": 22,
        "minEndUTCTime": 35_982,
        "maxEndUTCTime": 103,
        "timeConfidence": 196,
    }
    assert forbidden["timing"]["utcTiming"]["likelyEndUTCTime"] == 36_001
    assert abstained["timing"]["utcTiming"] == {"startUTCTime": 35_812, "likelyEndUTCTime": 36_001}
    assert (silent, dark) == ({"light": 0}, {"light": 1})


def test_geojson_is_in_the_datum_that_is_asked_for_and_says_so() -> None:
    document = json.loads(geojson(datum="gcj02"))
    assert document["datum"] == "gcj02"
    expected = convert([group.stop_line for group in made_crossroads().groups], source="wgs84", target="gcj02")
    found = [feature["geometry"]["coordinates"] for feature in document["features"]]
    assert found == [[round(x, 7) for x in point] for point in expected.tolist()]
    with pytest.raises(ScenarioInvalid):
        geojson(datum="mars")


def test_geojson_leaves_out_what_the_topology_does_not_hold() -> None:
    assert len(json.loads(geojson())["features"]) == 2  # of six groups, two have a stop line
    assert json.loads(geojson(replace(made_state(), intersection="elsewhere")))["features"] == []


def test_a_forecast_of_another_aspect_is_not_told() -> None:
    state = replace(made_state(), groups=(made_group(1, RED, made_forecast(1, GREEN)),))
    assert "forecast" not in json.loads(signals_json.encode(state))["groups"][0]


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(inner)
