"""What an adapter makes of a payload: facts, and findings where a row is no fact; and what it may know for that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.ingest.sources import WaterSource
from trafficfeed.flooding.observations import RainForecast, RainReading, Reading, Report, TidePrediction
from trafficfeed.flooding.sites import Site

LONGEST_ID: Final = 150
"""Characters of a sensor's name."""
Stand = tuple[datetime, float]
"""When a rain counter stood where, aware UTC and mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Bytes of a source, and what came with them.

    `topic`: of MQTT, or the file's name. `raw` names the kept bytes. `sites` are those of the city: where grids are
    read at, and where reports belong to. `stands` are where the counters of its gauges stood last, by our id.
    """

    source: WaterSource
    data: bytes
    received_at: datetime
    raw: str = ""
    topic: str = ""
    sites: Sequence[Site] = ()
    stands: Mapping[str, Stand] = field(default_factory=dict)

    def malformed(self, what: str, mend: str) -> SourceMalformed:
        """Return the error for a payload that cannot be read at all."""
        place = f" ({self.topic})" if self.topic else ""
        return SourceMalformed(f"the payload of {self.source.id!r}{place} {what}: {mend}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a payload holds."""

    readings: Sequence[Reading] = ()
    rain: Sequence[RainReading] = ()
    reports: Sequence[Report] = ()
    forecasts: Sequence[RainForecast] = ()
    tides: Sequence[TidePrediction] = ()
    stands: Mapping[str, Stand] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reading as it is written: `where` in the payload, and `unit` as the payload itself says it, if it does."""

    where: str
    sensor: str
    time: object
    value: object
    unit: str = ""
    start: object = None


def refused(rule: str, where: str, message: str, mend: str = "", **detail: Any) -> Finding:
    """Return the finding of a row that is left out."""
    return Finding(rule=rule, severity=Severity.ERROR, message=message, where=where, mend=mend, detail=detail)


def noted(rule: str, where: str, message: str, mend: str = "", **detail: Any) -> Finding:
    """Return the finding of something that a person should look at."""
    return Finding(rule=rule, severity=Severity.WARNING, message=message, where=where, mend=mend, detail=detail)


def told(rule: str, where: str, message: str) -> Finding:
    """Return the finding of something that is worth knowing."""
    return Finding(rule=rule, severity=Severity.INFO, message=message, where=where)


def by_sensor(rows: Iterable[Row]) -> tuple[dict[str, list[Row]], list[Finding]]:
    """Return the rows of each sensor in the order of the payload, and what has no name of a sensor."""
    found: dict[str, list[Row]] = {}
    findings = []
    for row in rows:
        if row.sensor and row.sensor.isprintable() and len(row.sensor) <= LONGEST_ID:
            found.setdefault(row.sensor, []).append(row)
        else:
            findings.append(refused("sensor.unread", row.where, f"{row.sensor[:40]!r} is no name of a sensor"))
    return found, findings
