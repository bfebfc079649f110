"""The files that the floods are scored on, as arrays: sensors, floods, rain issues, tides; SI units, UTC.

Floods come in inches and UTC, rain issues in local wall time with their offset, tides in m above mean sea level. A
sensor without floods is an honest "dry" while it hung there. What a file leaves out is left out here: no tide station
within reach, no offset, no profile (then the deepest stands for the whole flood).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
INCH_M = 0.0254
NEAR_STATION_M = 100_000.0
STATIONS = {"battery": (-74.0142, 40.7006), "beach_channel": (-73.7972, 40.5859), "jamaica_bay": (-73.7972, 40.5859)}
"""Where tide files without coordinates of their own lie, by what their names hold: NOAA stations 8518750, 8517137."""


@dataclass(frozen=True, kw_only=True)
class Sensors:
    """`(n,)` each; `installed`, `removed` in epoch s (NaN: unknown, never); `tidal` 1, 0 or NaN."""

    ids: Sequence[str]
    lon: Floats
    lat: Floats
    installed: Floats
    removed: Floats
    tidal: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """One flood at one sensor: `times` epoch s, `depth_m` above the low point; of one length."""

    sensor: int
    times: Floats
    depth_m: Floats

    @property
    def start(self) -> float:
        """First water, epoch s."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """Dry again, epoch s."""
        return float(self.times[-1])

    @property
    def deepest_m(self) -> float:
        """The deepest, m."""
        return float(self.depth_m.max())


@dataclass(frozen=True, kw_only=True)
class RainIssues:
    """`issued` ``(n,)`` epoch s; `rain_mm` ``(n, n_leads)``: column k begins k hours after the issue."""

    issued: Floats
    rain_mm: Floats


@dataclass(frozen=True, kw_only=True)
class Tide:
    """One station: `times` epoch s, `level_m` above its datum."""

    name: str
    lon: float
    lat: float
    times: Floats
    level_m: Floats


@dataclass(frozen=True, kw_only=True)
class Record:
    """All that is scored on. `station` ``(n_sensors,)``: index of the nearest tide station, -1: none within reach."""

    sensors: Sensors
    floods: Sequence[Flood]
    rain: RainIssues
    tides: Sequence[Tide]
    station: npt.NDArray[np.int64]


def read_record(events: Path, sensors: Path, forecasts: Path, tides: Path | None) -> Record:
    """Read the four sources; see the module for their layout."""
    hung, stations = read_sensors(sensors), read_tides(tides)
    return Record(
        sensors=hung,
        floods=read_floods(events, hung),
        rain=read_rain(forecasts),
        tides=stations,
        station=nearest_station(hung, stations),
    )


def read_sensors(path: Path) -> Sensors:
    """Read where sensors hang and from when to when."""
    table = pd.read_csv(path).drop_duplicates("sensor_id").reset_index(drop=True)
    column = lambda name: table[name] if name in table else pd.Series([None] * len(table))  # noqa: E731
    said = column("tidally_influenced").astype("string").str.strip().str.lower()
    return Sensors(
        ids=tuple(table["sensor_id"].astype(str)),
        lon=pd.to_numeric(column("longitude"), errors="coerce").to_numpy(float),
        lat=pd.to_numeric(column("latitude"), errors="coerce").to_numpy(float),
        installed=_epoch(column("date_installed")),
        removed=_epoch(column("date_removed")),
        tidal=said.map({"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}).to_numpy(float, na_value=np.nan),
    )


def read_floods(path: Path, sensors: Sensors) -> list[Flood]:
    """Read floods at known sensors, by their beginning; rows without a time or a depth are left out."""
    table = pd.read_csv(path)
    index = {sensor: i for i, sensor in enumerate(sensors.ids)}
    start, end = _epoch(table["flood_start_time"]), _epoch(table["flood_end_time"])
    floods = []
    for i, row in enumerate(table.to_dict("records")):
        sensor, deepest = index.get(str(row["sensor_id"])), float(row["max_depth_inches"]) * INCH_M
        if sensor is None or not np.isfinite(start[i]) or not np.isfinite(deepest):
            continue
        until = end[i] if end[i] > start[i] else start[i] + 60.0
        times, depth = _profile(row, start[i], until, deepest)
        floods.append(Flood(sensor=sensor, times=times, depth_m=depth))
    return sorted(floods, key=lambda flood: (flood.start, flood.sensor))


def _profile(row: dict[str, object], start: float, end: float, deepest_m: float) -> tuple[Floats, Floats]:
    depth, seconds = _numbers(row.get("flood_profile_depth_inches")), _numbers(row.get("flood_profile_time_secs"))
    if len(depth) < 2 or len(depth) != len(seconds) or np.any(np.diff(seconds) < 0):
        third = (end - start) / 3.0
        return start + third * np.arange(4.0), np.array([0.0, deepest_m, deepest_m, 0.0])
    return start + seconds, depth * INCH_M


def _numbers(text: object) -> Floats:
    return np.array([float(number) for number in re.findall(r"-?\d+\.?\d*", text)] if isinstance(text, str) else [])


def read_rain(path: Path) -> RainIssues:
    """Read rain issues; negative leads are left out: they are no observations."""
    table = pd.read_parquet(path)
    offset = pd.to_numeric(table["utc_off_s"]) if "utc_off_s" in table else pd.Series(0, index=table.index)
    issued = _epoch(table["issue_local"]) - offset.fillna(0).to_numpy(float)
    if "lead_h" in table:
        lead = table["lead_h"].to_numpy(float)
    else:
        lead = (_epoch(table["valid_local"]) - _epoch(table["issue_local"])) / 3600.0
    usable = (lead >= 0) & np.isfinite(issued)
    unique, row = np.unique(issued[usable], return_inverse=True)
    rain = np.full((len(unique), int(lead[usable].max()) + 1), np.nan)
    rain[row, lead[usable].astype(int)] = table["rain_mm"].to_numpy(float)[usable]
    return RainIssues(issued=unique, rain_mm=np.where(rain < 0, np.nan, rain))


def read_tides(folder: Path | None) -> list[Tide]:
    """Read every ``tide_*.csv`` of a folder; a ``.station.json`` beside it tells where it is."""
    found = []
    for path in sorted(folder.glob("tide_*.csv")) if folder else ():
        table = pd.read_csv(path)
        level = [name for name in table if name.startswith("level")]
        place = _place(path)
        if not level or "time_utc" not in table:
            continue
        known = table[level[0]].notna().to_numpy()
        times, levels = _epoch(table["time_utc"])[known], table[level[0]].to_numpy(float)[known]
        found.append(Tide(name=path.stem, lon=place[0], lat=place[1], times=times, level_m=levels))
    return found


def _place(path: Path) -> tuple[float, float]:
    beside = path.with_suffix(".station.json")
    if beside.exists():
        station = pd.read_json(beside, typ="series")
        return float(station["lon"]), float(station["lat"])
    return next((place for name, place in STATIONS.items() if name in path.stem), (np.nan, np.nan))


def nearest_station(sensors: Sensors, tides: Sequence[Tide]) -> npt.NDArray[np.int64]:
    """Return the nearest station's index per sensor; -1 where none is within 100 km.

    A station whose place nobody tells serves the sensors that no other is near to.
    """
    if not tides:
        return np.full(len(sensors.ids), -1)
    east = 111_320.0 * np.cos(np.radians(sensors.lat))[:, None] * (sensors.lon[:, None] - [t.lon for t in tides])
    north = 110_540.0 * (sensors.lat[:, None] - [t.lat for t in tides])
    distance = np.hypot(east, north)
    distance = np.where(np.isfinite(distance), distance, 0.999 * NEAR_STATION_M)
    nearest = distance.argmin(axis=1)
    return np.where(distance.min(axis=1) <= NEAR_STATION_M, nearest, -1)


def _epoch(values: "pd.Series[object]") -> Floats:
    times = pd.to_datetime(
        values, errors="coerce", utc=True, format=None if pd.api.types.is_datetime64_any_dtype(values) else "ISO8601"
    )
    seconds = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return seconds.to_numpy(float, na_value=np.nan)
