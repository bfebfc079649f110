"""The next hour of a flood, told by made floods whose rise and recession are known."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecasting.clearing import clear_times, flood_times
from trafficfeed.flooding.forecasting.nowcast import Nowcast, NowcastParameters, corrected
from trafficfeed.flooding.forecasting.nowcast_document import from_json, to_json
from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace, fit
from trafficfeed.flooding.forecasting.nowcast_situation import situation
from trafficfeed.flooding.forecasting.recession import DEFAULT_PER_S, fit_recession
from trafficfeed.flooding.observations import Quality, Reading, TidePrediction

Floats = npt.NDArray[np.float64]

BEGIN = 1_700_000_000.0
AFTER_S = np.array([0.0, 900.0, 1800.0, 3600.0])
RATES = {"slow": 1 / 7200, "quick": 1 / 1200}


def hydrograph(peak_m: float, rise_s: float, rate_per_s: float, begin: float = BEGIN) -> tuple[Floats, Floats]:
    """Return a rise in a straight line and an exponential recession down to 1 cm, a reading a minute."""
    times = np.arange(0.0, rise_s + np.log(peak_m / 0.01) / rate_per_s, 60.0)
    depth = np.where(times < rise_s, peak_m * times / rise_s, peak_m * np.exp(-rate_per_s * (times - rise_s)))
    depth[-1] = 0.0
    return begin + times, depth


def tide(amplitude_m: float = 0.7) -> TidePrediction:
    times = np.arange(BEGIN - 48 * 3600.0, BEGIN + 1440 * 3600.0, 3600.0, dtype=np.float64)
    level = amplitude_m * np.cos(2 * np.pi * (times - BEGIN) / 44712.0)
    return TidePrediction(station="pier", lon=0.0, lat=0.0, times=times, level_m=level, meta={})


def made_floods() -> list[FloodTrace]:
    rng = np.random.default_rng(4)
    floods = []
    for number in range(40):
        site = "slow" if number % 2 else "quick"
        times, depth = hydrograph(rng.uniform(0.1, 0.6), rng.uniform(600, 1800), RATES[site], BEGIN + number * 864000)
        floods.append(FloodTrace(site=site, tidal=False, times=times, depth_m=depth))
    sea = tide()
    for number in range(30):
        high = BEGIN + (number + 1) * 44712.0 * 2
        times = np.arange(high - 7200, high + 7201, 60.0)
        depth = np.maximum(np.interp(times, sea.times, sea.level_m) - 0.7 + rng.uniform(0.1, 0.4), 0.0)
        floods.append(FloodTrace(site="quay", tidal=True, times=times, depth_m=depth, tide="pier"))
    return floods


@pytest.fixture(scope="module")
def parameters() -> NowcastParameters:
    return fit(made_floods(), {"pier": tide()})


def readings(times: Floats, depth_m: Floats, quality: Quality = Quality.GOOD) -> list[Reading]:
    return [
        Reading(
            id=f"{time}", sensor="a", observed_at=datetime.fromtimestamp(time, UTC),
            received_at=datetime.fromtimestamp(time, UTC), depth_m=float(depth), quality=quality,
        )
        for time, depth in zip(times, depth_m, strict=True)
    ]  # fmt: skip


def told(
    parameters: NowcastParameters, read: Sequence[Reading], minute: float, site: str = "slow", *, tidal: bool = False
) -> Nowcast | None:
    as_of = datetime.fromtimestamp(BEGIN, UTC) + timedelta(minutes=minute)
    return corrected(
        parameters, site=site, tidal=tidal, readings=read, as_of=as_of, tide=tide() if tidal else None, after_s=AFTER_S
    )


@pytest.mark.parametrize("site", ["slow", "quick"])
def test_a_recession_goes_on_at_the_sites_own_rate(parameters: NowcastParameters, site: str) -> None:
    times, depth = hydrograph(0.45, 1200, RATES[site])
    said = told(parameters, readings(times, depth), 40, site)
    assert said is not None
    truth = np.interp(BEGIN + 2400 + AFTER_S, times, depth, right=0.0)
    assert np.abs(said.p50_m - truth).max() < 0.03
    assert said.p50_m[0] == pytest.approx(truth[0])
    clears_s = times[depth >= 0.15][-1] - (BEGIN + 2400)
    assert said.to_clear_s[1] == pytest.approx(max(clears_s, 0), abs=900)


def test_what_is_told_does_not_depend_on_readings_after_the_instant(parameters: NowcastParameters) -> None:
    times, depth = hydrograph(0.45, 1200, RATES["slow"])
    whole, past = readings(times, depth), readings(times[:31], depth[:31])
    late = [replace(one, received_at=one.received_at + timedelta(hours=5)) for one in whole[31:]]
    first, second = told(parameters, past, 30), told(parameters, [*whole, *late][::-1], 30)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.p50_m, second.p50_m)


def test_quantiles_are_in_order_and_chances_never_fall_with_time_nor_rise_with_depth(
    parameters: NowcastParameters,
) -> None:
    times, depth = hydrograph(0.5, 1800, RATES["slow"])
    for minute in (8, 15, 25, 35, 60, 120):
        said = told(parameters, readings(times, depth), minute)
        assert said is not None
        assert np.all(said.p10_m <= said.p50_m)
        assert np.all(said.p50_m <= said.p90_m)
        assert np.all(np.diff(said.within, axis=1) >= -1e-9)
        assert np.all(np.diff(said.within, axis=0) <= 1e-9)
        assert np.all(said.exceedance <= said.within + 1e-9)
        assert np.all(np.diff(said.to_clear_s[np.isfinite(said.to_clear_s)]) >= 0)


def test_a_site_that_was_never_seen_is_told_by_the_others(parameters: NowcastParameters) -> None:
    times, depth = hydrograph(0.4, 1200, 1 / 3000)
    said = told(parameters, readings(times, depth), 30, "new")
    assert said is not None
    assert 0.0 < said.p50_m[2] < said.p50_m[0]


def test_the_sea_falls_with_the_tide(parameters: NowcastParameters) -> None:
    sea = tide()
    high = BEGIN + 44712.0 * 7
    times = np.arange(high - 7200, high + 7201, 60.0)
    depth = np.maximum(np.interp(times, sea.times, sea.level_m) - 0.7 + 0.25, 0.0)
    minute = (high + 1800 - BEGIN) / 60
    said = told(parameters, readings(times, depth), minute, "quay", tidal=True)
    assert said is not None
    assert said.p50_m[3] == pytest.approx(np.interp(high + 1800 + 3600, times, depth), abs=0.03)


def test_a_tidal_site_is_told_without_a_tide_too(parameters: NowcastParameters) -> None:
    read = readings(*hydrograph(0.3, 1800, 1 / 3600))
    as_of = datetime.fromtimestamp(BEGIN + 2400, UTC)
    said = corrected(parameters, site="quay", tidal=True, readings=read, as_of=as_of, tide=None, after_s=AFTER_S)
    assert said is not None
    assert np.isfinite(said.p50_m).all()


def test_a_city_without_tide_predictions_learns_its_tidal_floods_all_the_same() -> None:
    parameters = fit(made_floods(), {})
    read = readings(*hydrograph(0.2, 3600, 1 / 3600))
    as_of = datetime.fromtimestamp(BEGIN + 2400, UTC)
    said = corrected(parameters, site="quay", tidal=True, readings=read, as_of=as_of, after_s=AFTER_S)
    assert said is not None
    assert np.isfinite(said.p50_m).all()


@pytest.mark.parametrize("quality", [one for one in Quality if one is not Quality.GOOD])
def test_readings_that_did_not_pass_the_checks_tell_nothing(parameters: NowcastParameters, quality: Quality) -> None:
    assert told(parameters, readings(*hydrograph(0.45, 1200, RATES["slow"]), quality), 40) is None


def test_nothing_is_told_of_a_dry_street_of_silence_or_without_past_floods(parameters: NowcastParameters) -> None:
    times, depth = hydrograph(0.45, 1200, RATES["slow"])
    assert told(parameters, readings(times, np.zeros_like(depth)), 40) is None
    assert told(parameters, readings(times[:20], depth[:20]), 41) is None
    assert told(parameters, [], 40) is None
    assert told(fit([], {}), readings(times, depth), 40) is None


def test_floods_after_the_end_of_training_are_not_learned_from() -> None:
    until = BEGIN + 20 * 864000
    floods = made_floods()
    first, second = fit(floods, {}, until), fit([one for one in floods if one.times[-1] <= until], {})
    assert np.array_equal(first.rain.state, second.rain.state)
    assert len(fit(floods, {}).rain.state) > len(first.rain.state)


def test_parameters_come_back_from_json_and_tell_the_same(parameters: NowcastParameters) -> None:
    again = from_json(json.loads(json.dumps(to_json(parameters))))
    read = readings(*hydrograph(0.45, 1200, RATES["slow"]))
    first, second = told(parameters, read, 40), told(again, read, 40)
    assert first is not None
    assert second is not None
    assert first.p50_m == pytest.approx(second.p50_m, abs=0.005)
    with pytest.raises(SourceMalformed, match="fit them again"):
        from_json({"version": 0})


def test_the_band_holds_four_of_five_floods_that_were_not_learned_from() -> None:
    floods = [one for one in made_floods() if not one.tidal]
    parameters = fit(floods[:30], {})
    inside = []
    for flood in floods[30:]:
        for minute in range(10, int((flood.times[-1] - flood.times[0]) / 60), 5):
            now = flood.times[0] + minute * 60
            said = told(parameters, readings(flood.times, flood.depth_m), (now - BEGIN) / 60, flood.site)
            if said is not None:
                truth = np.interp(now + AFTER_S[1:], flood.times, flood.depth_m, right=0.0)
                inside.append((said.p10_m[1:] - 0.005 <= truth) & (truth <= said.p90_m[1:] + 0.005))
    assert np.mean(inside) > 0.7


def test_a_second_flood_after_a_dry_spell_has_its_own_peak() -> None:
    times = np.arange(0.0, 9000.0, 60.0)
    depth = np.interp(times, [0, 600, 1800, 5400, 6000, 9000], [0, 0.5, 0.0, 0.0, 0.2, 0.1])
    seen = situation(times, depth, 7200.0)
    assert seen is not None
    assert seen.since_begin_s < 2400
    assert seen.below_peak_m < 0.1


def test_a_sites_rate_is_drawn_to_the_citys_where_one_flood_tells() -> None:
    floods = [("slow", *hydrograph(0.4, 600, RATES["slow"])) for _ in range(9)]
    fitted = fit_recession([*floods, ("quick", *hydrograph(0.4, 600, RATES["quick"]))])
    assert fitted.rate("slow") == pytest.approx(RATES["slow"], rel=0.05)
    assert RATES["slow"] < fitted.rate("quick") < RATES["quick"] / 2
    assert fitted.rate("nowhere") == fitted.pooled_per_s
    assert fit_recession([]).rate("nowhere") == DEFAULT_PER_S


@given(st.lists(st.floats(0.0, 0.5), min_size=2, max_size=12), st.floats(0.05, 0.4))
def test_the_time_to_clear_is_the_last_crossing_of_the_line_between_steps(depths: list[float], limit_m: float) -> None:
    steps, path = np.arange(0.0, len(depths) * 300.0, 300.0, dtype=np.float64), np.array(depths, dtype=np.float64)
    clears = float(clear_times(steps, path[None], limit_m)[0])
    if path.max() < limit_m:
        assert clears == 0.0
    elif path[-1] >= limit_m:
        assert clears == np.inf
    else:
        assert np.interp(clears, steps, path) == pytest.approx(limit_m, abs=1e-6)
        assert np.all(path[steps > clears + 1e-6] < limit_m)


def test_the_time_to_flood_is_the_first_crossing() -> None:
    steps = np.array([0.0, 300.0, 600.0])
    paths = np.array([[0.1, 0.2, 0.0], [0.2, 0.1, 0.0], [0.0, 0.1, 0.1]])
    assert flood_times(steps, paths, 0.15) == pytest.approx([150.0, 0.0, np.inf])
