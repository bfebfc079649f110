"""The fast path of flooding: a reading or a report to a decision, an order and the served feeds, without Airflow.

reading_to_release: taken in → decided (its sites) → stored → ordered → released;   decide_and_release: all sites
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.errors import OrderNotFound, TrafficFeedError
from trafficfeed.findings import errors_in
from trafficfeed.flooding.deciding import Decider
from trafficfeed.flooding.decisions import Basis, Decision, Level
from trafficfeed.flooding.forecast import CityForecast
from trafficfeed.flooding.sites import Site
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_intake import Intake
from trafficfeed.pipeline.flood_map import release_map
from trafficfeed.pipeline.flood_orders import Applied, apply_decisions, override, rule_of, settle_approvals
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.pipeline.releasing import Released, release
from trafficfeed.pipeline.workspace import Ground, ground_of
from trafficfeed.publishing.documents import Release
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.water import Water

_LONGEST_EPISODE: Final = timedelta(days=3)
_OLDEST_FORECAST: Final = timedelta(hours=6)
_URGENCY: Final = {Level.CLOSED: 0, Level.CLEAR: 1, Level.HAZARD: 2}
_AT_ONCE: Final = 20  # closures are in the feed before the rest of a whole city is worked through
_METHODS: Final = {Basis.OBSERVED: "observed", Basis.OFFICER: "officer"}
_last_drawn: dict[str, datetime] = {}  # by object store: as of when this process released the map last
_deciding = threading.Lock()  # one round at a time in a process: two would make the same order


@dataclass(frozen=True, kw_only=True)
class FloodRelease:
    """What a round of decisions came to.

    `released` is None where no road record changed, `map_release` where the flood map can wait. `troubles` say what
    failed: what was served before is served on, and whoever looks next tries again. `stages_s` is how long each stage
    took, s.
    """

    decisions: tuple[Decision, ...] = ()
    applied: tuple[Applied, ...] = ()
    released: Released | None = None
    map_release: Release | None = None
    troubles: tuple[str, ...] = ()
    stages_s: Mapping[str, float] = field(default_factory=dict)


def reading_to_release(settings: Settings, database: Database, intake: Intake, as_of: datetime) -> FloodRelease | None:
    """Decide anew for the sites that an intake tells of, and release what changed; None where it tells of none.

    Rain, tides and rain forecasts change the forecast, which is not made here.

    Parameters
    ----------
    intake
        What is new, stored already.
    as_of
        Aware: now.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, the database or the object store cannot be used.
    """
    sensors = {reading.sensor for reading in intake.readings}
    seen = {report.site for report in intake.reports if report.site}
    concerned = [
        site.id for site in waterworks_of(settings).sites if site.id in seen or sensors.intersection(site.sensors)
    ]
    return decide_and_release(settings, database, as_of, only=concerned) if concerned else None


def decide_and_release(
    settings: Settings,
    database: Database,
    as_of: datetime,
    *,
    only: Collection[str] | None = None,
    forecast: CityForecast | None = None,
) -> FloodRelease:
    """Decide for the city's sites (or `only` some), store the decisions, bring the orders to them, and release.

    Parameters
    ----------
    forecast
        The newest; None: the newest that is kept and fresh.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, the database or the object store cannot be used.
    """
    with _deciding:
        return _Round(settings, database, as_of).run(only, forecast)


def override_and_release(
    settings: Settings, database: Database, site_id: str, level: Level, *, officer: str, reason: str, until: datetime,
    as_of: datetime,
) -> FloodRelease:  # fmt: skip
    """Order a level for a site as an officer, and release it.

    Raises
    ------
    OrderConflict
        If there is no reason, or `until` is not ahead; nothing is changed.
    OrderNotFound
        If the city has no such site.
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, the database or the object store cannot be used.
    """
    with _deciding:
        one = _Round(settings, database, as_of)
        decision, applied = override(
            database, one.site(site_id), level, officer=officer, reason=reason, until=until, ground=one.ground,
            settings=settings, as_of=as_of,
        )  # fmt: skip
        return one.released((decision,), (applied,))


class _Round:
    """One round of decisions in a city."""

    def __init__(self, settings: Settings, database: Database, as_of: datetime) -> None:
        self._settings, self._database, self._as_of = settings, database, as_of
        works = waterworks_of(settings)
        self.ground: Ground = ground_of(works.city)
        self._sites = works.sites
        self._stages_s: dict[str, float] = {}
        self._troubles: list[str] = []

    def site(self, site_id: str) -> Site:
        """Return one of the city's sites."""
        found = next((site for site in self._sites if site.id == site_id), None)
        if found is None:
            raise OrderNotFound(f"{self.ground.city.name} has no flood site {site_id!r}: look at /v1/flooding/sites")
        return found

    def run(self, only: Collection[str] | None, forecast: CityForecast | None) -> FloodRelease:
        """Decide, store, order, release."""
        city = self.ground.city.name
        sites = [site for site in self._sites if only is None or site.id in only]
        with self._stage("read"):
            settle_approvals(self._database, city, as_of=self._as_of)
            newest = forecast or FloodForecasts(ObjectStore(self._settings.objects_url), city).newest(
                self._as_of, not_older_than=_OLDEST_FORECAST
            )
        with self._stage("decide"):
            decisions = self._decided(sites, newest)
        applied: list[Applied] = []
        released: Released | None = None
        urgent = sorted(decisions, key=lambda one: _URGENCY[one.level])
        for at in range(0, len(urgent), _AT_ONCE):
            some = self._ordered(urgent[at : at + _AT_ONCE], sites, newest)
            released = self._roads(some) or released
            applied += some
        return self._drawn(decisions, applied, released)

    def _ordered(
        self, decisions: Sequence[Decision], sites: Sequence[Site], forecast: CityForecast | None
    ) -> tuple[Applied, ...]:
        with self._stage("order"):
            return apply_decisions(
                self._database,
                decisions,
                sites={site.id: site for site in sites},
                ground=self.ground,
                settings=self._settings,
                as_of=self._as_of,
                methods={one.site: _method(one, forecast) for one in decisions},
            )

    def released(self, decisions: Sequence[Decision], applied: Sequence[Applied]) -> FloodRelease:
        """Release the road records where any changed, then the map."""
        return self._drawn(decisions, applied, self._roads(applied))

    def _roads(self, applied: Sequence[Applied]) -> Released | None:
        """Release the road records, if any of these changed; say what is withheld."""
        self._troubles += [one.trouble for one in applied if one.trouble]
        if not any(one.changed for one in applied):
            return None
        released = None
        with self._stage("release"), self._tried():
            released = release(self._settings, database=self._database, as_of=self._as_of)
            self._troubles += [released.held_back] if released.held_back else []
            mine = {one.order_id for one in applied}
            for records in released.withheld:
                if records.order_id in mine:
                    found = errors_in(records.findings)
                    self._troubles.append(f"order {records.order_id} is withheld: {found[0] if found else 'no reason'}")
        return released

    def _drawn(
        self, decisions: Sequence[Decision], applied: Sequence[Applied], released: Released | None
    ) -> FloodRelease:
        map_release = None
        if self._is_due(decisions, applied):
            with self._stage("map"), self._tried():
                map_release = release_map(self._settings, database=self._database, as_of=self._as_of, sites=self._sites)
                _last_drawn[self._settings.objects_url] = self._as_of
        return FloodRelease(
            decisions=tuple(decisions),
            applied=tuple(applied),
            released=released,
            map_release=map_release,
            troubles=tuple(self._troubles),
            stages_s=dict(self._stages_s),
        )

    def _is_due(self, decisions: Sequence[Decision], applied: Sequence[Applied]) -> bool:
        """Tell whether the map is worth a release: a level or an order has changed, or the last was a while ago.

        A city's gauges tell something every second, and each release of the map is kept for ever.
        """
        last = _last_drawn.get(self._settings.objects_url)
        every = timedelta(seconds=self._settings.flooding.map_every_s)
        changed = any(one.since == one.decided_at for one in decisions if one.level is not Level.CLEAR)
        return changed or any(one.changed for one in applied) or last is None or not last <= self._as_of < last + every

    def _decided(self, sites: Sequence[Site], forecast: CityForecast | None) -> tuple[Decision, ...]:
        """Decide for each site on all that is known of it, and keep the decisions in the same transaction."""
        decider = Decider(rule_of(self._settings))
        with self._database.transaction() as connection:
            log = FloodDecisions(connection, self.ground.city.name)
            water = Water(connection, self.ground.city.name)
            before = log.latest()
            since = min((self._since(decider, before.get(site.id)) for site in sites), default=self._as_of)
            sensors = {sensor for site in sites for sensor in site.sensors}
            readings = water.readings(sensors, since=since, known_at=self._as_of) if sensors else {}
            reports = water.reports(since=since, known_at=self._as_of)
            made = [
                decider.decide(
                    site,
                    before.get(site.id),
                    [reading for sensor in site.sensors for reading in readings.get(sensor, ())],
                    forecast,
                    self._as_of,
                    [report for report in reports if report.site == site.id],
                )
                for site in sites
            ]
            log.add(one for one in made if _is_worth_keeping(one, before.get(one.site)))
        return tuple(made)

    def _since(self, decider: Decider, before: Decision | None) -> datetime:
        """Return from when on readings bear on the next decision: since the episode began, three days at most."""
        rule = decider.rule
        least = self._as_of - timedelta(seconds=max(rule.silence_s, 2 * rule.clears_after_s, rule.hold_s) + 3600.0)
        if before is None or not before.episode:
            return least
        return max(min(least, before.since - timedelta(hours=1)), self._as_of - _LONGEST_EPISODE)

    @contextmanager
    def _tried(self) -> Iterator[None]:
        """Go on where a release fails, and say so: the other one is not held up."""
        try:
            yield
        except TrafficFeedError as trouble:
            self._troubles.append(str(trouble))

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages_s[name] = self._stages_s.get(name, 0.0) + time.perf_counter() - began


def _is_worth_keeping(decision: Decision, before: Decision | None) -> bool:
    """Leave out that a dry road stays open: nothing was decided, and it would be a row a site every minute."""
    return before is None or not (decision.level is before.level is Level.CLEAR)


def _method(decision: Decision, forecast: CityForecast | None) -> str:
    if decision.basis is Basis.FORECAST and forecast is not None and decision.site in forecast.sites:
        return forecast.method[forecast.row(decision.site)].value
    return _METHODS.get(decision.basis, decision.basis.value)
