"""A chance never falls with rain, tide, water now or time, and never rises with depth, whatever the weights."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trafficfeed.flooding.forecasting.outlook import Outlook, chances
from trafficfeed.flooding.forecasting.rain_features import FALLEN_H, lagged_mean, until
from trafficfeed.flooding.forecasting.risk import AT_TIME, WITHIN, RiskRule
from trafficfeed.flooding.forecasting.risk_fitting import FIT_DEPTHS_M, RiskRows, fit_weights
from trafficfeed.flooding.forecasting.sea import SeaRule

Floats = npt.NDArray[np.float64]
DEPTHS = np.array([0.05, 0.10, 0.15, 0.30])
AFTER = np.array([0.0, 300.0, 3600.0, 5400.0, 6 * 3600.0, 20 * 3600.0])


def outlook(rain: Floats, *, now: float = np.nan, tide: float = np.nan, fallen: float = 0.0) -> Outlook:
    n = rain.shape[-1]
    one = np.ones(1)
    return Outlook(
        rain_mm=rain,
        fallen_mm=np.full((1, FALLEN_H), fallen),
        drain_mmph=2.0 * one,
        outfall_m=np.nan * one,
        tide_m=np.full((1, n + 1), tide),
        crest_m=np.full((1, n + 1), tide),
        level_m=1.0 * one,
        level_error_m=0.1 * one,
        sea_mean_m=0.0 * one,
        sea_sd_m=0.2 * one,
        now_m=now * one,
        wet=0.0 * one,
        gain=one,
        usual_m=0.12 * one,
    )


def told(look: Outlook, rule: RiskRule = WITHIN, *, within: bool = True) -> Floats:
    return chances(look, rule, SeaRule(), DEPTHS, AFTER, within=within)


def rain_of(seed: int, members: int = 4) -> Floats:
    return np.random.default_rng(seed).gamma(0.3, 6.0, (members, 1, 24))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0.0, 0.6), st.booleans())
def test_more_rain_more_water_now_and_a_higher_tide_never_make_it_less_likely(
    seed: int, other: int, now: float, within: bool
) -> None:
    rule, rain = (WITHIN if within else AT_TIME), rain_of(seed)
    before = told(outlook(rain, now=now, tide=0.4), rule, within=within)
    for wetter in (
        outlook(rain + rain_of(other), now=now, tide=0.4),
        outlook(rain, now=now + 0.2, tide=0.4),
        outlook(rain, now=now, tide=1.1),
        outlook(rain, now=now, tide=0.4, fallen=5.0),
    ):
        assert np.all(told(wetter, rule, within=within) >= before - 1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.0, 0.6))
def test_chances_fall_with_depth_and_never_with_time(seed: int, now: float) -> None:
    chance = told(outlook(rain_of(seed), now=now, tide=0.5))
    assert np.all((chance >= 0) & (chance <= 1))
    assert np.all(np.diff(chance, axis=0) <= 1e-12)
    assert np.all(np.diff(chance, axis=-1) >= 0)


def test_members_that_are_missing_drop_out_and_no_member_is_no_word() -> None:
    rain = rain_of(1)
    holed = rain.copy()
    holed[2] = np.nan
    assert np.allclose(told(outlook(holed)), told(outlook(rain[[0, 1, 3]])))
    assert np.isnan(told(outlook(np.full_like(rain, np.nan)))).all()


def test_nothing_is_said_beyond_the_rain_that_is_known() -> None:
    rain = rain_of(2)
    rain[:, :, 10:] = np.nan
    chance = told(outlook(rain))
    assert np.isfinite(chance[..., AFTER <= 6 * 3600]).all()
    assert np.isnan(chance[..., AFTER > 11 * 3600]).all()


def test_an_extreme_of_one_issue_alone_is_damped_and_one_of_all_is_kept() -> None:
    newest = np.array([0.0, 60.0, 30.0])
    others = [np.array([0.0, 0.0, 30.0]), np.array([np.nan, 0.0, 30.0])]
    assert lagged_mean(newest, others).tolist() == [0.0, 20.0, 30.0]


def test_features_of_rain_are_those_of_a_storm_told_by_hand() -> None:
    rain = np.array([[0.0, 10.0, 5.0, 0.0]])
    features = np.expm1(until(rain, np.zeros((1, FALLEN_H)), np.array([3.0])))[0]
    assert features[:, 0].tolist() == pytest.approx([0, 0, 10, 10, 10])  # wettest hour
    assert features[:, 1].tolist() == pytest.approx([0, 0, 10, 15, 15])  # sum
    assert features[:, 3].tolist() == pytest.approx([10, 15, 15, 15, 15])  # sum until 2 h later
    assert features[:, 4].tolist() == pytest.approx([0, 0, 7, 9, 9])  # the reservoir's highest


def test_fitted_weights_foretell_the_rate_that_made_them_and_never_turn_physics_round() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    features = np.log1p(rng.gamma(0.3, 8.0, (n, 5)))
    hazard = np.exp(-5.0 + 0.9 * features[:, 1] - 0.5 * features[:, 0])
    deepest = np.where(rng.random(n) < 1 - np.exp(-hazard), rng.exponential(0.12, n) + 0.05, 0.0)
    rows = RiskRows(
        features=features,
        wet=np.zeros(n),
        log_gain=np.zeros(n),
        usual_m=np.full(n, 0.12),
        now_m=np.zeros(n),
        deepest_m=deepest,
        weight=np.ones(n),
        reach=np.full((n, len(FIT_DEPTHS_M)), np.nan),
    )
    weights = fit_weights(rows, WITHIN.weights[1], 21600.0)
    said = 1 - np.exp(-np.exp(features @ weights[:5] + weights[5] - weights[7] * 0.10 / 0.12))
    assert np.all(weights[:5] >= 0)
    assert said.mean() == pytest.approx((deepest >= 0.10).mean(), rel=0.15)


def test_the_reservoir_is_held_up_by_a_tide_that_stands_in_the_outfall() -> None:
    rain = np.full((1, 1, 24), 3.0)
    free = outlook(rain, tide=0.0)
    shut = replace(free, outfall_m=np.array([-0.5]))
    assert shut.features(within=True)[..., -1, 4] > free.features(within=True)[..., -1, 4]
