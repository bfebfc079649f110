"""A city's forecast: the best method that is possible, nothing of the future, and silence where nothing is known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecast import HORIZONS_S, THRESHOLDS_M, CityForecast, Method
from trafficfeed.flooding.forecasting import nowcast_fitting
from trafficfeed.flooding.forecasting.forecaster import Forecaster
from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace
from trafficfeed.flooding.forecasting.parameters import FloodParameters, SiteParameters, dump, load
from trafficfeed.flooding.observations import Quality, RainForecast, RainReading, Reading, TidePrediction
from trafficfeed.flooding.sites import PastFlood, Site, SiteSource, StageVolume

NOW = datetime(2025, 7, 14, 18, 7, tzinfo=UTC)
HOUR = 3600.0
KNOWN = SiteParameters(rain_gain=3.0, rate_ph=2e-4, floods=8)
CITY = FloodParameters(
    sites={"dip": KNOWN, "quay": replace(KNOWN, level_m=1.0, level_error_m=0.05, keeps_step=True)},
    new_site=SiteParameters(rate_ph=5e-5),
    fitted_until=NOW - timedelta(days=30),
    floods=200,
)
SITES = [
    Site(id=name, name="", lon=24.95, lat=60.17, source=SiteSource.SENSOR, sensors=(f"{name}-s",))
    for name in ("dip", "quay", "new")
]


def rain(
    mm: float, *, issued: datetime = NOW - timedelta(minutes=20), members: int = 3, hours: int = 80
) -> RainForecast:
    starts = NOW.timestamp() // HOUR * HOUR + HOUR * np.arange(-1, hours - 1)
    falls = mm * np.random.default_rng(0).gamma(0.5, 2.0, (members, hours))
    return RainForecast(source="made", issued_at=issued, lon=25.0, lat=60.2, starts=starts, step_s=HOUR, rain_mm=falls)


def tide(level_m: float) -> TidePrediction:
    times = NOW.timestamp() + HOUR * np.arange(-60, 90)
    level = level_m * np.cos(2 * np.pi * (times - NOW.timestamp() - 4 * HOUR) / 44_714)
    return TidePrediction(station="quay", lon=24.9, lat=60.1, times=times, level_m=level, meta={})


def readings(site: str, depth_m: float, *, until: datetime = NOW, good: bool = True) -> dict[str, list[Reading]]:
    return {
        f"{site}-s": [
            Reading(
                id=f"{site}-{minute}",
                sensor=f"{site}-s",
                observed_at=until - timedelta(minutes=minute),
                received_at=until - timedelta(minutes=minute),
                depth_m=depth_m,
                quality=Quality.GOOD if good else Quality.STUCK,
            )
            for minute in range(90, 0, -1)
        ]
    }


def told(
    *,
    parameters: FloodParameters = CITY,
    sites: Sequence[Site] = SITES,
    tides: Sequence[TidePrediction] = (),
    read: Mapping[str, Sequence[Reading]] | None = None,
    falls: Sequence[RainForecast] = (),
    gauges: Sequence[RainReading] = (),
) -> CityForecast:
    return Forecaster(sites, parameters, tides).forecast(readings=read or {}, rain=falls, gauges=gauges, as_of=NOW)


def same(one: CityForecast, other: CityForecast) -> bool:
    names = ("p10_m", "p50_m", "p90_m", "exceedance", "within", "to_flood_s", "to_clear_s")
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({"falls": [rain(3.0)], "read": readings("dip", 0.0)}, Method.ASSIMILATED),
        ({"falls": [rain(3.0)]}, Method.RESERVOIR),
        ({"falls": [rain(3.0)], "parameters": FloodParameters()}, Method.THRESHOLD),
        ({}, Method.CLIMATOLOGY),
        ({"parameters": FloodParameters()}, Method.NONE),
    ],
)
def test_the_method_is_the_best_that_what_is_at_hand_allows(given: dict[str, Any], method: Method) -> None:
    made = told(**given)
    assert made.method[0] is method
    assert np.isnan(made.within[:, 0]).all() == (method is Method.NONE)
    assert np.isnan(made.chance("dip", 0.30, within=timedelta(hours=1))) == (method is Method.NONE)


@pytest.mark.parametrize("parameters", [CITY, FloodParameters()])
def test_chances_are_ordered_in_depth_and_time_and_depths_in_their_band(parameters: FloodParameters) -> None:
    made = told(parameters=parameters, falls=[rain(4.0)], tides=[tide(1.2)], read=readings("dip", 0.12))
    assert made.within.shape == (len(THRESHOLDS_M), 3, len(HORIZONS_S))
    assert np.all(np.diff(made.within, axis=-1) >= 0)
    assert np.all(np.diff(made.within, axis=0) <= 1e-12)
    assert np.all(made.exceedance <= made.within + 1e-12)
    assert np.all((made.p10_m <= made.p50_m) & (made.p50_m <= made.p90_m))
    assert np.all((made.confidence >= 0) & (made.confidence <= 1))


def test_more_rain_makes_a_flood_likelier_at_every_site() -> None:
    little, much = told(falls=[rain(1.0)]), told(falls=[rain(8.0)])
    assert np.all(much.within[:, :, -1] > little.within[:, :, -1])


def test_a_quay_floods_with_the_tide_and_a_dip_does_not() -> None:
    low, high = told(falls=[rain(0.0)], tides=[tide(0.5)]), told(falls=[rain(0.0)], tides=[tide(1.4)])
    quay, dip = low.row("quay"), low.row("dip")
    assert high.within[0, quay, -1] > 0.8 > 0.3 > low.within[0, quay, -1]
    assert high.within[0, dip, -1] == low.within[0, dip, -1]
    crest = int(np.searchsorted(HORIZONS_S, 4 * HOUR))
    assert high.p90_m[quay, crest] > high.p90_m[quay, 0]


def test_what_is_read_now_is_certain_now() -> None:
    made = told(falls=[rain(0.5)], read=readings("dip", 0.18))
    assert made.p10_m[0, 0] == made.p90_m[0, 0] == pytest.approx(0.18)
    assert made.within[:, 0, 0].tolist() == [1.0, 1.0, 0.0]
    assert made.within[1, 0, -1] == 1.0
    assert made.to_flood_s[0].tolist() == [0.0, 0.0, 0.0]
    assert made.to_clear_s[0, 2] > 0


def test_only_good_and_fresh_readings_count() -> None:
    nothing = told(falls=[rain(2.0)])
    assert same(nothing, told(falls=[rain(2.0)], read=readings("dip", 0.4, good=False)))
    old = told(falls=[rain(2.0)], read=readings("dip", 0.4, until=NOW - timedelta(hours=3)))
    assert old.method[0] is Method.RESERVOIR


def test_nothing_of_the_future_is_seen() -> None:
    before = told(falls=[rain(2.0)], read=readings("dip", 0.05), tides=[tide(1.0)])
    later = [replace(one, received_at=NOW + timedelta(minutes=1), depth_m=0.6) for one in readings("dip", 0.6)["dip-s"]]
    ahead = readings("dip", 0.6, until=NOW + timedelta(hours=2))["dip-s"][-60:]
    read = {"dip-s": [*readings("dip", 0.05)["dip-s"], *later, *ahead]}
    falls = [rain(2.0), rain(50.0, issued=NOW + timedelta(seconds=1))]
    assert same(before, told(falls=falls, read=read, tides=[tide(1.0)]))


def test_a_stale_issue_is_no_issue() -> None:
    assert told(falls=[rain(9.0, issued=NOW - timedelta(hours=30))]).method[0] is Method.CLIMATOLOGY


def test_members_that_are_missing_leave_the_others() -> None:
    whole = rain(3.0, members=4)
    holed = replace(whole, rain_mm=np.where(np.arange(4)[:, None] == 1, np.nan, whole.rain_mm))
    fewer = replace(whole, rain_mm=whole.rain_mm[[0, 2, 3]])
    assert np.allclose(told(falls=[holed]).within, told(falls=[fewer]).within)


def test_a_forecast_that_ends_early_says_nothing_beyond_its_end() -> None:
    made = told(falls=[rain(2.0, hours=14)])
    assert np.isfinite(made.within[:, :, HORIZONS_S <= 11 * HOUR]).all()
    assert np.isnan(made.within[:, :, HORIZONS_S > 13 * HOUR]).all()


def test_steps_of_15_min_and_of_an_hour_with_the_same_rain_foretell_the_same() -> None:
    hourly = rain(4.0, members=6)
    quarters = replace(
        hourly,
        starts=(hourly.starts[:, None] + 900.0 * np.arange(4)).ravel(),
        step_s=900.0,
        rain_mm=np.repeat(hourly.rain_mm / 4, 4, axis=1),
    )
    assert np.allclose(told(falls=[hourly]).within, told(falls=[quarters]).within)


def test_a_gauge_that_measured_rain_just_now_makes_floods_likelier() -> None:
    gauge = RainReading(
        id="g", gauge="g", lon=25.0, lat=60.2, start=NOW - timedelta(hours=3), end=NOW, rain_mm=40.0, received_at=NOW
    )
    assert told(falls=[rain(1.0)], gauges=[gauge]).within[0, 0, 30] > told(falls=[rain(1.0)]).within[0, 0, 30]


def test_a_site_without_history_takes_its_usual_depth_from_its_bowl() -> None:
    deep = replace(SITES[2], bowl=StageVolume(depth_m=(0.0, 1.0), volume_m3=(0.0, 20.0)), catchment_m2=2000.0)
    flat = replace(SITES[2], bowl=StageVolume(depth_m=(0.0, 0.04), volume_m3=(0.0, 20.0)), catchment_m2=2000.0)
    chance = [told(sites=[site], falls=[rain(6.0)]).within[2, 0, -1] for site in (deep, flat)]
    assert chance[0] > 3 * chance[1]


def test_a_new_site_with_floods_on_its_list_floods_oftener_than_one_without() -> None:
    began = NOW - timedelta(days=400)
    floods = [
        PastFlood(
            started_at=began + timedelta(days=30 * k), ended_at=began + timedelta(days=30 * k, hours=2), max_depth_m=0.3
        )
        for k in range(8)
    ]
    later = [PastFlood(started_at=NOW - timedelta(days=9), ended_at=NOW - timedelta(days=8), max_depth_m=0.9)] * 9
    listed = replace(SITES[2], history=floods)
    for falls in ([rain(4.0)], []):
        chance = told(sites=[SITES[2], listed, replace(SITES[2], history=later)], falls=falls).within[0, :, -1]
        assert chance[1] > 2 * chance[0]
        assert chance[2] == chance[0]  # after the day until which the parameters know


def test_where_a_gauge_stands_in_water_the_first_hour_is_the_nowcast_s_and_later_hours_are_not() -> None:
    with_nowcast = replace(CITY, nowcast=nowcast_fitting.fit(made_floods(), {}, NOW.timestamp()))
    read, falls = readings("dip", 0.25), [rain(1.0)]
    plain, merged = told(read=read, falls=falls), told(parameters=with_nowcast, read=read, falls=falls)
    first, later = (HORIZONS_S > 0) & (HORIZONS_S <= 3600), HORIZONS_S >= 2 * HOUR
    assert not np.array_equal(plain.p50_m[0, first], merged.p50_m[0, first])
    assert np.array_equal(plain.p50_m[0, later], merged.p50_m[0, later])
    assert np.array_equal(plain.within[:, 1:], merged.within[:, 1:])  # dry sites are not touched
    assert np.all(np.diff(merged.within, axis=-1) >= 0)
    assert np.all(merged.exceedance <= merged.within + 1e-12)


def made_floods() -> list[FloodTrace]:
    """Return forty floods that rise for 20 min and recede."""
    floods = []
    for k in range(40):
        times = 60.0 * np.arange(150)
        peak = 0.15 + 0.01 * k
        depth = np.where(times < 1200, peak * times / 1200, peak * np.exp(-(times - 1200) / 2400))
        begin = NOW.timestamp() - (50 - k) * 86400.0
        floods.append(FloodTrace(site=f"made-{k % 5}", tidal=False, times=begin + times, depth_m=depth))
    return floods


def test_parameters_come_back_as_they_were_written() -> None:
    again = load(dump(CITY))
    assert dump(again) == dump(CITY)
    falls = [rain(3.0)]
    assert same(told(falls=falls, tides=[tide(1.2)]), told(parameters=again, falls=falls, tides=[tide(1.2)]))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": 99}', dump(CITY).replace(b'"rain_gain"', b'"gain_rain"')])
def test_what_are_no_parameters_is_named(data: bytes) -> None:
    with pytest.raises(SourceMalformed, match="Flood parameters cannot be read"):
        load(data)
