"""A made storm played through the whole pipeline of gridtown: what it comes to, and that nothing saw the future."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from made_floods import NOW, flooded_town

from trafficfeed.flooding.decisions import DecisionRule, Level
from trafficfeed.flooding.made_storm import StormShape, made_storm
from trafficfeed.pipeline.flood_replay import Replayed, replay, storm_of_record
from trafficfeed.pipeline.flood_replay_picture import draw_replay
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.pipeline.releasing import FEED
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore

SHAPE = StormShape(hours=3.5, sea_peak_m=0.3)


@pytest.fixture(scope="module")
def installation(cities: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Database]:
    folder = tmp_path_factory.mktemp("flooded")
    settings = Settings(
        state_dir=folder / "state", cities_dir=flooded_town(cities, folder / "cities"), city="gridtown", airflow_port=9
    )
    return settings, open_database(settings.database_url)


@pytest.fixture(scope="module")
def replayed(installation: tuple[Settings, Database]) -> Replayed:
    settings, database = installation
    sites = [replace(site, catchment_m2=20_000.0, drain_m3ps=0.03) for site in waterworks_of(settings).sites]
    storm = made_storm(sites, NOW, SHAPE)  # played from when the first water comes
    return replay(
        replace(storm, begins=NOW + timedelta(minutes=75), ends=NOW + timedelta(minutes=140)), settings, database
    )


def test_a_site_is_closed_by_the_time_it_has_to_be_and_never_cleared_in_water(replayed: Replayed) -> None:
    card = replayed.scorecard
    underpass = next(one for one in card.sites if one.site == "underpass")
    assert underpass.real >= 1
    assert underpass.missed == 0
    assert underpass.exposed_s <= 120
    assert card.clears_above == 0
    assert replayed.troubles == ()


def test_what_was_decided_is_in_the_feed_that_went_out(
    replayed: Replayed, installation: tuple[Settings, Database]
) -> None:
    settings, _ = installation
    release = ReleaseStore(ObjectStore(settings.objects_url), FEED).current()
    assert release is not None
    features = json.loads(release.documents["closures.geojson"].data)["features"]
    last = {one.site: one for one in replayed.decisions}["underpass"]
    assert last.level is Level.CLOSED
    assert {feature["properties"]["order"]["id"] for feature in features} >= {last.episode}


def test_no_decision_rests_on_a_forecast_from_later(replayed: Replayed) -> None:
    for decision in replayed.decisions:
        assert decision.forecast is None or decision.forecast <= decision.decided_at
    for forecast in replayed.forecasts:
        at_hand = [issue.issued_at for issue in replayed.storm.rain if issue.issued_at <= forecast.issued_at]
        assert at_hand


def test_the_record_of_it_is_a_storm_again(replayed: Replayed, installation: tuple[Settings, Database]) -> None:
    settings, database = installation
    storm = storm_of_record(settings, database, replayed.storm.begins, replayed.storm.ends)
    measured, true = storm.truth["underpass"], replayed.storm.truth["underpass"]
    at = measured.times[:: max(1, len(measured.times) // 20)]
    np.testing.assert_allclose(
        np.interp(at, measured.times, measured.depth_m), np.interp(at, true.times, true.depth_m), atol=0.03
    )
    assert storm.rain


def test_a_picture_is_drawn(replayed: Replayed, tmp_path: Path) -> None:
    draw_replay(replayed, DecisionRule(), tmp_path / "storm.png")
    assert (tmp_path / "storm.png").read_bytes()[:4] == b"\x89PNG"
