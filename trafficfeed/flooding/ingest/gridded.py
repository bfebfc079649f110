"""Rain forecasts on grids, GRIB and NetCDF, read at the grid point nearest to each site, by xarray."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import SourceUnavailable
from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, noted, refused
from trafficfeed.flooding.ingest.rain_steps import Steps, forecast_of, from_totals, issue_time, missing_members
from trafficfeed.flooding.ingest.sources import Columns
from trafficfeed.flooding.ingest.units import UnitFault, rain_mm_of
from trafficfeed.flooding.observations import RainForecast

if TYPE_CHECKING:
    import xarray as xr

Floats = npt.NDArray[np.float64]

_UNNAMED: Final = Columns().value
_NAMES: Final = ("tp", "precipitation", "total_precipitation", "tot_prec", "precipitation_amount", "rain", "pr", "apcp")
_STANDARD: Final = (
    "precipitation_amount",
    "lwe_thickness_of_precipitation_amount",
    "rainfall_amount",
    "precipitation_flux",
    "rainfall_flux",
)
_MEMBER: Final = ("number", "member", "realization", "ensemble", "ens")
_LAT: Final = ("latitude", "lat", "y_lat")
_LON: Final = ("longitude", "lon", "x_lon")
_SECONDLY: Final = ("kgm-2s-1", "kgm**-2s**-1", "kg/m2/s", "mm/s", "mms-1")


def read_grid(payload: Payload) -> Parsed:
    """Return the forecast at the grid points nearest to the source's points, or to the city's sites.

    Raises
    ------
    SourceMalformed
        If it is no GRIB or NetCDF, or holds no precipitation on a grid of longitudes and latitudes.
    """
    points = payload.source.points or tuple((site.lon, site.lat) for site in payload.sites)
    if not points:
        return Parsed(findings=[noted("forecast.points", payload.source.id, "no points and no sites", "give points")])
    with _opened(payload) as dataset:
        rain = _rain_in(payload, dataset)
        cells, findings = _cells(payload, rain, points)
        if not cells:
            return Parsed(findings=findings)
        ends, run = _times(payload, rain)
        values, members = _values(payload, rain, cells)
    findings += missing_members(members, payload.source.members, payload.source.id)
    issued_at = issue_time(run, payload.received_at, payload.source.available_after_s)
    forecasts: list[RainForecast] = []
    for at, (lon, lat) in enumerate(cells.values()):
        try:
            steps = _steps(payload, rain.attrs, values[:, :, at], ends, run)
        except (UnitFault, ValueError) as error:
            return Parsed(findings=[*findings, refused("forecast.values", payload.source.id, str(error))])
        found, doubts = forecast_of(steps, source=payload.source.id, issued_at=issued_at, lon=lon, lat=lat)
        findings += doubts
        forecasts += [found] if found is not None else []
    return Parsed(forecasts=forecasts, findings=findings)


@contextmanager
def _opened(payload: Payload) -> Iterator["xr.Dataset"]:
    import xarray as xr  # 0.6 s, for those alone who read grids

    with tempfile.TemporaryDirectory(prefix="trafficfeed-grid-") as folder:
        unreadable: tuple[type[Exception], ...] = (OSError, ValueError, LookupError, EOFError, TypeError)
        try:
            if payload.source.adapter == "grib":
                from gribapi.errors import GribInternalError  # type: ignore[import-untyped]

                unreadable += (GribInternalError,)
                path = Path(folder) / "rain.grib"  # its reader needs a file
                path.write_bytes(payload.data)
                named = payload.source.columns.value
                short_name = "tp" if named == _UNNAMED else named
                keys = {"filter_by_keys": {"shortName": short_name}, "indexpath": "", "errors": "raise"}
                dataset = xr.open_dataset(path, engine="cfgrib", backend_kwargs=keys, decode_timedelta=True)
            else:
                engine: Any = "scipy" if payload.data.startswith(b"CDF") else "h5netcdf"
                dataset = xr.open_dataset(io.BytesIO(payload.data), engine=engine, decode_timedelta=True)
        except ImportError as error:
            raise SourceUnavailable(
                f"{payload.source.adapter} of {payload.source.id!r} cannot be read here: {error}"
            ) from error
        except unreadable as error:
            raise payload.malformed(f"cannot be read as {payload.source.adapter}: {error}", "send it whole") from error
        with dataset:
            yield dataset


def _rain_in(payload: Payload, dataset: "xr.Dataset") -> "xr.DataArray":
    wanted = payload.source.columns.value
    for name, array in dataset.data_vars.items():
        if str(name) == wanted or str(name).lower() in _NAMES or array.attrs.get("standard_name") in _STANDARD:
            return array
    there = ", ".join(map(str, dataset.data_vars)) or "nothing"
    raise payload.malformed(f"holds no precipitation but {there}", "name the variable in columns.value")


def _coordinate(payload: Payload, rain: "xr.DataArray", names: Sequence[str]) -> "xr.DataArray":
    for name in names:
        if name in rain.coords:
            found: xr.DataArray = rain.coords[name]
            return found
    raise payload.malformed(f"has no {names[0]} of its grid", "send one with longitudes and latitudes")


def _cells(
    payload: Payload, rain: "xr.DataArray", points: Sequence[tuple[float, float]]
) -> tuple[dict[tuple[int, ...], tuple[float, float]], list[Finding]]:
    """Return index and position of the grid points nearest to points; a point beyond the grid is told."""
    lat, lon = _coordinate(payload, rain, _LAT), _coordinate(payload, rain, _LON)
    lats, lons = np.asarray(lat.values, np.float64), np.asarray(lon.values, np.float64)
    if lat.ndim == 1:
        lats, lons = np.meshgrid(lats, lons, indexing="ij")
    lons = (lons + 180.0) % 360.0 - 180.0
    lats, lons = np.atleast_2d(lats), np.atleast_2d(lons)
    cells: dict[tuple[int, ...], tuple[float, float]] = {}
    beyond = []
    for at_lon, at_lat in points:
        east = ((lons - at_lon + 180.0) % 360.0 - 180.0) * np.cos(np.radians(at_lat))
        apart = np.hypot(east, lats - at_lat)
        i, j = (int(one) for one in np.unravel_index(int(np.argmin(apart)), apart.shape))
        if apart[i, j] > _reach(lats, lons, at_lat):
            beyond.append((at_lon, at_lat))
        else:
            cells[i, j] = (round(float(lons[i, j]), 5), round(float(lats[i, j]), 5))
    if not beyond:
        return cells, []
    message = f"{len(beyond)} of {len(points)} points lie beyond the grid, {beyond[0]} the first"
    return cells, [noted("forecast.beyond", payload.source.id, message, "take a file that covers the city")]


def _reach(lats: Floats, lons: Floats, lat: float) -> float:
    """Return how far, in degrees of latitude, a point may be from the nearest of a grid that covers it."""
    high = float(np.abs(np.diff(lats, axis=0)).max(initial=0.0))
    wide = float(np.abs(np.diff(lons, axis=1)).min(initial=360.0)) if lons.shape[1] > 1 else 0.0
    return 0.75 * float(np.hypot(high, wide * np.cos(np.radians(lat)))) or 0.25


def _times(payload: Payload, rain: "xr.DataArray") -> tuple[Floats, datetime | None]:
    """Return the valid times, s since 1970, and the run's; None where the file does not say it."""
    valid = next((rain.coords[name] for name in ("valid_time", "time") if name in rain.coords), None)
    if valid is None:
        raise payload.malformed("has no time of its values", "send one with valid times")
    reference = next((rain.coords[n] for n in ("forecast_reference_time", "time") if n in rain.coords), None)
    run = None
    if reference is not None and reference.ndim == 0:
        run = datetime.fromtimestamp(float(_seconds(reference.values)[0]), UTC)
    return _seconds(valid.values), run


def _seconds(values: Any) -> Floats:
    times = np.atleast_1d(np.asarray(values)).astype("datetime64[s]")
    return times.astype(np.int64).astype(np.float64)


def _values(
    payload: Payload, rain: "xr.DataArray", cells: dict[tuple[int, ...], tuple[float, float]]
) -> tuple[Floats, list[int]]:
    """Return ``(n_members, n_times, n_cells)`` values in the file's unit, and the members' numbers."""
    member = next((name for name in _MEMBER if name in rain.dims), None)
    lat, lon = _coordinate(payload, rain, _LAT), _coordinate(payload, rain, _LON)
    across = tuple(lat.dims) if lat.ndim == 2 else (*lat.dims, *lon.dims)
    when = [name for name in rain.dims if name not in (*across, member)]
    if len(when) > 1:
        extra = [name for name in when if rain.sizes[name] > 1]
        if len(extra) > 1:
            raise payload.malformed(f"has dimensions {', '.join(map(str, rain.dims))}", "send one run and one level")
    ordered = rain.transpose(*([member] if member else []), *when, *across)
    raw = np.asarray(ordered.values, np.float64)
    sizes = [ordered.sizes[name] for name in across]
    count = int(rain.sizes[member]) if member else 1
    grid = raw.reshape(count, -1, *(sizes if len(sizes) == 2 else [1, -1]))
    picked = np.stack([grid[:, :, i, j] for i, j in cells], axis=-1)
    numbers = rain.coords[member].values.astype(int).tolist() if member and member in rain.coords else None
    return picked, numbers if numbers is not None else list(range(len(picked)))


def _steps(payload: Payload, attrs: dict[str, Any], values: Floats, ends: Floats, run: datetime | None) -> Steps:
    unit = str(payload.source.unit or attrs.get("units", ""))
    order = np.argsort(ends)
    values, ends = values[:, order], ends[order]
    begin = _begin(ends, run)
    if unit.replace(" ", "").lower() in _SECONDLY:
        return Steps(begin=begin, ends=ends, rain_mm=values * np.diff(ends, prepend=begin))
    factor, rate = rain_mm_of(unit)
    if rate:
        raise UnitFault(f"{unit!r} is a rate an hour: send amounts")
    kind = payload.source.rain or ("cumulative" if attrs.get("GRIB_stepType") == "accum" else "")
    if kind == "cumulative":
        return from_totals(values * factor, ends, run.timestamp() if run is not None else float(ends[0]))
    if kind == "interval" or "sum" in str(attrs.get("cell_methods", "")):
        return Steps(begin=begin, ends=ends, rain_mm=values * factor)
    raise UnitFault("does not say whether its rain is of each step or since the run: declare rain of the source")


def _begin(ends: Floats, run: datetime | None) -> float:
    """Return where the first of steps begins: at the run where that is before, else one step before its end."""
    if run is not None and run.timestamp() < ends[0]:
        return run.timestamp()
    return float(2 * ends[0] - ends[1]) if len(ends) > 1 else float(ends[0]) - 3600.0
