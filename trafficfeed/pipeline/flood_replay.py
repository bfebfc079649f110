"""A storm played through the whole pipeline at speed: intake, forecast, decision, order, release; then scored.

Time is the storm's: whatever it had not told by then does not exist yet. Only what is measured goes in as bytes, by the
door that a sensor's does; nothing reads the truth but the score.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import numpy as np

from trafficfeed.flooding.decisions import Decision
from trafficfeed.flooding.forecast import CityForecast
from trafficfeed.flooding.observations import Quality, RainForecast, RainReading, Reading, TidePrediction
from trafficfeed.flooding.scorecard import Scorecard, scored
from trafficfeed.flooding.sites import Site
from trafficfeed.flooding.storms import Storm, TrueWater
from trafficfeed.pipeline.flood_forecasting import forecast_city
from trafficfeed.pipeline.flood_gate import closed_edges
from trafficfeed.pipeline.flood_intake import Intake, take
from trafficfeed.pipeline.flood_orders import rule_of
from trafficfeed.pipeline.flood_release import FloodRelease, decide_and_release, reading_to_release
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.pipeline.street_time import StreetTime
from trafficfeed.progress import Progress, silent
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water

_T = TypeVar("_T")
MINUTE: Final = timedelta(minutes=1)
_FORECAST_EVERY: Final = timedelta(minutes=5)
_BEFORE: Final = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay came to.

    `decisions` are all that were made, oldest first; `forecasts` all that were issued; `releases` counts the road
    feeds and `map_releases` the maps that went out; `closed` are the edges that the feed had closed from each instant
    on. `troubles` are those that were not published, by instant.
    """

    storm: Storm
    sites: Sequence[Site]
    decisions: Sequence[Decision]
    forecasts: Sequence[CityForecast]
    releases: int
    map_releases: int
    closed: Sequence[tuple[datetime, frozenset[str]]]
    troubles: Sequence[tuple[datetime, str]]
    scorecard: Scorecard


def replay(storm: Storm, settings: Settings, database: Database, *, progress: Progress = silent) -> Replayed:
    """Play a storm through the pipeline of an installation of its own, minute by minute.

    Parameters
    ----------
    settings, database
        Of an installation that serves nobody: what is replayed is stored and released in it.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, the database or the object store cannot be used.
    """
    sites = waterworks_of(settings).sites
    stage = _Stage(storm, settings, database)
    instants = list(_minutes(storm.begins - _BEFORE, storm.ends))
    for number, at in enumerate(instants, 1):
        stage.play(at)
        progress("play the storm", number, len(instants))
    rule = rule_of(settings)
    return Replayed(
        storm=storm,
        sites=sites,
        decisions=tuple(stage.decisions),
        forecasts=tuple(stage.forecasts),
        releases=stage.releases,
        map_releases=stage.map_releases,
        closed=tuple(stage.closed),
        troubles=tuple(stage.troubles),
        scorecard=scored(stage.decisions, storm.truth, rule),
    )


def storm_of_record(settings: Settings, database: Database, begins: datetime, ends: datetime) -> Storm:
    """Return what the served city recorded in ``[begins, ends)`` (aware) as a storm; what was measured is the truth."""
    works = waterworks_of(settings)
    with database.reading() as connection:
        water, rain = Water(connection, works.city.name), Rain(connection, works.city.name)
        readings = water.readings(since=begins, until=ends)
        gauges = rain.readings(since=begins, until=ends)
        issues = rain.issues(since=begins - timedelta(hours=30), known_at=ends)
    return Storm(
        name=f"{works.city.name}-{begins:%Y%m%dT%H%M}",
        title=f"Recorded in {works.city.file.title}, {begins:%Y-%m-%d}",
        begins=begins,
        ends=ends,
        synthetic=works.city.flooding.synthetic,
        note="The truth is what the sensors measured.",
        truth={one.site: one for site in works.sites if (one := measured(site, readings)) is not None},
        readings=tuple(sorted((r for several in readings.values() for r in several), key=lambda r: r.received_at)),
        gauges=gauges,
        rain=issues,
    )


class _Stage:
    """The pipeline under the storm's clock."""

    def __init__(self, storm: Storm, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._city = waterworks_of(settings).city.name
        self._readings = _Queue(sorted(storm.readings, key=lambda one: one.received_at))
        self._gauges = _Queue(sorted(storm.gauges, key=lambda one: one.received_at))
        self._issues = _Queue(sorted(storm.rain, key=lambda one: one.issued_at))
        self._tides: Sequence[TidePrediction] | None = [storm.tide] if storm.tide is not None else None
        self._street_time = StreetTime(settings)
        self._forecast_at: datetime | None = None
        self.decisions: list[Decision] = []
        self.forecasts: list[CityForecast] = []
        self.closed: list[tuple[datetime, frozenset[str]]] = []
        self.troubles: list[tuple[datetime, str]] = []
        self.releases = self.map_releases = 0

    def play(self, at: datetime) -> None:
        """Let a minute pass."""
        intake = self._taken(self._readings.until(at, lambda one: one.received_at), at)
        self._rained(
            self._gauges.until(at, lambda one: one.received_at), self._issues.until(at, lambda one: one.issued_at), at
        )
        if self._forecast_at is None or at - self._forecast_at >= _FORECAST_EVERY:
            self._forecast_at = at
            forecast = forecast_city(self._settings, self._database, at, tides=self._tides)
            self.forecasts.append(forecast)
            self._note(decide_and_release(self._settings, self._database, at, forecast=forecast), at)
            self._street_time.look(self._database, at)
        elif intake is not None and intake.has_news:
            self._note(reading_to_release(self._settings, self._database, intake, at), at)

    def _taken(self, readings: Sequence[Reading], at: datetime) -> Intake | None:
        if not readings:
            return None
        told = [
            {"sensor": one.sensor, "time": one.observed_at.isoformat(), "value": one.depth_m, "unit": "m"}
            for one in readings
        ]
        return take(self._settings, self._database, "posted", json.dumps({"readings": told}).encode(), at)

    def _rained(self, gauges: Sequence[RainReading], issues: Sequence[RainForecast], at: datetime) -> None:
        if not gauges and not issues:
            return
        with self._database.transaction() as connection:
            Water(connection, self._city).lock()
            Rain(connection, self._city).add_readings(gauges)
            Rain(connection, self._city).add_forecasts(issues, received_at=at)

    def _note(self, round_: FloodRelease | None, at: datetime) -> None:
        if round_ is None:
            return
        self.decisions += round_.decisions
        if round_.released is not None:
            self.releases += 1
            self.closed.append((at, closed_edges(self._database, self._city)))
        self.map_releases += round_.map_release is not None
        self.troubles += [(at, trouble) for trouble in round_.troubles]


class _Queue(Generic[_T]):
    """What the storm still has to tell, by when it was known."""

    def __init__(self, items: Sequence[_T]) -> None:
        self._items, self._next = items, 0

    def until(self, at: datetime, known_at: Callable[[_T], datetime]) -> Sequence[_T]:
        """Return what has become known by an instant since the last call."""
        begin = self._next
        while self._next < len(self._items) and known_at(self._items[self._next]) <= at:
            self._next += 1
        return self._items[begin : self._next]


def measured(site: Site, readings: Mapping[str, Sequence[Reading]]) -> TrueWater | None:
    """Return what good readings of a site's sensors say stood there; None without any."""
    found = sorted(
        (one.observed_at.timestamp(), one.depth_m)
        for sensor in site.sensors
        for one in readings.get(sensor, ())
        if one.quality in {Quality.GOOD, Quality.LATE}
    )
    if not found:
        return None
    times, depths = (np.array(column, dtype=np.float64) for column in zip(*found, strict=True))
    return TrueWater(site=site.id, times=times, depth_m=depths)


def _minutes(begins: datetime, ends: datetime) -> Iterator[datetime]:
    at = begins
    while at <= ends:
        yield at
        at += MINUTE
