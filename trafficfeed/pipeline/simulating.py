"""An assessed order to its certificate: the question put to SUMO, the answer, the report."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trafficfeed.closures.document import order_hash
from trafficfeed.closures.effects import DemandClock, interventions_of, standing_interventions
from trafficfeed.network.city import City
from trafficfeed.pipeline.assessment import Assessment
from trafficfeed.pipeline.workspace import Ground, runs_folder
from trafficfeed.progress import Progress
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate
from trafficfeed.simulation.evaluate import Question, conclude, evidence_path
from trafficfeed.simulation.evidence import load_evidence
from trafficfeed.simulation.report.html import write_report
from trafficfeed.store.objects import ObjectStore


def question_of(
    assessment: Assessment, ground: Ground, *, others: Iterable[Assessment] = (), version: int, settings: Settings
) -> Question:
    """Return what is asked of SUMO for an order version; `others` are in force and stand as they do then."""
    order = assessment.order
    effects = interventions_of(
        order,
        assessment.resolved,
        assessment.occurrences,
        graph=ground.graph,
        clock=clock_of(ground.city, settings),
    )
    standing = {
        other.order.id: standing_interventions(
            other.order,
            other.resolved,
            other.occurrences,
            graph=ground.graph,
            seconds_of=effects.seconds_of,
            until_s=max(intervention.end_s for intervention in effects.interventions),
        )
        for other in others
        if effects.seconds_of is not None and effects.interventions and other.order.id != order.id
    }
    return Question(
        city=ground.city,
        interventions=effects.interventions,
        standing=[intervention for found in standing.values() for intervention in found],
        settings=settings,
        subject={
            "id": order.id,
            "version": version,
            "title": _title(order.title, ground.city.file.language),
            "sha256": order_hash(order),
            "assumption": effects.assumption,
            "beside": sorted(other for other, found in standing.items() if found),
        },
        informed_share=order.informed_share,
    )


def clock_of(city: City, settings: Settings) -> DemandClock:
    """Return the clock of the city's demand."""
    demand = city.file.demand
    return DemandClock(
        kind=demand.kind,
        begin_s=demand.begin_s,
        end_s=demand.end_s,
        warm_up_s=settings.simulation.warm_up_s,
        longest_s=settings.simulation.longest_s,
        departures_by_hour=demand.departures_by_hour,
    )


def certify(
    question: Question, ground: Ground, *, settings: Settings, as_of: datetime, progress: Progress | None = None
) -> Certificate:
    """Return the certificate: read the runs that are cached, drive those that are not.

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        If the city's files cannot be used.
    """
    return conclude(question, graph=ground.graph, runs=runs_folder(settings), as_of=as_of, progress=progress)


def report_files(certificate: Certificate, ground: Ground, *, settings: Settings) -> Mapping[str, bytes]:
    """Return the report of a certificate as files by name; ``report.html`` needs none of the others."""
    evidence = evidence_path(runs_folder(settings), certificate.id)
    with TemporaryDirectory(prefix="report-") as folder:
        write_report(certificate, load_evidence(evidence) if evidence.is_file() else None, ground.graph, Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def keep_report(certificate: Certificate, ground: Ground, objects: ObjectStore, *, settings: Settings) -> str:
    """Write the report into the object store and return its folder there."""
    folder = f"certificates/{certificate.id}"
    for name, data in report_files(certificate, ground, settings=settings).items():
        objects.write(f"{folder}/{name}", data)
    return folder


def _title(title: Mapping[str, str], language: str) -> Any:
    return title.get(language) or title.get("en") or next(iter(title.values()))
