"""Orders in files: read together, so that all that is wrong is said at once, and checked against each other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.errors import OrderInvalid, SourceUnavailable
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.pipeline.assessment import Assessment, assess
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What the checks say of one file; `assessment` is None where it could not be read as an order."""

    file: Path
    findings: tuple[Finding, ...]
    assessment: Assessment | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing found is an error."""
        return not errors_in(self.findings)

    def as_document(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "file": str(self.file),
            "order": self.assessment.order.id if self.assessment else None,
            "sound": self.sound,
            "findings": [asdict(finding) for finding in self.findings],
            "measures": _measures(self.assessment) if self.assessment else [],
        }

    def as_text(self) -> str:
        """Return the report for a terminal."""
        name = self.assessment.order.id if self.assessment else self.file.name
        lines = [f"{'ok  ' if self.sound else 'FAIL'} {name}"]
        for places in self.assessment.resolved if self.assessment else ():
            streets = {(s.street or "unnamed road", s.compass) for s in places.sections}
            lines.append(f"     {places.measure_id}: " + ", ".join(f"{s} {c}" for s, c in sorted(streets)))
        return "\n".join([*lines, *(f"     {finding}" for finding in self.findings)])


def check_files(files: Sequence[Path], *, city: str, settings: Settings, as_of: datetime) -> list[FileReport]:
    """Check order files on the city's graph, each against all others given, in the order given.

    Parameters
    ----------
    city
        Name or folder; empty: the one that the first readable order names.
    as_of
        Aware: now, as the checks see it.

    Raises
    ------
    SourceUnavailable
        If a file or the city is not there.
    """
    read = [_read(path) for path in files]
    ground = ground_for(city, [one for one in read if isinstance(one, Order)], settings)
    known: list[Assessment] = []
    reports = []
    for path, one in zip(files, read, strict=True):
        if not isinstance(one, Order):
            reports.append(FileReport(file=path, findings=one))
            continue
        assessment = assess(one, ground, others=known, as_of=as_of, horizon=timedelta(days=settings.planning_days))
        known.append(assessment)
        reports.append(FileReport(file=path, findings=assessment.findings, assessment=assessment))
    return reports


def ground_for(city: str, orders: Sequence[Order], settings: Settings) -> Ground:
    """Return the ground of the named city, or of the city that the first order names, or of the configured one."""
    name = city or (orders[0].city if orders else settings.city)
    return ground_of(find_city(name, settings.cities_dir))


def _measures(assessment: Assessment) -> list[dict[str, Any]]:
    return [
        {
            "id": places.measure_id,
            "windows": len(assessment.occurrences.get(places.measure_id, ())),
            "sections": [
                {
                    "street": section.street,
                    "from": section.from_street,
                    "to": section.to_street,
                    "direction": section.compass,
                    "confidence": round(section.confidence, 3),
                }
                for section in places.sections
            ],
        }
        for places in assessment.resolved
    ]


def _read(path: Path) -> Order | tuple[Finding, ...]:
    try:
        return parse_order(path.read_bytes(), name=path.name)
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror}; give the path of an order file") from error
    except OrderInvalid as refusal:
        if refusal.findings:
            return refusal.findings
        return (Finding(rule="order.document", severity=Severity.ERROR, message=str(refusal), where=path.name),)
