"""Flood forecasts in the object store: the newest by its time, whole, or named as broken."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecast import HORIZONS_S, CityForecast, Method
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.store.objects import ObjectStore

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def made(issued_at: datetime, depth_m: float) -> CityForecast:
    grid = np.full((1, len(HORIZONS_S)), depth_m)
    return CityForecast(
        issued_at=issued_at,
        sites=("square",),
        horizons_s=HORIZONS_S,
        p10_m=grid,
        p50_m=grid,
        p90_m=grid,
        exceedance=np.stack([grid, grid, grid]),
        within=np.stack([grid, grid, grid]),
        method=(Method.RESERVOIR,),
        confidence=np.array([0.5]),
        to_flood_s=np.array([[0.0, np.inf, np.nan]]),
        to_clear_s=np.array([[0.0, 60.0, np.inf]]),
        inputs={"rain": "abc"},
    )


@pytest.fixture
def forecasts(tmp_path: Path) -> FloodForecasts:
    return FloodForecasts(ObjectStore(f"file://{tmp_path}"), "town")


def test_the_newest_known_at_an_instant_comes_back_as_it_was_kept(forecasts: FloodForecasts) -> None:
    for minutes in (10, 0, 5):
        forecasts.keep(made(NOON + timedelta(minutes=minutes), minutes / 100))
    found = forecasts.newest(NOON + timedelta(minutes=7))
    assert found is not None
    assert found.issued_at == NOON + timedelta(minutes=5)
    assert found.p50_m[0, 0] == 0.05
    assert (found.sites, found.method, found.inputs) == (("square",), (Method.RESERVOIR,), {"rain": "abc"})
    np.testing.assert_array_equal(found.to_flood_s, [[0.0, np.inf, np.nan]])
    assert forecasts.between(NOON, NOON + timedelta(minutes=6)) == [NOON, NOON + timedelta(minutes=5)]


def test_one_that_is_too_old_is_as_none_and_so_is_one_from_later(forecasts: FloodForecasts) -> None:
    forecasts.keep(made(NOON, 0.1))
    assert forecasts.newest(NOON + timedelta(hours=2), not_older_than=timedelta(hours=1)) is None
    assert forecasts.newest(NOON - timedelta(seconds=1)) is None


def test_an_object_that_is_cut_off_is_named(forecasts: FloodForecasts, tmp_path: Path) -> None:
    path = tmp_path / forecasts.keep(made(NOON, 0.1))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SourceMalformed, match=r"20261121T120000\.npz is not a flood forecast"):
        forecasts.newest(NOON)
