"""A feed from files, with no server running: check, simulate, certify, write; and a certificate run again."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant, OrderInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.pipeline.assessment import Assessment
from trafficfeed.pipeline.draft_checks import Inspection, in_order
from trafficfeed.pipeline.event_drafts import event_drafts
from trafficfeed.pipeline.order_files import FileReport, check_files, ground_for
from trafficfeed.pipeline.records import OrderRecords, events_of, within_horizon
from trafficfeed.pipeline.simulating import certify, question_of, report_files
from trafficfeed.pipeline.transit import Transit
from trafficfeed.pipeline.variants import variants_of
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.progress import Progress, silent
from trafficfeed.publishing.partners import load_partners
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate, Verdict, as_document, from_document
from trafficfeed.simulation.rerun import rerun as run_again


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build came to: the checked files, each sound order's certificate, and the records written."""

    out: Path
    reports: tuple[FileReport, ...]
    certificates: Mapping[str, Certificate]
    records: tuple[OrderRecords, ...]

    @property
    def refused(self) -> tuple[FileReport, ...]:
        """The files with errors; nothing of them is in the feeds."""
        return tuple(report for report in self.reports if not report.sound)

    def as_text(self) -> str:
        """Return the outcome for a terminal."""
        lines = [report.as_text() for report in self.refused]
        published = {records.order_id: len(records.events) for records in self.records}
        for order_id, certificate in self.certificates.items():
            count = published.get(order_id, 0)
            what = f"{count} records" if order_id in published else "withheld"
            lines.append(f"{certificate.verdict.value:12} {order_id}: {what} (certificate {certificate.id})")
            lines += [
                f"             {r.gate}: {r.measured}, {r.threshold}" for r in certificate.reasons if not r.passed
            ]
        return "\n".join([*lines, f"written to {self.out}"])


def build(
    files: Sequence[Path], *, city: str, out: Path, settings: Settings, as_of: datetime, progress: Progress = silent
) -> Built:
    """Build the closures feed from order files into the folder `out`.

    Writes every format (``closures.geojson``, ``wzdx.geojson``, …), ``certificate.json`` (all certificates, by order)
    and ``report/<order>/report.html``. Each order is simulated beside those before it that passed. Orders whose
    verdict is not *publish* have a certificate and no records. Files that are there already are replaced one by one,
    each whole, and only when all has gone well.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If a file or the city cannot be used.
    FeedNonConformant
        If the documents break a rule; nothing is written.
    """
    reports = tuple(check_files(files, city=city, settings=settings, as_of=as_of))
    sound = [report.assessment for report in reports if report.sound and report.assessment]
    _refuse_repeated(sound)
    ground = ground_for(city, [one.order for one in sound], settings)
    certificates: dict[str, Certificate] = {}
    records: list[OrderRecords] = []
    accepted: list[Assessment] = []
    with tempfile.TemporaryDirectory(prefix="build-") as draft:
        for assessment in sound:
            order_id = assessment.order.id
            question = question_of(assessment, ground, others=accepted, version=1, settings=settings)
            certificate = certify(
                question, ground, settings=settings, as_of=as_of, progress=_of_order(progress, order_id)
            )
            certificates[order_id] = certificate
            _write(Path(draft) / "report" / order_id, report_files(certificate, ground, settings=settings))
            if certificate.verdict is Verdict.PUBLISH:
                accepted.append(assessment)
                records.append(_records(assessment, certificate, ground, settings, as_of))
        _write(Path(draft), _documents(records, certificates, ground, settings, as_of))
        _move(Path(draft), out)
    return Built(out=out, reports=reports, certificates=certificates, records=tuple(records))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A certificate run again, and what differs besides the time of issue."""

    certificate: Certificate
    differences: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether the same numbers came out."""
        return not self.differences

    def as_text(self) -> str:
        """Return the outcome for a terminal."""
        if self.identical:
            return f"identical    {self.certificate.id}: {self.certificate.verdict.value}"
        return "\n".join(
            [f"DIFFERS      {self.certificate.id}", *(f"             {line}" for line in self.differences)]
        )


def rerun(file: Path, *, city: str, settings: Settings, as_of: datetime, progress: Progress = silent) -> list[Rerun]:
    """Run the certificates in `file` again, from nothing that is cached.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the file or the city cannot be read.
    """
    outcomes = []
    for certificate in read_certificates(file):
        ground = ground_of(find_city(city or certificate.inputs["city"]["name"], settings.cities_dir))
        again, differences = run_again(
            certificate, ground.city, graph=ground.graph, settings=settings, as_of=as_of, progress=progress
        )
        outcomes.append(Rerun(certificate=again, differences=tuple(differences)))
    return outcomes


def read_certificates(file: Path) -> tuple[Certificate, ...]:
    """Return the certificates in a file: one, or those of a build.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If it cannot be read, or holds no certificate.
    """
    try:
        document: Any = json.loads(file.read_bytes())
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SourceMalformed(f"{file} is not JSON: {error}") from error
    many = document.get("certificates") if isinstance(document, dict) else None
    return tuple(from_document(one) for one in (many if isinstance(many, list) else [document]))


def _records(
    assessment: Assessment, certificate: Certificate, ground: Ground, settings: Settings, as_of: datetime
) -> OrderRecords:
    shown = within_horizon(assessment, as_of=as_of, settings=settings)
    events = events_of(
        shown, ground=ground, settings=settings, certificate=certificate, version=1, created=as_of, updated=as_of
    )
    return OrderRecords(order_id=assessment.order.id, version=1, certificate_id=certificate.id, events=events)


def _documents(
    records: Sequence[OrderRecords],
    certificates: Mapping[str, Certificate],
    ground: Ground,
    settings: Settings,
    as_of: datetime,
) -> dict[str, bytes]:
    stated = {"certificates": [as_document(certificate) for certificate in certificates.values()]}
    written = {"certificate.json": (json.dumps(stated, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()}
    variants = variants_of(ground, settings, load_partners(ground.city))
    transit = Transit(ground)
    transit.refresh()
    by_order: dict[str, list[RoadEvent]] = {one.order_id: [] for one in records}
    for event in transit.on([event for one in records for event in one.events]):
        by_order[event.order_id].append(event)
    drafts = {order_id: event_drafts(events, variants, known={}) for order_id, events in by_order.items()}
    for variant in variants:
        fragments = {
            key: [f for event in events for f in event.fragments[variant.name]] for key, events in drafts.items()
        }
        inspection = Inspection(variant=variant, graph=ground.graph, as_of=as_of)
        for order_id, errors in inspection.errors_by_order(fragments).items():
            raise FeedNonConformant(
                f"{variant.name} of {order_id} breaks a rule; nothing is written: {errors[0]}", errors
            )
        data = variant.standard.assemble(in_order(fragments.values()), as_of, variant.info)
        written |= dict.fromkeys(variant.files, data)
    return written


def _refuse_repeated(sound: Sequence[Assessment]) -> None:
    seen: set[str] = set()
    for one in sound:
        if one.order.id in seen:
            raise OrderInvalid(f"two files hold the order {one.order.id!r}: give one of them another id")
        seen.add(one.order.id)


def _of_order(progress: Progress, order_id: str) -> Progress:
    return lambda what, done, total: progress(f"{order_id}: {what}", done, total)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _move(draft: Path, out: Path) -> None:
    """Move the draft into place: reports first, the feeds last, each file whole."""
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(
        (p for p in draft.rglob("*") if p.is_file()), key=lambda p: (p.relative_to(draft).parts[0] != "report", p)
    )
    for path in files:
        target = out / path.relative_to(draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.new")
        shutil.copyfile(path, beside)
        beside.replace(target)
