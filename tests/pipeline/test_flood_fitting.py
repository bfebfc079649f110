"""A city's parameters from its own record: floods cut out of readings, and a forecast that knows its places."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trafficfeed.flooding.forecast import Method
from trafficfeed.flooding.forecasting.forecaster import Forecaster
from trafficfeed.flooding.forecasting.parameters import FloodParameters
from trafficfeed.flooding.made_storm import made_past, made_storm
from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.sites import Site, SiteSource
from trafficfeed.pipeline.flood_fitting import fitted_on, record_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITES = [
    Site(id=name, name=name, lon=24.95, lat=60.17, source=SiteSource.LIST, outfall_level_m=outfall, tidal=tidal,
         sensors=(f"{name}-gauge",))
    for name, outfall, tidal in (("quay", 0.8, True), ("underpass", None, False), ("hill", None, False))
]  # fmt: skip


def read(site: str, minute: int, depth_m: float, quality: Quality = Quality.GOOD) -> Reading:
    at = NOON + timedelta(minutes=minute)
    return Reading(
        id=f"{site}@{minute}", sensor=f"{site}-gauge", observed_at=at, received_at=at, depth_m=depth_m, quality=quality
    )


def test_water_that_comes_back_soon_is_one_flood_and_what_is_flagged_is_none() -> None:
    depths = {0: 0.0, 10: 0.2, 20: 0.0, 60: 0.1, 90: 0.0, 400: 0.3, 420: 0.0, 500: 0.0, 520: 0.03, 540: 0.0}
    readings = [read("quay", minute, depth) for minute, depth in depths.items()]
    readings.append(read("quay", 700, 1.5, Quality.SPIKE))
    record = record_of(SITES, {"quay-gauge": readings})
    spans = [(row, len(times), float(line.max())) for row, times, line in record.floods]
    assert spans == [(0, 5, 0.2), (0, 3, 0.3)]  # the puddle of 3 cm is no flood
    assert set(record.watched) == {"quay"}
    assert record.history.watched_from[1] == np.inf


@pytest.fixture(scope="module")
def past_and_parameters() -> tuple[datetime, FloodParameters]:
    until = NOON - timedelta(days=5)
    return until, fitted_on(made_past(SITES, until), SITES, until)


def test_a_forecast_that_was_fitted_expects_a_flood_where_it_floods(
    past_and_parameters: tuple[datetime, FloodParameters],
) -> None:
    until, parameters = past_and_parameters
    storm = made_storm(SITES, NOON)
    forecaster = Forecaster(SITES, parameters, [storm.tide] if storm.tide else [])
    before = forecaster.forecast(readings={}, rain=storm.rain[:2], gauges=(), as_of=NOON - timedelta(hours=2))
    assert set(before.method) == {Method.RESERVOIR}
    assert before.chance("quay", 0.15, within=timedelta(hours=8)) > 0.5
    calm = forecaster.forecast(readings={}, rain=storm.rain[:1], gauges=(), as_of=NOON - timedelta(days=3))
    assert not calm.chance("quay", 0.15, within=timedelta(hours=8)) > 0.2
    assert parameters.fitted_until == until
    assert parameters.nowcast is not None


def test_a_made_past_ends_before_it_is_used() -> None:
    until = NOON - timedelta(days=5)
    assert all(storm.ends <= until for storm in made_past(SITES, until))
