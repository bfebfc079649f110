"""The released flood map read back: places where they are on the earth, stretches as long as they are wet."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from api.flood_released import FloodPicture, picture_of
from trafficfeed.errors import SourceMalformed
from trafficfeed.network.datums import convert

ISSUED = datetime(2026, 7, 1, 12, tzinfo=UTC)
LINE = [(121.4700, 31.2300), (121.4740, 31.2300)]  # Shanghai


def documents(datum: str = "wgs84", **facts: Any) -> tuple[bytes, bytes]:
    """Return a map of one road, 380 m long, that is wet from 100 to 180 m."""
    line = np.round(convert(np.array(LINE), source="wgs84", target=datum), 7).tolist()
    head = {
        "datum": datum,
        "issued_at": ISSUED.isoformat(),
        "horizons_s": [0, 300, 3600],
        "standing_water_m": {"small": 0.3},
    }
    forecast = {"p10_m": [0, 0.1, None], "p50_m": [0.1, 0.2, None], "p90_m": [0.2, 0.3, None], "method": "reservoir"}
    properties = {"name": "", "site": "low", "sill_m": 0, "from_m": 100.0, "to_m": 180.0, "forecast": forecast} | facts
    segment = {"id": "low.1", "geometry": {"coordinates": line}, "properties": properties}
    site = {"id": "low", "geometry": {"coordinates": line[0]}, "properties": properties}
    segments, sites = ({"feed": head, "features": [one]} for one in (segment, site))
    return json.dumps(segments).encode(), json.dumps(sites).encode()


def read(datum: str = "wgs84", **facts: Any) -> FloodPicture:
    return picture_of(*documents(datum, **facts), "v1")


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_a_map_in_any_datum_is_drawn_where_the_roads_are(datum: str) -> None:
    picture = read(datum)
    assert np.allclose(picture.segments[0].line, LINE, atol=2e-6)
    assert np.allclose(picture.places[0].lonlat, LINE[0], atol=2e-6)


def test_the_wet_stretch_is_as_long_as_the_water_stands() -> None:
    wet = read().segments[0].wet
    geod = Geod(ellps="WGS84")
    assert geod.line_length(wet[:, 0], wet[:, 1]) == pytest.approx(80, rel=0.01)
    start = geod.line_length([LINE[0][0], wet[0, 0]], [LINE[0][1], wet[0, 1]])
    assert start == pytest.approx(100, rel=0.01)


def test_a_stretch_that_makes_no_sense_is_the_whole_road() -> None:
    picture = read(from_m=500.0, to_m=600.0)
    assert np.allclose(picture.segments[0].wet, picture.segments[0].line)


def test_a_dry_road_is_dry_at_all_times_and_one_without_forecast_at_none() -> None:
    dry = read(forecast={"dry": True})
    assert dry.series(dry.segments[0], ISSUED).tolist() == [0.0, 0.0, 0.0]
    unknown = read(forecast=None)
    assert np.isnan(unknown.series(unknown.segments[0], ISSUED)).all()


def test_depths_are_told_from_now_on_and_a_gap_in_the_forecast_stays_one() -> None:
    picture = read()
    now = ISSUED + timedelta(seconds=150)
    assert picture.times(now) == [now, ISSUED + timedelta(seconds=300), ISSUED + timedelta(hours=1)]
    likely, worst = picture.series(picture.segments[0], now), picture.series(picture.segments[0], now, worst=True)
    assert likely[:2] == pytest.approx([0.15, 0.2]) and worst[:2] == pytest.approx([0.25, 0.3])
    assert np.isnan(likely[2])


def test_a_fresh_reading_is_what_stands_there_now_and_an_old_one_is_not() -> None:
    picture = read(observed={"depth_m": 0.5, "at": ISSUED.isoformat(), "sensor": "s", "quality": "good"})
    place = picture.places[0]
    assert picture.depth_now(place, ISSUED + timedelta(minutes=20)) == 0.5
    assert np.isnan(picture.depth_now(place, ISSUED + timedelta(minutes=21)))


def test_after_its_last_hour_a_forecast_says_nothing() -> None:
    picture = read()
    now = ISSUED + timedelta(hours=2)
    assert picture.times(now) == [now] and np.isnan(picture.series(picture.segments[0], now)).all()


def test_something_else_is_refused_in_words() -> None:
    with pytest.raises(SourceMalformed, match="release it anew"):
        picture_of(b"{}", b"[]", "v1")
