"""The parameters of a city's forecast, fitted anew on what its own sensors, forecasts and tides have recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from trafficfeed.flooding.forecasting import fitting, nowcast_fitting
from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace
from trafficfeed.flooding.forecasting.parameters import FloodParameters
from trafficfeed.flooding.forecasting.past_issues import IssueLog
from trafficfeed.flooding.forecasting.tides import tide_table
from trafficfeed.flooding.made_storm import made_past
from trafficfeed.flooding.observations import Floats, Quality, RainForecast, Reading, TidePrediction
from trafficfeed.flooding.sites import Site
from trafficfeed.flooding.storms import Storm
from trafficfeed.pipeline.flood_forecasting import keep_parameters, tides_near
from trafficfeed.pipeline.flood_intake import tides_taken
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water

_RECORD: Final = timedelta(days=5 * 365)
_WET_M: Final = 0.02
_DEEP_ENOUGH_M: Final = 0.05
_GAP_S: Final = 5400.0  # water that is back within it is of the same flood
_HOURS: Final = 72
_BEFORE_STORM: Final = timedelta(days=5)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was recorded at the sites: from and until when each was watched (epoch s), and the floods of each."""

    sites: Sequence[Site]
    watched: Mapping[str, tuple[float, float]]
    floods: Sequence[tuple[int, Floats, Floats]]

    @property
    def history(self) -> History:
        """The record as the fit wants it, floods in the order of their beginning."""
        ordered = sorted(self.floods, key=lambda flood: float(flood[1][0]))
        spans = [self.watched.get(site.id, (np.inf, -np.inf)) for site in self.sites]
        return History(
            watched_from=np.array([span[0] for span in spans], dtype=np.float64),
            watched_until=np.array([span[1] for span in spans], dtype=np.float64),
            tidal=np.array([np.nan if site.tidal is None else float(site.tidal) for site in self.sites]),
            site=np.array([row for row, _, _ in ordered], dtype=np.int64),
            lines=[(times, depths) for _, times, depths in ordered],
        )


def refit(settings: Settings, database: Database, as_of: datetime) -> FloodParameters:
    """Fit the served city's parameters on what was recorded by an instant (aware), and put them in force.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, the database or the object store cannot be used; the parameters before stay in force.
    """
    works, objects = waterworks_of(settings), ObjectStore(settings.objects_url)
    since, city = as_of - _RECORD, works.city.name
    with database.reading() as connection:
        sensors = {sensor for site in works.sites for sensor in site.sensors}
        readings = Water(connection, city).readings(sensors, since=since, known_at=as_of)
        issues = Rain(connection, city).issues(since=since, known_at=as_of)
    made = fitted(record_of(works.sites, readings), issues, tides_taken(settings), as_of)
    keep_parameters(objects, city, made)
    return made


def fitted(
    record: Record, issues: Sequence[RainForecast], tides: Sequence[TidePrediction], until: datetime
) -> FloodParameters:
    """Return the parameters fitted on a record until an instant (aware)."""
    sites = record.sites
    table = tide_table(
        lon=np.array([site.lon for site in sites], dtype=np.float64),
        lat=np.array([site.lat for site in sites], dtype=np.float64),
        stations=[(one.lon, one.lat, one.times, one.level_m) for one in tides],
    )
    at = until.timestamp()
    made = fitting.fit([site.id for site in sites], record.history, _log(issues), table, until=at)
    traces = [_trace(sites[row], tides, times, depths) for row, times, depths in record.floods]
    stations = {one.station: one for one in tides}
    return replace(made, nowcast=nowcast_fitting.fit(traces, stations, at) if traces else None)


def fitted_on(storms: Sequence[Storm], sites: Sequence[Site], until: datetime) -> FloodParameters:
    """Return the parameters fitted on storms, oldest first, by the water that truly stood; dry between them."""
    watched = (storms[0].begins - timedelta(days=5)).timestamp(), until.timestamp()
    floods = [
        (row, *flood)
        for storm in storms
        for row, site in enumerate(sites)
        if site.id in storm.truth
        for flood in _floods(storm.truth[site.id].times[::3], storm.truth[site.id].depth_m[::3])
    ]
    record = Record(sites=sites, watched=dict.fromkeys((site.id for site in sites), watched), floods=floods)
    return fitted(record, [issue for storm in storms for issue in storm.rain], _one_tide(storms), until)


def fitted_on_made_past(sites: Sequence[Site], storm: Storm) -> FloodParameters:
    """Return the parameters fitted on storms made up for the time before a made storm: the record of a made city."""
    until = storm.begins - _BEFORE_STORM
    return fitted_on(made_past(sites, until), sites, until)


def _one_tide(storms: Sequence[Storm]) -> list[TidePrediction]:
    """Return the storms' tides as one station's."""
    tides = [storm.tide for storm in storms if storm.tide is not None]
    if not tides:
        return []
    times, levels = (np.concatenate([getattr(one, name) for one in tides]) for name in ("times", "level_m"))
    return [replace(tides[0], times=times, level_m=levels)]


def record_of(sites: Sequence[Site], readings: Mapping[str, Sequence[Reading]]) -> Record:
    """Return what good readings tell: watched from the first to the last of a site's sensors, floods cut at gaps."""
    watched: dict[str, tuple[float, float]] = {}
    floods: list[tuple[int, Floats, Floats]] = []
    for row, site in enumerate(sites):
        good = sorted(
            (one.observed_at.timestamp(), one.depth_m)
            for sensor in site.sensors
            for one in readings.get(sensor, ())
            if one.quality in {Quality.GOOD, Quality.LATE}
        )
        if not good:
            continue
        times, depths = (np.array(column, dtype=np.float64) for column in zip(*good, strict=True))
        watched[site.id] = (float(times[0]), float(times[-1]))
        floods += [(row, *flood) for flood in _floods(times, depths)]
    return Record(sites=sites, watched=watched, floods=floods)


def _floods(times: Floats, depths: Floats) -> Iterator[tuple[Floats, Floats]]:
    wet = np.flatnonzero(depths >= _WET_M)
    if not len(wet):
        return
    for run in np.split(wet, np.flatnonzero(np.diff(times[wet]) > _GAP_S) + 1):
        first, last = max(int(run[0]) - 1, 0), min(int(run[-1]) + 1, len(times) - 1)
        mine = slice(first, last + 1)
        if depths[mine].max() >= _DEEP_ENOUGH_M and last > first:
            yield times[mine], depths[mine]


def _trace(site: Site, tides: Sequence[TidePrediction], times: Floats, depths: Floats) -> FloodTrace:
    near = tides_near(tides, site.lon, site.lat) if site.tidal else None
    return FloodTrace(
        site=site.id, tidal=bool(site.tidal), times=times, depth_m=depths, tide=near.station if near else ""
    )


def _log(issues: Sequence[RainForecast]) -> IssueLog | None:
    """Return hourly rain of each issue, its members' mean, as known at the city; None without any."""
    by_time = {one.issued_at.astimezone(UTC): one for one in sorted(issues, key=lambda one: one.issued_at)}
    if not by_time:
        return None
    rows = [_hourly(one) for one in by_time.values()]
    return IssueLog(issued=np.array([at.timestamp() for at in by_time]), rain_mm=np.array(rows))


def _hourly(issue: RainForecast) -> Floats:
    edges = issue.issued_at.timestamp() + 3600.0 * np.arange(_HOURS + 1)
    bounds = np.append(issue.starts, issue.starts[-1] + issue.step_s)
    mean = np.nanmean(issue.rain_mm, axis=0)
    fallen = np.concatenate([[0.0], np.cumsum(np.nan_to_num(mean))])
    hourly = np.diff(np.interp(edges, bounds, fallen))
    outside = (edges[1:] > bounds[-1] + 1.0) | (edges[:-1] < bounds[0] - 3600.0)
    return np.asarray(np.where(outside, np.nan, hourly), dtype=np.float64)
