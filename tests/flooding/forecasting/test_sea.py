"""Where the sea stands is told from the streets that it reaches, and from those it does not."""

import numpy as np
import pytest

from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.sea import SeaRule, ahead, filter_anomaly
from trafficfeed.flooding.forecasting.sea_levels import fit_levels
from trafficfeed.flooding.forecasting.tides import TideTable, tide_table

RULE = SeaRule()
HOURS = 3600.0 * np.arange(24 * 240)
TIDE = np.sin(2 * np.pi * HOURS / 44_714.0) + 0.25 * np.sin(2 * np.pi * HOURS / (14.77 * 86400))


def table(n_sites: int) -> TideTable:
    return tide_table(lon=np.zeros(n_sites), lat=np.zeros(n_sites), stations=[(0.0, 0.0, HOURS, TIDE)])


def test_a_flooded_street_raises_the_sea_and_a_dry_one_lowers_it() -> None:
    excess = np.full((3, 2), -0.1)
    wet = filter_anomaly(excess, np.full((3, 2), 0.2), np.full(2, 0.05), RULE)
    dry = filter_anomaly(excess + 0.2, np.zeros((3, 2)), np.full(2, 0.05), RULE)
    assert wet.mean_m[-1] == pytest.approx(0.3, abs=0.08)
    assert dry.mean_m[-1] < -0.05


def test_without_readings_nothing_is_known_but_how_far_it_strays() -> None:
    state = filter_anomaly(np.full((5, 1), 0.5), np.full((5, 1), np.nan), np.array([0.1]), RULE)
    assert np.allclose(state.mean_m, 0.0, atol=1e-6)
    assert np.allclose(state.sd_m, RULE.sd_m, atol=0.02)


def test_what_is_known_of_the_sea_fades() -> None:
    mean, sd = ahead(np.array([0.4]), np.array([0.05]), np.array([0.0, 86400.0, 30 * 86400.0]), RULE)
    assert mean[0] == pytest.approx(0.4) and abs(mean[2]) < 1e-3
    assert np.all(np.diff(sd) > 0) and sd[2] == pytest.approx(RULE.sd_m)


def test_a_site_s_level_and_lag_are_found_in_floods_that_the_tide_made() -> None:
    lag, level = 3600.0, 0.95
    stands = np.interp(HOURS - lag, HOURS, TIDE) - level
    lines, site = [], []
    wet = np.flatnonzero(stands > 0)
    for run in np.split(wet, np.flatnonzero(np.diff(wet) > 1) + 1):
        times = np.concatenate([[HOURS[run[0]] - 600], HOURS[run], [HOURS[run[-1]] + 600]])
        lines.append((times, np.concatenate([[0.0], stands[run], [0.0]])))
        site.append(0)
    history = History(
        watched_from=np.zeros(2),
        watched_until=np.full(2, HOURS[-1]),
        tidal=np.array([np.nan, 0.0]),
        site=np.array(site),
        lines=lines,
    )
    found = fit_levels(history, table(2), RULE)
    assert found.proven.tolist() == [True, False]
    assert found.lag_s[0] == pytest.approx(lag, abs=1200)
    assert found.level_m[0] == pytest.approx(level, abs=0.12)
    assert found.by_sea.mean() > 0.95


def test_floods_at_any_time_of_the_tide_prove_nothing() -> None:
    rng = np.random.default_rng(2)
    starts = np.sort(rng.uniform(86400, HOURS[-1] - 86400, 12))
    history = History(
        watched_from=np.zeros(1),
        watched_until=np.full(1, HOURS[-1]),
        tidal=np.array([1.0]),
        site=np.zeros(12, dtype=np.int64),
        lines=[(start + np.array([0.0, 1800.0, 5400.0]), np.array([0.0, 0.2, 0.0])) for start in starts],
    )
    assert not fit_levels(history, table(1), RULE).proven.any()


def test_a_station_far_away_says_nothing_and_one_without_a_place_is_the_last_resort() -> None:
    far = (10.0, 50.0, HOURS, TIDE)
    placeless = (np.nan, np.nan, HOURS, TIDE)
    sites = {"lon": np.array([0.0, 10.1]), "lat": np.array([0.0, 50.0])}
    assert tide_table(**sites, stations=[far]).known.tolist() == [False, True]
    assert tide_table(**sites, stations=[far, placeless]).station.tolist() == [1, 0]
    assert not tide_table(**sites, stations=[]).known.any()
