"""Depths and times that are read off chances agree with the chances."""

import numpy as np
import pytest

from trafficfeed.flooding.forecast import HORIZONS_S
from trafficfeed.flooding.forecasting.depths import LADDER_M, clear_times, flood_times, quantiles

N = len(HORIZONS_S)


def test_quantiles_are_those_of_the_distribution_that_made_the_chances() -> None:
    ladder = np.exp(-np.array(LADDER_M) / 0.2)[:, None, None].repeat(N, axis=2)
    p10, p50, p90 = (values[0, 0] for values in quantiles(ladder))
    assert p10 == pytest.approx(0.2 * np.log(1 / 0.9), abs=0.01)
    assert p50 == pytest.approx(0.2 * np.log(2), abs=0.01)
    assert p90 == pytest.approx(0.2 * np.log(10), abs=0.02)


def test_what_is_unlikely_at_any_depth_is_dry_and_what_is_unknown_stays_so() -> None:
    ladder = np.stack([np.full((1, N), 0.05), *[np.full((1, N), 0.01)] * (len(LADDER_M) - 1)])
    assert not quantiles(ladder)[2].any()
    assert np.isnan(quantiles(np.full_like(ladder, np.nan))[1]).all()


def test_times_to_flood_are_when_the_chance_passes_each_level() -> None:
    within = np.minimum(HORIZONS_S / 7200.0, 0.6)[None]
    first, median, last = flood_times(within)[0]
    assert first == 900.0 and median == 3600.0 and np.isinf(last)


def test_times_to_clear_are_when_it_is_not_exceeded_any_more() -> None:
    over = np.where(HORIZONS_S <= 3600.0, 0.95, np.where(HORIZONS_S <= 5400.0, 0.6, 0.05))[None]
    assert clear_times(over)[0].tolist() == [3900.0, 5700.0, 5700.0]
    assert clear_times(np.zeros((1, N)))[0].tolist() == [0.0, 0.0, 0.0]
    assert np.isinf(clear_times(np.ones((1, N)))).all()
    assert np.isnan(clear_times(np.full((1, N), np.nan))).all()
