"""Rain gauges, rain forecasts and tides: intervals, counters, members, grids; what is missing is named."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from made_sources import NOW, made_site, read, rules

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.observations import Quality

PLACE = {"R": {"lon": 24.9, "lat": 60.2}}
GAUGE: dict[str, Any] = {"kind": "rain", "unit": "mm", "interval_s": 600, "sensors": PLACE}


def test_a_gauge_tells_the_rain_of_its_interval() -> None:
    (rain,) = read("sensor,time,value\nR,2026-07-14T16:00:00Z,4.5\n", **GAUGE).rain
    assert (rain.start, rain.end) == (NOW - timedelta(minutes=20), NOW - timedelta(minutes=10))
    assert (rain.rain_mm, rain.lon, rain.lat, rain.quality) == (4.5, 24.9, 60.2, Quality.GOOD)


@pytest.mark.parametrize(("unit", "mm"), [("in", 25.4), ("mm/h", 1 / 6), ("in/h", 25.4 / 6), ("kg m-2", 1.0)])
def test_rain_is_converted_to_millimetres(unit: str, mm: float) -> None:
    (rain,) = read("sensor,time,value\nR,2026-07-14T16:00:00Z,1\n", **GAUGE | {"unit": unit}).rain
    assert rain.rain_mm == pytest.approx(mm, abs=1e-4)


def test_a_row_may_say_when_its_interval_began() -> None:
    text = "sensor,from,time,value\nR,2026-07-14T15:45Z,2026-07-14T16:00Z,4\nR,2026-07-14T17:00Z,2026-07-14T16:00Z,4\n"
    parsed = read(text, **GAUGE | {"columns": {"start": "from"}})
    assert [one.end - one.start for one in parsed.rain] == [timedelta(minutes=15)]
    assert rules(parsed) == ["rain.interval"]


def test_a_counter_tells_the_rain_between_its_stands_and_may_begin_anew() -> None:
    stands = [(0, 100.0), (10, 102.5), (20, 102.5), (30, 1.5), (40, 1.4)]
    text = "sensor,time,value\n" + "".join(f"R,2026-07-14T16:{m:02d}:00Z,{mm}\n" for m, mm in stands)
    parsed = read(text, at=NOW + timedelta(hours=1), **GAUGE | {"rain": "cumulative", "interval_s": 0})
    assert [one.rain_mm for one in parsed.rain] == [2.5, 0.0, 1.5]
    assert rules(parsed) == ["rain.negative"]
    assert parsed.stands["R"] == (datetime(2026, 7, 14, 16, 40, tzinfo=UTC), 1.4)


def test_impossible_rain_a_gauge_without_a_place_and_a_doubtful_unit_are_named() -> None:
    text = "sensor,time,value\nR,2026-07-14T16:00:00Z,300\nR,2026-07-14T16:10:00Z,-1\nX,2026-07-14T16:00:00Z,1\n"
    parsed = read(text, **GAUGE | {"only_listed": False})
    assert [one.quality for one in parsed.rain] == [Quality.RANGE]
    assert rules(parsed) == ["rain.range", "rain.negative", "sensor.unknown"]
    column = {"columns": {"value": "rain_inches"}}
    parsed = read("sensor,time,rain_inches\nR,2026-07-14T16:00:00Z,1\n", **GAUGE | column)
    assert [one.quality for one in parsed.rain] == [Quality.UNIT]


METEO: dict[str, Any] = {"kind": "forecast", "adapter": "open-meteo", "unit": "", "id": "meteo"}


def _answer(members: dict[str, list[Any]], hours: int = 6, **more: Any) -> dict[str, Any]:
    times = [(NOW.replace(minute=0) + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M") for n in range(hours)]
    units = {"time": "iso8601"} | dict.fromkeys(members, "mm")
    place = {"latitude": 60.2, "longitude": 24.9, "utc_offset_seconds": 0, "timezone": "GMT"}
    return place | {"hourly_units": units, "hourly": {"time": times} | members} | more


def test_a_value_of_open_meteo_is_the_rain_of_the_hour_before_its_time() -> None:
    (forecast,) = read(json.dumps(_answer({"precipitation": [9, 1, 2, 3, 4, 5]})), **METEO).forecasts
    assert forecast.rain_mm.tolist() == [[1, 2, 3, 4, 5]], "what is over at the issue is no forecast"
    assert datetime.fromtimestamp(forecast.starts[0], UTC) == NOW.replace(minute=0)
    assert (forecast.issued_at, forecast.step_s, forecast.lon, forecast.lat) == (NOW, 3600.0, 24.9, 60.2)


def test_local_times_of_open_meteo_are_of_the_one_offset_that_it_states() -> None:
    document = _answer({"precipitation": [9, 1, 2, 3, 4, 5]}, utc_offset_seconds=7200, timezone="Europe/Berlin")
    (forecast,) = read(json.dumps(document), at=NOW - timedelta(hours=2), **METEO).forecasts
    assert datetime.fromtimestamp(forecast.starts[0], UTC) == NOW.replace(minute=0) - timedelta(hours=2)
    del document["utc_offset_seconds"]
    parsed = read(json.dumps(document), **METEO)
    assert not parsed.forecasts and "utc_offset_seconds" in parsed.findings[0].message


def test_unix_times_and_inches_of_open_meteo_are_read() -> None:
    document = _answer({"precipitation": [9, 1, 2, 3, 4, 5]}, utc_offset_seconds=7200)
    first = int(NOW.replace(minute=0).timestamp())
    document["hourly"]["time"] = [first + 3600 * n for n in range(6)]
    document["hourly_units"]["precipitation"] = "inch"
    (forecast,) = read(json.dumps(document), **METEO).forecasts
    assert forecast.starts[0] == first
    np.testing.assert_allclose(forecast.rain_mm, [[25.4, 50.8, 76.2, 101.6, 127.0]])


def test_members_are_read_and_those_that_are_missing_are_named() -> None:
    members: dict[str, list[Any]] = {"precipitation": [0] * 6}
    members |= {f"precipitation_member{n:02d}": [float(n)] * 6 for n in range(1, 31) if n not in (7, 19)}
    members["precipitation_member03"] = [None] * 6
    members["precipitation_member04"] = [4, 4, None, 4, 4, 4]
    parsed = read(json.dumps(_answer(members)), **METEO, members=31)
    (forecast,) = parsed.forecasts
    assert forecast.rain_mm.shape == (28, 5)
    assert np.isnan(forecast.rain_mm).sum() == 1
    assert parsed.findings[0].message == "2 of 31 members are missing: 07, 19"
    assert "03" in parsed.findings[1].message and rules(parsed)[2] == "forecast.holes"
    assert "19" in read(json.dumps(_answer(members)), **METEO).findings[0].message


def test_places_and_models_are_forecasts_of_their_own() -> None:
    models = {"precipitation_icon_seamless": [1.0] * 6, "precipitation_gfs_seamless": [2.0] * 6}
    both = [_answer(models), _answer(models, longitude=25.1)]
    parsed = read(json.dumps(both), **METEO)
    assert [(one.source, one.lon) for one in parsed.forecasts] == [
        ("meteo:icon_seamless", 24.9), ("meteo:gfs_seamless", 24.9),
        ("meteo:icon_seamless", 25.1), ("meteo:gfs_seamless", 25.1),
    ]  # fmt: skip
    assert not parsed.findings


@pytest.mark.parametrize("document", [{}, {"error": True, "reason": "no such place"}, [1], {"hourly": {"time": []}}])
def test_an_answer_without_rain_is_malformed(document: Any) -> None:
    with pytest.raises(SourceMalformed):
        read(json.dumps(document), **METEO)


def test_rain_that_cannot_be_is_not_used() -> None:
    parsed = read(json.dumps(_answer({"precipitation": [0, 0, 900, 0, 0, 0]})), **METEO)
    assert not parsed.forecasts and rules(parsed) == ["forecast.range"]


NC: dict[str, Any] = {"kind": "forecast", "adapter": "netcdf", "unit": "", "id": "grid", "points": [(24.95, 60.17)]}
HOURS = np.datetime64("2026-07-14T16") + np.arange(1, 5) * np.timedelta64(1, "h")


def _netcdf(rain: np.ndarray, engine: str = "scipy", **attrs: str) -> bytes:
    if engine == "h5netcdf":
        pytest.importorskip("h5py", reason="NetCDF 4 needs h5py")
    coords = {
        "number": np.arange(rain.shape[0]), "time": HOURS[: rain.shape[1]],
        "latitude": [60.0, 60.25, 60.5], "longitude": [24.5, 24.75, 25.0, 25.25],
        "forecast_reference_time": np.datetime64("2026-07-14T16", "ns"),
    }  # fmt: skip
    array = xarray.DataArray(rain, coords=coords, dims=("number", "time", "latitude", "longitude"), attrs=attrs)
    return bytes(array.to_dataset(name="tp").to_netcdf(engine=engine))


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_totals_of_a_netcdf_become_amounts_at_the_nearest_grid_point(engine: str) -> None:
    rain = np.zeros((2, 4, 3, 4))
    rain[0, :, 1, 2], rain[1, :, 1, 2] = [0.001, 0.001, 0.004, 0.004], [0.0, 0.002, 0.002, 0.012]
    parsed = read(_netcdf(rain, engine, units="m"), **NC, rain="cumulative")
    (forecast,) = parsed.forecasts
    np.testing.assert_allclose(forecast.rain_mm, [[1, 0, 3, 0], [0, 2, 0, 10]], atol=1e-9)
    assert (forecast.lon, forecast.lat, forecast.step_s) == (25.0, 60.25, 3600.0)
    assert datetime.fromtimestamp(forecast.starts[0], UTC) == NOW.replace(minute=0)
    assert forecast.issued_at == NOW and not parsed.findings


def test_a_grid_that_does_not_say_what_its_rain_is_or_whose_totals_fall_is_refused() -> None:
    rain = np.ones((1, 4, 3, 4)) * np.array([5.0, 1.0, 2.0, 3.0])[None, :, None, None]
    undeclared = read(_netcdf(rain, units="mm"), **NC)
    assert not undeclared.forecasts and "declare rain" in undeclared.findings[0].message
    falling = read(_netcdf(rain, units="mm"), **NC, rain="cumulative")
    assert not falling.forecasts and "falls by 4.0 mm" in falling.findings[0].message
    (whole,) = read(_netcdf(rain, units="mm", cell_methods="time: sum"), **NC).forecasts
    assert whole.rain_mm.tolist() == [[5.0, 1.0, 2.0, 3.0]]
    (flux,) = read(_netcdf(rain / 3600, units="kg m-2 s-1"), **NC).forecasts
    np.testing.assert_allclose(flux.rain_mm, [[5.0, 1.0, 2.0, 3.0]])


def test_points_beyond_a_grid_and_members_that_it_lacks_are_named() -> None:
    data = _netcdf(np.ones((2, 4, 3, 4)), units="mm")
    there = read(data, **NC | {"points": [(24.95, 60.17), (24.96, 60.17), (3.0, 50.0)]}, rain="interval", members=4)
    assert len(there.forecasts) == 1, "points of one cell are one forecast"
    assert rules(there) == ["forecast.beyond", "forecast.members"]
    nowhere = read(data, **NC | {"points": [(3.0, 50.0)]}, rain="interval")
    assert not nowhere.forecasts and rules(nowhere) == ["forecast.beyond"]
    by_site = read(data, sites=[made_site()], **NC | {"points": []}, rain="interval")
    assert len(by_site.forecasts) == 1


def test_a_back_filled_run_was_known_when_its_source_says() -> None:
    data = _netcdf(np.ones((1, 4, 3, 4)), units="mm")
    (known,) = read(data, at=NOW + timedelta(days=9), **NC, rain="interval", available_after_s=1800).forecasts
    assert known.issued_at == NOW.replace(minute=30)
    unknown = read(data, at=NOW + timedelta(days=9), **NC, rain="interval")
    assert not unknown.forecasts and rules(unknown) == ["forecast.old"]


@pytest.mark.parametrize("data", [b"CDF\x01", b"GRIB", b"GRIB\x00\x00\x00\x02" + bytes(40)])
def test_a_cut_or_foreign_grid_is_malformed(data: bytes) -> None:
    adapter = "netcdf" if data.startswith(b"CDF") else "grib"
    with pytest.raises(SourceMalformed, match="grid"):
        read(data, **NC | {"adapter": adapter})


def _grib(members: int, steps: list[int], values: np.ndarray) -> bytes:
    """Return GRIB2 messages of total precipitation since the run, m, on the grid of `values`' last axes."""
    eccodes = pytest.importorskip("eccodes")
    written = b""
    for member in range(members):
        for at, step in enumerate(steps):
            message = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
            keys: dict[str, Any] = {
                "productDefinitionTemplateNumber": 11, "dataDate": 20260714, "dataTime": 1600, "Ni": 4, "Nj": 3,
                "latitudeOfFirstGridPointInDegrees": 60.5, "latitudeOfLastGridPointInDegrees": 60.0,
                "longitudeOfFirstGridPointInDegrees": 24.5, "longitudeOfLastGridPointInDegrees": 25.25,
                "iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25,
                "perturbationNumber": member, "numberOfForecastsInEnsemble": members, "typeOfEnsembleForecast": 3,
                "shortName": "tp", "stepType": "accum", "stepRange": f"0-{step}",
            }  # fmt: skip
            for key, value in keys.items():
                eccodes.codes_set(message, key, value)
            eccodes.codes_set(message, "bitsPerValue", 16)
            eccodes.codes_set_values(message, values[member, at].ravel())
            written += eccodes.codes_get_message(message)
            eccodes.codes_release(message)
    return written


def test_a_grib_with_members_is_read_and_its_longer_steps_are_spread() -> None:
    totals = np.zeros((2, 3, 3, 4))
    totals[0, :, 1, 2], totals[1, :, 1, 2] = [0.002, 0.005, 0.017], [0, 0, 0.006]
    parsed = read(_grib(2, [1, 2, 5], totals), **NC | {"adapter": "grib"}, members=3)
    (forecast,) = parsed.forecasts
    np.testing.assert_allclose(forecast.rain_mm, [[2, 3, 4, 4, 4], [0, 0, 2, 2, 2]], atol=0.01)
    assert (forecast.lon, forecast.lat, forecast.step_s) == (25.0, 60.25, 3600.0)
    assert rules(parsed) == ["forecast.members", "forecast.steps"]
    assert parsed.findings[0].detail["missing"] == [2]


TIDE: dict[str, Any] = {
    "id": "tide", "kind": "tide", "unit": "m", "columns": {"time": "time_utc", "value": "level_m_msl"},
    "timezone": "UTC", "sensors": {"quay": {"lon": 118.067, "lat": 24.45}},
}  # fmt: skip


def test_a_tide_table_is_read_in_the_city_s_datum() -> None:
    text = "time_utc,level_m_msl\n2026-07-14T00:00,0.8\n2026-07-14T01:00,1.344\n2026-07-14T02:00,88\n"
    parsed = read(text, **TIDE, datum_shift_m=-0.1)
    (tide,) = parsed.tides
    assert (tide.station, tide.lon, tide.level_m.tolist()) == ("quay", 118.067, pytest.approx([0.7, 1.244]))
    assert datetime.fromtimestamp(tide.times[1], UTC) == datetime(2026, 7, 14, 1, tzinfo=UTC)
    assert rules(parsed) == ["tide.range"]


def test_the_shared_tide_tables_are_read_whole() -> None:
    path = Path(__file__).parents[3] / "shared/data/flooding/tide_xiamen.csv"
    if not path.is_file():
        pytest.skip("shared data is not here")
    (tide,) = read(path.read_bytes(), **TIDE).tides
    assert len(tide.times) == len(path.read_text().split()) - 1
    assert np.all(np.diff(tide.times) == 3600)


def test_a_station_s_document_says_its_place() -> None:
    document = {"id": "noaa/1", "lat": 40.7, "lon": -74.0, "licence": "public",
                "predictions": [{"t": "2026-07-14T00:00Z", "v": 2.0}, {"t": "2026-07-14T00:06Z"}]}  # fmt: skip
    how = TIDE | {"adapter": "json", "unit": "ft", "columns": {"time": "t", "value": "v"}, "sensors": {}}
    parsed = read(json.dumps(document), **how)
    (tide,) = parsed.tides
    assert (tide.station, tide.lat, tide.level_m.tolist()) == ("noaa/1", 40.7, [pytest.approx(0.6096)])
    assert tide.meta["licence"] == "public" and rules(parsed) == ["value.missing"]
