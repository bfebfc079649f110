"""From a reading to the served feeds without Airflow: decided, stored, ordered, released, drawn on the map."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from made_floods import NOW, flooded_town, forecast_of, told

from trafficfeed.flooding.decisions import Level
from trafficfeed.formats import cap_structure, semantics
from trafficfeed.pipeline import closures
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_map import FEED as MAP
from trafficfeed.pipeline.flood_map import release_map
from trafficfeed.pipeline.flood_release import (
    FloodRelease,
    decide_and_release,
    override_and_release,
    reading_to_release,
)
from trafficfeed.pipeline.releasing import FEED, release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.outbox import Outbox


@pytest.fixture
def flooded(cities: Path, configured: Settings, tmp_path: Path) -> Settings:
    return configured.model_copy(update={"cities_dir": flooded_town(cities, tmp_path / "flooded")})


@pytest.fixture
def database(flooded: Settings) -> Database:
    return open_database(flooded.database_url)


def _served(settings: Settings, feed: str, name: str) -> bytes:
    release = ReleaseStore(ObjectStore(settings.objects_url), feed).current()
    assert release is not None
    return release.documents[name].data


def _closures(settings: Settings) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = json.loads(_served(settings, FEED, "closures.geojson"))["features"]
    return features


def _map(settings: Settings, name: str = "sites.geojson") -> dict[str, dict[str, Any]]:
    document = json.loads(_served(settings, MAP, name))
    return {feature["id"]: feature["properties"] for feature in document["features"]}


def _read(settings: Settings, database: Database, *depths_m: float, **changes: Any) -> FloodRelease:
    intake = told(settings, database, depths_m, **changes)
    done = reading_to_release(settings, database, intake, intake.received_at)
    assert done is not None
    return done


def test_a_good_reading_of_thirty_centimetres_closes_the_road_and_is_on_the_map(
    flooded: Settings, database: Database
) -> None:
    done = _read(flooded, database, 0.18, 0.22, 0.27, 0.31)
    assert [one.level for one in done.decisions] == [Level.CLOSED] and done.troubles == ()
    assert {one["properties"]["rule"]["kind"] for one in _closures(flooded)} == {"closure"}
    underpass = _map(flooded)["underpass"]
    assert underpass["observed"]["depth_m"] == 0.31 and underpass["decision"]["level"] == "closed"
    assert underpass["order"] == done.decisions[0].episode and underpass["validation"] == "pending"
    assert [entry.run_id for entry in Outbox(database, as_of=NOW + timedelta(minutes=1)).pending()] == [
        f"{underpass['order']}-1"
    ]


def test_a_spike_closes_nothing(flooded: Settings, database: Database) -> None:
    done = _read(flooded, database, 0.0, 0.0, 0.0, 0.0, 0.0, 1.9)
    assert [one.level for one in done.decisions] == [Level.CLEAR]
    assert done.released is None, "no road record changed"


def test_rain_alone_decides_nothing(flooded: Settings, database: Database) -> None:
    intake = told(flooded, database, [0.0], sensor="of-no-site")
    assert reading_to_release(flooded, database, intake, NOW) is None


def test_the_map_is_the_same_release_until_a_fact_changes(flooded: Settings, database: Database) -> None:
    _read(flooded, database, 0.12, 0.13, 0.13)
    first = release_map(flooded, database=database, as_of=NOW + timedelta(minutes=1))
    again = release_map(flooded, database=database, as_of=NOW + timedelta(minutes=2))
    assert first.version == again.version and first.manifest.number == again.manifest.number
    later = _read(flooded, database, 0.14, at=NOW + timedelta(minutes=3))
    assert later.map_release is not None and later.map_release.version != first.version
    then = ReleaseStore(ObjectStore(flooded.objects_url), MAP).manifest_as_of(NOW + timedelta(minutes=2))
    assert then is not None and then.version == first.version


def test_the_map_says_when_its_newest_input_is_too_old(flooded: Settings, database: Database) -> None:
    _read(flooded, database, 0.0, 0.0, 0.0)
    assert json.loads(_served(flooded, MAP, "sites.geojson"))["feed"]["stale"] is False
    release_map(flooded, database=database, as_of=NOW + timedelta(hours=2))
    head = json.loads(_served(flooded, MAP, "sites.geojson"))["feed"]
    assert head["stale"] is True and head["newest_input"] == "2026-12-01T02:05:00Z"


def test_a_segment_that_lies_higher_has_less_water_and_less_chance_of_it(flooded: Settings, database: Database) -> None:
    forecast = forecast_of(["quay", "underpass"], p90_m=0.60, chance_30cm=0.5)
    FloodForecasts(ObjectStore(flooded.objects_url), "gridtown").keep(forecast)
    release_map(flooded, database=database, as_of=NOW)
    segments = _map(flooded, "segments.geojson")
    assert len(segments) == 4, "two streets, both directions of each"
    low = next(one for one in segments.values() if one["sill_m"] == 0.0)
    high = next(one for one in segments.values() if one["sill_m"] == 0.25)
    assert low["forecast"]["p90_m"][0] == 0.6 and high["forecast"]["p90_m"][0] == 0.35
    assert low["forecast"]["chance_30cm"][0] == 0.5 > high["forecast"]["chance_30cm"][0] >= 0.1
    assert low["forecast"]["passable"] == [{"from_s": 0, "classes": []}]
    assert high["forecast"]["passable"] == [{"from_s": 0, "classes": ["large", "four_wheel_drive", "emergency"]}]
    assert low["forecast"]["to_flood_s"] == [600, 1200, None], "P90 lies beyond the horizon"
    assert _map(flooded)["quay"]["forecast"]["method"] == "reservoir"


def test_a_forecast_that_abstains_says_nothing(flooded: Settings, database: Database) -> None:
    forecast = forecast_of(["underpass"], p90_m=float("nan"), chance_30cm=float("nan"))
    forecast.exceedance[:] = np.nan
    forecast.to_flood_s[:] = np.nan
    forecast.to_clear_s[:] = np.nan
    FloodForecasts(ObjectStore(flooded.objects_url), "gridtown").keep(forecast)
    release_map(flooded, database=database, as_of=NOW)
    told_of = _map(flooded)["underpass"]["forecast"]
    assert set(told_of["p90_m"]) == {None} and "to_flood_s" not in told_of
    segment = next(iter(_map(flooded, "segments.geojson").values()))
    assert segment["forecast"]["passable"] == [{"from_s": 0, "classes": []}], "nobody, where nothing is known"


def test_a_forecast_closes_before_the_water_is_there(flooded: Settings, database: Database) -> None:
    forecast = forecast_of(["quay", "underpass"], p90_m=0.45, chance_30cm=0.9)
    done = decide_and_release(flooded, database, NOW, forecast=forecast)
    assert {one.site: one.level for one in done.decisions} == {"quay": Level.CLOSED, "underpass": Level.CLOSED}
    water = {one["properties"]["water"]["basis"] for one in _closures(flooded)}
    assert water == {"forecast"}
    assert {one["properties"]["water"]["method"] for one in _closures(flooded)} == {"reservoir"}


def test_a_place_without_roads_is_told_by_an_alert_and_on_the_map_only(flooded: Settings, database: Database) -> None:
    done = _read(flooded, database, 0.32, 0.33, 0.34, sensor="s2")
    assert [one.action for one in done.applied] == ["none"]
    assert _map(flooded)["quay"]["decision"]["level"] == "closed"
    data = _served(flooded, MAP, "alerts.atom")
    alerts = list(etree.fromstring(data).iter("{*}alert"))
    assert [one.findtext("{*}msgType") for one in alerts] == ["Alert"]
    assert [one for one in semantics.check("cap", data) if one.severity == "error"] == []
    assert cap_structure.check_structure(data) == ()
    over = override_and_release(
        flooded, database, "quay", Level.CLEAR, officer="chief", reason="pumped dry",
        until=NOW + timedelta(hours=1), as_of=NOW + timedelta(minutes=9),
    )  # fmt: skip
    assert over.troubles == ()
    ended = list(etree.fromstring(_served(flooded, MAP, "alerts.atom")).iter("{*}alert"))
    assert [one.findtext("{*}msgType") for one in ended] == ["Cancel"]


def test_what_awaits_an_officer_is_not_on_the_public_map(flooded: Settings, database: Database) -> None:
    careful = flooded.model_copy(
        update={
            "flooding": flooded.flooding.model_copy(
                update={"rule": flooded.flooding.rule.model_copy(update={"approval": True})}
            )
        }
    )
    done = decide_and_release(careful, database, NOW, forecast=forecast_of(["underpass"], p90_m=0.45, chance_30cm=0.9))
    assert [one.action for one in done.applied if one.site == "underpass"] == ["drafted"]
    assert "decision" not in _map(careful)["underpass"]


def test_an_officers_override_reaches_the_feed_and_holds_against_readings(
    flooded: Settings, database: Database
) -> None:
    override_and_release(
        flooded, database, "underpass", Level.CLOSED, officer="chief", reason="a manhole cover is gone",
        until=NOW + timedelta(hours=1), as_of=NOW,
    )  # fmt: skip
    assert {one["properties"]["rule"]["kind"] for one in _closures(flooded)} == {"closure"}
    done = _read(flooded, database, 0.0, 0.0, 0.0, at=NOW + timedelta(minutes=5))
    assert [one.level for one in done.decisions] == [Level.CLOSED]
    with database.reading() as connection:
        actors = {entry.actor for entry in FloodDecisions(connection, "gridtown").between(NOW, NOW + timedelta(days=1))}
    assert "chief" in actors


def test_readings_that_change_nothing_wait_for_the_next_round_of_the_map(flooded: Settings, database: Database) -> None:
    _read(flooded, database, 0.0, 0.0, 0.0)
    soon = _read(flooded, database, 0.01, at=NOW + timedelta(seconds=20))
    assert soon.map_release is None
    later = _read(flooded, database, 0.01, at=NOW + timedelta(seconds=90))
    assert later.map_release is not None and _map(flooded)["underpass"]["observed"]["depth_m"] == 0.01


def test_that_a_dry_road_stays_open_is_not_written_down_again(flooded: Settings, database: Database) -> None:
    for minute in range(3):
        _read(flooded, database, 0.0, at=NOW + timedelta(minutes=minute))
    with database.reading() as connection:
        kept = FloodDecisions(connection, "gridtown").between(NOW, NOW + timedelta(days=1))
    assert [entry.decision.level for entry in kept] == [Level.CLEAR]


def test_the_simulation_of_a_hazard_slows_traffic_down_and_its_verdict_is_added_to_the_record(
    flooded: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closures, "settings", lambda: flooded)
    monkeypatch.setattr(closures, "now", lambda: NOW + timedelta(minutes=2))
    done = _read(flooded, database, 0.11, 0.13, 0.15, 0.16)
    assert [one.level for one in done.decisions] == [Level.HAZARD]
    concluded = closures.conclude_step(done.decisions[0].episode, 1)
    release(flooded, database=database, as_of=NOW + timedelta(minutes=3))
    expected = "passed" if concluded["verdict"] == "publish" else "overridden"
    assert {one["properties"]["validation"] for one in _closures(flooded)} == {expected}
    with database.reading() as connection:
        stored = Certificates(connection).get(concluded["certificate"])
    assert stored is not None
    changes = stored.certificate.inputs["interventions"]
    assert {one["kind"] for one in changes} == {"SpeedChange"}
    assert {round(one["speed_mps"] * 3.6) for one in changes} == {22}, "0.0009·160² − 0.5529·160 + 86.9448 km/h, whole"
