"""Chances that were too high or too low are mended, and their order stays."""

import numpy as np
import pytest

from trafficfeed.flooding.forecasting.calibration import Platt, best_threshold, fit_isotonic, fit_platt

RNG = np.random.default_rng(3)


def test_platt_mends_odds_that_were_doubled() -> None:
    truth = RNG.uniform(0.02, 0.6, 60_000)
    flooded = RNG.random(len(truth)) < truth
    said = 1 / (1 + (1 - truth) / truth / 2.0)
    a, b = fit_platt(said, flooded, np.ones(len(truth)))
    mended = Platt(horizons_s=(3600.0,), a=(a,), b=(b,)).apply(said[:, None], np.array([3600.0]))[:, 0]
    assert abs(mended.mean() - flooded.mean()) < 0.01 < abs(said.mean() - flooded.mean())


def test_platt_leaves_certainty_silence_and_order() -> None:
    line = Platt(horizons_s=(3600.0, 86400.0), a=(0.5, -0.5), b=(0.8, 1.5))
    said = np.array([0.0, 0.1, 0.4, 0.9, 1.0, np.nan])
    for after in (60.0, 3600.0, 20_000.0, 200_000.0):
        told = line.apply(said[:, None], np.array([after]))[:, 0]
        assert told[0] == 0.0 and told[4] == 1.0 and np.isnan(told[5])
        assert np.all(np.diff(told[:5]) > 0)


def test_few_floods_hardly_move_a_chance() -> None:
    a, b = fit_platt(np.full(40, 0.2), np.arange(40) < 20, np.ones(40))
    assert abs(a) < 0.1 and abs(b - 1.0) < 0.1


def test_isotonic_never_falls_and_keeps_the_mean() -> None:
    measure = RNG.gamma(1.0, 5.0, 5000)
    flooded = RNG.random(5000) < np.clip(measure / 60, 0, 1)
    steps = fit_isotonic(measure, flooded)
    assert np.all(np.diff(steps.chance) > 0)
    assert steps.apply(measure).mean() == pytest.approx(flooded.mean())


def test_the_best_threshold_is_the_one_with_the_highest_critical_success_index() -> None:
    chance = np.array([0.9, 0.8, 0.7, 0.7, 0.2, 0.1])
    flooded = np.array([True, True, False, True, False, False])
    threshold, score = best_threshold(chance, flooded)
    every = {t: (flooded & (chance >= t)).sum() / (flooded | (chance >= t)).sum() for t in chance}
    assert threshold == max(every, key=lambda t: every[t])
    assert score == pytest.approx(every[threshold])
