"""The way in for all water data: the raw kept, parsed, judged by the stored history, stored; what is new is told.

One bad row loses no good one. What comes twice, late or out of order does no harm.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import numpy as np
from sqlalchemy import Connection

from trafficfeed.errors import SourceMalformed
from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, Stand
from trafficfeed.flooding.ingest.reading import read_payload
from trafficfeed.flooding.observations import Quality, RainForecast, RainReading, Reading, Report, TidePrediction
from trafficfeed.flooding.quality import judge
from trafficfeed.pipeline.flood_sources import Waterworks, waterworks_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water

_HISTORY: Final = timedelta(hours=24)
_AT_ONCE: Final = 5000
_SAME_FORECAST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a payload brought that was not known.

    `readings` are those that are new, corrected, or judged anew, with their quality; `duplicates` counts the facts that
    were known. `raw` is the sha256 of the payload: `raw_payload` gives it back.
    """

    source: str
    received_at: datetime
    raw: str
    readings: tuple[Reading, ...] = ()
    rain: tuple[RainReading, ...] = ()
    reports: tuple[Report, ...] = ()
    forecasts: tuple[RainForecast, ...] = ()
    tides: tuple[TidePrediction, ...] = ()
    findings: tuple[Finding, ...] = ()
    duplicates: int = 0

    @property
    def has_news(self) -> bool:
        """Whether there is anything to decide on anew."""
        return bool(self.readings or self.rain or self.reports or self.forecasts or self.tides)


Then = Callable[[Intake], None]


def take(
    settings: Settings,
    database: Database,
    source_id: str,
    payload: bytes,
    received_at: datetime,
    *,
    topic: str = "",
    by_police: bool = False,
    then: Then | None = None,
) -> Intake:
    """Take a payload in.

    Parameters
    ----------
    source_id
        As the city's ``flooding/sources.toml`` declares it; ``posted``, ``officers`` and ``citizens`` are always there.
    received_at
        Aware.
    topic
        Of MQTT, or the file's name.
    by_police
        Whether an officer sent it.
    then
        Called with what is new once it is stored, if anything is.

    Raises
    ------
    SourceMalformed
        If it cannot be read at all; nothing but the raw bytes is kept then.
    OrderNotFound
        If there is no such source.
    SourceUnavailable
        If the database or the object store cannot be used.
    """
    works, objects = waterworks_of(settings), ObjectStore(settings.objects_url)
    source = works.source(source_id)
    digest = sha256(payload).hexdigest()
    objects.create(_raw_path(works.city.name, digest), payload)
    parcel = Payload(
        source=source, data=payload, received_at=received_at.astimezone(UTC), raw=digest, topic=topic, sites=works.sites
    )
    counts = source.kind == "rain" and source.rain == "cumulative"
    parsed = Parsed() if counts else read_payload(parcel, by_police=by_police)
    with database.transaction() as connection:
        Water(connection, works.city.name).lock()
        if counts:  # what a counter stood at must not change before this is stored
            stands = _Stands(objects, works.city.name, source.id)
            parsed = read_payload(replace(parcel, stands=stands.read()))
            if parsed.stands:
                stands.write(parsed)
        intake = _stored(connection, works, parcel, parsed)
    for lot in _lots(parsed.readings)[1:]:
        with database.transaction() as connection:
            water = Water(connection, works.city.name)
            water.lock()
            readings, findings, repeated = _readings_stored(water, works, parcel, lot)
        intake = replace(
            intake,
            readings=(*intake.readings, *readings),
            findings=(*intake.findings, *findings),
            duplicates=intake.duplicates + repeated,
        )
    if parsed.tides:
        objects.write(_tide_path(works.city.name, source.id), digest.encode())
    if then is not None and intake.has_news:
        then(intake)
    return intake


def raw_payload(settings: Settings, digest: str) -> bytes | None:
    """Return the bytes that readings with this `raw` came from; None where they are not kept."""
    return ObjectStore(settings.objects_url).read(_raw_path(waterworks_of(settings).city.name, digest))


def tides_taken(settings: Settings) -> tuple[TidePrediction, ...]:
    """Return the newest tide prediction of each source that gave one; raises as `take`."""
    works, objects = waterworks_of(settings), ObjectStore(settings.objects_url)
    found: list[TidePrediction] = []
    for source in works.sources.values():
        digest = objects.read(_tide_path(works.city.name, source.id)) if source.kind == "tide" else None
        data = objects.read(_raw_path(works.city.name, digest.decode())) if digest else None
        if data is not None:
            epoch = datetime.fromtimestamp(0, UTC)  # tides do not depend on when they came
            found += read_payload(Payload(source=source, data=data, received_at=epoch)).tides
    return tuple(found)


def _stored(connection: Connection, works: Waterworks, parcel: Payload, parsed: Parsed) -> Intake:
    water, rain = Water(connection, works.city.name), Rain(connection, works.city.name)
    readings, findings, repeated = _readings_stored(water, works, parcel, next(iter(_lots(parsed.readings)), ()))
    caught = rain.add_readings(parsed.rain)
    reports = water.add_reports(parsed.reports)
    forecasts = _forecasts_stored(rain, parcel, parsed.forecasts)
    known = len(parsed.rain) - len(caught) + len(parsed.reports) - len(reports)
    return Intake(
        source=parcel.source.id,
        received_at=parcel.received_at,
        raw=parcel.raw,
        readings=readings,
        rain=caught,
        reports=reports,
        forecasts=forecasts,
        tides=tuple(parsed.tides),
        findings=(*parsed.findings, *findings),
        duplicates=repeated + known + len(parsed.forecasts) - len(forecasts),
    )


def _readings_stored(
    water: Water, works: Waterworks, parcel: Payload, told: Sequence[Reading]
) -> tuple[tuple[Reading, ...], list[Finding], int]:
    """Judge and store what was not told before; return that, what is to be said, and how many were known."""
    known = water.known(one.id for one in told)
    depths = {id: {one.depth_m for one in versions} for id, versions in known.items()}
    fresh: dict[str, Reading] = {}
    overruled: list[Reading] = []
    for one in told:
        if one.depth_m in depths.setdefault(one.id, set()):
            continue
        depths[one.id].add(one.depth_m)
        if one.id in fresh:
            overruled.append(replace(fresh[one.id], why="the same payload tells another value of the same instant"))
        fresh[one.id] = one
    if not fresh:
        return (), [], len(told)
    beside = works.beside()
    sensors = {one.sensor for one in fresh.values()}
    involved = sensors | {other for one in sensors for other in beside.get(one, ())}
    since, until = _span(list(fresh.values()), parcel.received_at)
    judged = judge(
        list(fresh.values()),
        water.readings(involved, since=since, until=until),
        received_at=parcel.received_at,
        beside=beside,
        late_s=parcel.source.late_s,
    )
    stored = water.add([*overruled, *judged.readings, *judged.again])
    findings = [*_twice(overruled), *judged.findings]
    return stored, findings, len(told) - len(fresh) - len(overruled)


def _lots(readings: Sequence[Reading]) -> list[Sequence[Reading]]:
    """Return readings in lots that one transaction takes: whoever else writes must not wait for a year of back-fill."""
    if len(readings) > _AT_ONCE:
        readings = sorted(
            readings, key=lambda one: (one.sensor, one.observed_at)
        )  # stable: of one instant the last is last
    return [readings[at : at + _AT_ONCE] for at in range(0, len(readings), _AT_ONCE)]


def _span(fresh: Sequence[Reading], received_at: datetime) -> tuple[datetime, datetime]:
    """Return the stretch of history that bears on readings; a clock that was never set does not widen it."""
    usable = [one.observed_at for one in fresh if one.quality is not Quality.TIME and one.observed_at.year >= 2000]
    first, last = min(usable, default=received_at), max(usable, default=received_at)
    return first - _HISTORY, last + timedelta(hours=1)


def _twice(overruled: Sequence[Reading]) -> list[Finding]:
    return [
        Finding(
            rule="reading.twice",
            severity=Severity.WARNING,
            message=f"{one.depth_m:.3f} m at {one.observed_at:%Y-%m-%d %H:%M:%S} UTC, and another: the later holds",
            where=one.sensor,
        )
        for one in overruled
    ]


def _forecasts_stored(rain: Rain, parcel: Payload, told: Sequence[RainForecast]) -> tuple[RainForecast, ...]:
    """Store forecasts; one that says what the newest of its source and place said within the hour is known."""
    if not told:
        return ()
    as_of = parcel.received_at
    newest = {
        (one.source, one.lon, one.lat): one
        for one in rain.newest_forecasts(as_of, since=as_of - _SAME_FORECAST, sources={one.source for one in told})
    }
    new = [one for one in told if not _says_the_same(newest.get((one.source, one.lon, one.lat)), one)]
    return rain.add_forecasts(new, received_at=as_of, raw=parcel.raw)


def _says_the_same(before: RainForecast | None, now: RainForecast) -> bool:
    return (
        before is not None
        and np.array_equal(before.starts, now.starts)
        and np.array_equal(before.rain_mm, now.rain_mm, equal_nan=True)
    )


class _Stands:
    """Where the rain counters of a source stood last, in the object store."""

    def __init__(self, objects: ObjectStore, city: str, source: str) -> None:
        self._objects = objects
        self._path = f"flooding/{city}/counters/{source}.json"

    def read(self) -> dict[str, Stand]:
        """Return when each stood where."""
        try:
            document = json.loads(self._objects.read(self._path) or b"{}")
            return {gauge: (datetime.fromisoformat(at), float(mm)) for gauge, (at, mm) in document.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise SourceMalformed(
                f"{self._objects.address(self._path)} is damaged ({error}): remove it, one interval is lost"
            ) from error

    def write(self, parsed: Parsed) -> None:
        """Keep where they stand now."""
        document = {gauge: (at.isoformat(), mm) for gauge, (at, mm) in sorted(parsed.stands.items())}
        self._objects.write(self._path, json.dumps(document).encode())


def _raw_path(city: str, digest: str) -> str:
    return f"flooding/{city}/raw/{digest[:2]}/{digest}"


def _tide_path(city: str, source: str) -> str:
    return f"flooding/{city}/tides/{source}"
