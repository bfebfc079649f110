"""Water levels and reports in the database: each as it was told, corrections beside what they correct, for ever."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, text

from trafficfeed.flooding.observations import Quality, Reading, Report, ReportedDepth
from trafficfeed.store.tables import water_readings, water_reports

_AT_ONCE: Final = 400  # databases limit how many values one statement takes
_INTAKE_LOCK: Final = 0x666C_6F64  # any number that no other use of advisory locks has


class Water:
    """What is known of the water in a city, on one transaction."""

    def __init__(self, connection: Connection, city: str) -> None:
        self._connection = connection
        self._city = city

    def lock(self) -> None:
        """Let nobody else add until the transaction ends: what is judged rests on what was stored before it."""
        if self._connection.dialect.name == "postgresql":  # on SQLite writers wait for each other anyway
            query = text("SELECT pg_advisory_xact_lock(:key, hashtext(:city))")
            self._connection.execute(query, {"key": _INTAKE_LOCK, "city": self._city})

    def add(self, readings: Sequence[Reading]) -> tuple[Reading, ...]:
        """Keep readings, and return those that were not there, in the order given, with their revision.

        A reading whose depth and quality were told before, at any revision, is there. One of the same id that differs
        is kept beside it as its next revision. Call `lock` first.
        """
        known = {id: list(versions) for id, versions in self.known(reading.id for reading in readings).items()}
        new: list[Reading] = []
        for reading in readings:
            versions = known.setdefault(reading.id, [])
            if any((one.depth_m, one.quality) == (reading.depth_m, reading.quality) for one in versions):
                continue
            new.append(replace(reading, revision=len(versions)))
            versions.append(new[-1])
        if new:
            self._connection.execute(insert(water_readings), [asdict(one) | {"city": self._city} for one in new])
        return tuple(new)

    def known(self, ids: Iterable[str]) -> dict[str, tuple[Reading, ...]]:
        """Return all revisions of each of these ids that is there, oldest first."""
        found: dict[str, tuple[Reading, ...]] = {}
        for some in in_lots(ids):
            query = self._of_city().where(water_readings.c.id.in_(some)).order_by(water_readings.c.revision)
            for row in self._connection.execute(query):
                found[row.id] = (*found.get(row.id, ()), _reading(row))
        return found

    def readings(
        self,
        sensors: Collection[str] | None = None,
        *,
        since: datetime,
        until: datetime | None = None,
        known_at: datetime | None = None,
    ) -> dict[str, tuple[Reading, ...]]:
        """Return the readings observed in ``[since, until)`` by sensor, oldest first, each at its latest revision.

        Parameters
        ----------
        sensors
            Their ids; None: all that told anything.
        since, until
            Aware; no `until`: up to the newest.
        known_at
            Leaves out what was received later: as it looked then. None: as it looks now.
        """
        latest: dict[str, Reading] = {}
        for reading in self._between(sensors, since, until, known_at):
            latest[reading.id] = reading  # a later revision takes its predecessor's place
        found: dict[str, list[Reading]] = {}
        for reading in latest.values():
            found.setdefault(reading.sensor, []).append(reading)
        return {sensor: tuple(its) for sensor, its in found.items()}

    def _between(
        self, sensors: Collection[str] | None, since: datetime, until: datetime | None, known_at: datetime | None
    ) -> Iterator[Reading]:
        query = self._of_city().where(water_readings.c.observed_at >= since)
        if until is not None:
            query = query.where(water_readings.c.observed_at < until)
        if known_at is not None:
            query = query.where(water_readings.c.received_at <= known_at)
        query = query.order_by(water_readings.c.sensor, water_readings.c.observed_at, water_readings.c.revision)
        if sensors is None:
            yield from map(_reading, self._connection.execute(query))
            return
        for some in in_lots(sensors):
            yield from map(_reading, self._connection.execute(query.where(water_readings.c.sensor.in_(some))))

    def add_reports(self, reports: Sequence[Report]) -> tuple[Report, ...]:
        """Keep reports, and return those whose id was not there. Call `lock` first."""
        by_id = {report.id: report for report in reversed(reports)}
        there = {
            row.id
            for some in in_lots(by_id)
            for row in self._connection.execute(
                select(water_reports.c.id).where(water_reports.c.city == self._city, water_reports.c.id.in_(some))
            )
        }
        new = [report for id, report in reversed(by_id.items()) if id not in there]
        if new:
            self._connection.execute(insert(water_reports), [asdict(one) | {"city": self._city} for one in new])
        return tuple(new)

    def reports(
        self, *, since: datetime, until: datetime | None = None, known_at: datetime | None = None
    ) -> tuple[Report, ...]:
        """Return the reports of what was seen in ``[since, until)``, oldest first; `known_at` as for `readings`."""
        query = select(water_reports).where(water_reports.c.city == self._city, water_reports.c.observed_at >= since)
        if until is not None:
            query = query.where(water_reports.c.observed_at < until)
        if known_at is not None:
            query = query.where(water_reports.c.received_at <= known_at)
        rows = self._connection.execute(query.order_by(water_reports.c.observed_at, water_reports.c.row))
        return tuple(map(_report, rows))

    def _of_city(self) -> Any:
        return select(water_readings).where(water_readings.c.city == self._city)


def _reading(row: Row[Any]) -> Reading:
    values = row._asdict()
    del values["row"], values["city"]
    return Reading(**values | {"quality": Quality(row.quality)})


def _report(row: Row[Any]) -> Report:
    values = row._asdict()
    del values["row"], values["city"]
    return Report(**values | {"depth": ReportedDepth(row.depth)})


def in_lots(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield distinct values in lots that one statement takes, sorted."""
    rest = iter(sorted(set(values)))
    while lot := tuple(islice(rest, _AT_ONCE)):
        yield lot
