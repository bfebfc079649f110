"""Rain in the database: what gauges caught, and what was forecast, each issue as it was known."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, func, insert, select

from trafficfeed.flooding.observations import Quality, RainForecast, RainReading
from trafficfeed.store.tables import rain_forecasts, rain_readings
from trafficfeed.store.water import in_lots

_PLACE: Final = (rain_forecasts.c.source, rain_forecasts.c.lon, rain_forecasts.c.lat)


class Rain:
    """What is known of the rain over a city, on one transaction; call `Water.lock` before adding."""

    def __init__(self, connection: Connection, city: str) -> None:
        self._connection = connection
        self._city = city

    def add_readings(self, readings: Sequence[RainReading]) -> tuple[RainReading, ...]:
        """Keep what gauges caught, and return what was not there; corrections as in `Water.add`."""
        known = self._known({reading.id for reading in readings})
        new: list[RainReading] = []
        for reading in readings:
            versions = known.setdefault(reading.id, [])
            if (reading.rain_mm, reading.quality) in versions:
                continue
            new.append(replace(reading, revision=len(versions)))
            versions.append((reading.rain_mm, reading.quality))
        if new:
            self._connection.execute(insert(rain_readings), [asdict(one) | {"city": self._city} for one in new])
        return tuple(new)

    def _known(self, ids: set[str]) -> dict[str, list[tuple[float, Quality]]]:
        found: dict[str, list[tuple[float, Quality]]] = {}
        for some in in_lots(ids):
            query = select(rain_readings).where(rain_readings.c.city == self._city, rain_readings.c.id.in_(some))
            for row in self._connection.execute(query.order_by(rain_readings.c.revision)):
                found.setdefault(row.id, []).append((row.rain_mm, Quality(row.quality)))
        return found

    def readings(
        self, *, since: datetime, until: datetime | None = None, known_at: datetime | None = None
    ) -> tuple[RainReading, ...]:
        """Return what was caught by gauges in intervals that end in ``(since, until]``, by gauge, oldest first.

        `known_at` leaves out what was received later: as it looked then.
        """
        query = select(rain_readings).where(rain_readings.c.city == self._city, rain_readings.c.end > since)
        if until is not None:
            query = query.where(rain_readings.c.end <= until)
        if known_at is not None:
            query = query.where(rain_readings.c.received_at <= known_at)
        query = query.order_by(rain_readings.c.gauge, rain_readings.c.end, rain_readings.c.revision)
        latest = {row.id: _reading(row) for row in self._connection.execute(query)}
        return tuple(latest.values())

    def add_forecasts(
        self, forecasts: Sequence[RainForecast], *, received_at: datetime, raw: str = ""
    ) -> tuple[RainForecast, ...]:
        """Keep issues of forecasts, and return those that say something new.

        An issue that comes again with other figures (more members, say) is kept as its next revision, and holds.
        """
        new = []
        for forecast in forecasts:
            arrays = _packed(forecast)
            digest = sha256(arrays).hexdigest()
            revision, last_digest = self._newest_revision(forecast)
            if last_digest == digest:
                continue
            self._connection.execute(
                insert(rain_forecasts).values(
                    city=self._city,
                    source=forecast.source,
                    issued_at=forecast.issued_at,
                    lon=forecast.lon,
                    lat=forecast.lat,
                    revision=revision + 1,
                    step_s=forecast.step_s,
                    members=len(forecast.rain_mm),
                    arrays=arrays,
                    sha256=digest,
                    received_at=received_at,
                    raw=raw,
                )
            )
            new.append(forecast)
        return tuple(new)

    def _newest_revision(self, forecast: RainForecast) -> tuple[int, str]:
        place = {"source": forecast.source, "issued_at": forecast.issued_at, "lon": forecast.lon, "lat": forecast.lat}
        query = select(rain_forecasts.c.revision, rain_forecasts.c.sha256).filter_by(city=self._city, **place)
        row = self._connection.execute(query.order_by(rain_forecasts.c.revision.desc()).limit(1)).first()
        return (-1, "") if row is None else (row.revision, row.sha256)

    def newest_forecasts(
        self, as_of: datetime, *, since: datetime | None = None, sources: Collection[str] | None = None
    ) -> tuple[RainForecast, ...]:
        """Return the newest issue of each source at each place that was known at an instant (aware), by source.

        Issues from before `since` are left out.
        """
        query = select(*_PLACE, func.max(rain_forecasts.c.issued_at).label("issued_at")).where(
            rain_forecasts.c.city == self._city,
            rain_forecasts.c.issued_at <= as_of,
            rain_forecasts.c.received_at <= as_of,
        )
        if since is not None:
            query = query.where(rain_forecasts.c.issued_at >= since)
        if sources is not None:
            query = query.where(rain_forecasts.c.source.in_(list(sources)))
        newest = query.group_by(*_PLACE).subquery()
        same = [rain_forecasts.c[name] == newest.c[name] for name in ("source", "lon", "lat", "issued_at")]
        rows = self._connection.execute(
            select(rain_forecasts)
            .join(newest, same[0] & same[1] & same[2] & same[3])
            .where(rain_forecasts.c.city == self._city, rain_forecasts.c.received_at <= as_of)
            .order_by(*_PLACE, rain_forecasts.c.revision)
        )
        return tuple({(row.source, row.lon, row.lat): _forecast(row) for row in rows}.values())

    def issues(self, *, since: datetime, known_at: datetime) -> tuple[RainForecast, ...]:
        """Return all issues from `since` on that were known at an instant (aware), each at its latest revision."""
        query = select(rain_forecasts).where(
            rain_forecasts.c.city == self._city,
            rain_forecasts.c.issued_at >= since,
            rain_forecasts.c.received_at <= known_at,
        )
        rows = self._connection.execute(query.order_by(rain_forecasts.c.issued_at, *_PLACE, rain_forecasts.c.revision))
        return tuple({(row.issued_at, row.source, row.lon, row.lat): _forecast(row) for row in rows}.values())


def _reading(row: Row[Any]) -> RainReading:
    values = row._asdict()
    del values["row"], values["city"]
    return RainReading(**values | {"quality": Quality(row.quality)})


def _packed(forecast: RainForecast) -> bytes:
    return zlib.compress(np.vstack([forecast.starts, forecast.rain_mm]).astype("<f8").tobytes(), 6)


def _forecast(row: Row[Any]) -> RainForecast:
    values = np.frombuffer(zlib.decompress(row.arrays), dtype="<f8").reshape(row.members + 1, -1).astype(np.float64)
    return RainForecast(
        source=row.source,
        issued_at=row.issued_at,
        lon=row.lon,
        lat=row.lat,
        starts=values[0],
        step_s=row.step_s,
        rain_mm=values[1:],
    )
