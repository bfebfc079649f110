"""Sources, payloads and gauges for tests of the intake."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trafficfeed.flooding.ingest.parsed import Parsed, Payload
from trafficfeed.flooding.ingest.reading import read_payload
from trafficfeed.flooding.ingest.sources import WaterSource
from trafficfeed.flooding.observations import Reading
from trafficfeed.flooding.sites import Site, SiteSource

NOW = datetime(2026, 7, 14, 16, 10, tzinfo=UTC)


def made_source(**changes: Any) -> WaterSource:
    return WaterSource.model_validate({"id": "gauges", "kind": "levels", "adapter": "csv", "unit": "cm"} | changes)


def read(data: str | bytes, *, at: datetime = NOW, topic: str = "", sites: Any = (), **source: Any) -> Parsed:
    """Return what an adapter makes of bytes."""
    whole = data.encode() if isinstance(data, str) else data
    made = made_source(**source)
    return read_payload(Payload(source=made, data=whole, received_at=at, raw="abc", topic=topic, sites=sites))


def rules(parsed: Parsed) -> list[str]:
    return [one.rule for one in parsed.findings]


def made_site(id: str = "underpass", lon: float = 24.95, lat: float = 60.17, **changes: Any) -> Site:
    return Site(id=id, name="", lon=lon, lat=lat, source=SiteSource.LIST, **changes)


def gauge(depths_cm: list[float], *, sensor: str = "a", every_s: float = 60, start: datetime = NOW) -> list[Reading]:
    """Return what a gauge tells, each received 5 s after."""
    times = [start + timedelta(seconds=every_s * number) for number in range(len(depths_cm))]
    return [
        Reading(
            id=f"{sensor}@{at:%Y%m%dT%H%M%SZ}",
            sensor=sensor,
            observed_at=at,
            received_at=at + timedelta(seconds=5),
            depth_m=depth / 100,
        )
        for at, depth in zip(times, depths_cm, strict=True)
    ]
