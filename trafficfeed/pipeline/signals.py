"""Signals step by step, as Airflow's tasks and the command line call them: ids in, plain values out; never per second.

Each step reads the settings, the clock and the store itself, and may run twice: a second time changes nothing.

    topology_step → gate_step → release_topology_step;   scorecard_step;   refit_step
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

from trafficfeed.errors import FeedNonConformant, SourceUnavailable
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.city import City
from trafficfeed.pipeline.released_topology import FEED, FILE_NAME, released_topology
from trafficfeed.pipeline.signal_gate import GateQuestion, gate_certificate, run_gate
from trafficfeed.pipeline.signal_refit import fit_threshold, keep_threshold
from trafficfeed.pipeline.signal_scorecards import release_scorecard
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings, settings
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_checks import check_topology
from trafficfeed.signals.topology_document import from_json, to_json
from trafficfeed.simulation.certificate import Certificate, Verdict, certificate_id
from trafficfeed.simulation.certificate import from_json as certificate_from
from trafficfeed.simulation.certificate import to_json as certificate_json
from trafficfeed.simulation.drive_scenario import DriveScenario, city_drive
from trafficfeed.store.objects import ObjectStore

_DRAFTS: Final = "signals/drafts"
_CERTIFICATES: Final = "signals/gate"
_SHOWN: Final = 20
_REFIT_ON: Final = timedelta(days=7)


def now() -> datetime:
    """Return the time, aware and in UTC: the one place where the steps read the clock."""
    return datetime.now(UTC)


def topology_step() -> dict[str, Any]:
    """Build the city's signal topology with its plans, check it, and keep it as a draft; return its version.

    `changed` is False where the released one is the same already.

    Raises
    ------
    FeedNonConformant
        If it has errors: nothing of it is released, and the released one is served on.
    SourceUnavailable, SourceMalformed
        If the city's network or demand cannot be read.
    """
    _, city, objects = _open()
    released = released_topology(objects)
    topology, _ = build_topology(
        ground_of(city).graph,
        city.net_path,
        additional_paths=city.additional_paths,
        city=city.name,
        previous=released,
    )
    findings = check_topology(topology)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise FeedNonConformant(f"the topology of {city.name} has {len(errors)} errors: {_some(errors)}")
    objects.write(_draft_path(topology.version), to_json(topology))
    return {
        "version": topology.version,
        "changed": released is None or released.version != topology.version,
        "intersections": len(topology.intersections),
        "groups": sum(len(one.groups) for one in topology.intersections.values()),
        "plans": sum(len(one.plans) for one in topology.intersections.values()),
        "findings": [str(finding) for finding in findings[:_SHOWN]],
    }


def gate_step(version: str) -> dict[str, Any]:
    """Drive the SUMO gate for a draft, or find the certificate of the same question; keep the certificate.

    Raises
    ------
    SimulationFailed
        If SUMO cannot finish a run.
    SourceUnavailable
        If the draft is not there.
    """
    configured, city, objects = _open()
    _draft(objects, version)
    question = GateQuestion(scenario=gate_scenario(city, configured), topology=version)
    kept = _kept(objects, certificate_id(question.inputs))
    if kept is None:
        with TemporaryDirectory(prefix="signal-gate-") as folder:
            report = run_gate(question, folder=Path(folder), workers=configured.simulation.workers)
        kept = gate_certificate(report, as_of=now())
        objects.write(_certificate_path(kept.id), certificate_json(kept).encode())
    return {
        "version": version,
        "certificate": kept.id,
        "verdict": kept.verdict.value,
        "reasons": [f"{reason.gate}: {reason.measured} (needed: {reason.threshold})" for reason in kept.reasons],
        "notes": list(kept.notes),
    }


def release_topology_step(gate: dict[str, Any]) -> dict[str, Any]:
    """Release a draft that the gate lets through; one that it does not is held, and what is released stays."""
    _, _, objects = _open()
    if gate["verdict"] != Verdict.PUBLISH.value:
        return {"released": False, "held": gate["reasons"]}
    topology = _draft(objects, gate["version"])
    document = Document(data=to_json(topology), media_type="application/json")
    facts = {
        "city": topology.city,
        "topology": topology.version,
        "certificate": gate["certificate"],
        "intersections": len(topology.intersections),
    }
    release = ReleaseStore(objects, FEED).publish_gathered(lambda: ({FILE_NAME: document}, facts), as_of=now())
    return {"released": True, "release": release.manifest.version, "number": release.manifest.number}


def scorecard_step() -> dict[str, Any]:
    """Release the scorecard of the last days, as of now."""
    configured, city, objects = _open()
    zone = ZoneInfo(city.file.timezone)
    simulated = configured.signals == "virtual"
    release = release_scorecard(objects, city=city.name, zone=zone, as_of=now(), simulated=simulated)
    return {"release": release.manifest.version, "number": release.manifest.number, **release.manifest.facts}


def refit_step() -> dict[str, Any]:
    """Set the countdown threshold anew on the log of the last days; live processes take it up within a minute."""
    configured, city, objects = _open()
    folder = configured.state_dir / "signals" / city.name
    until = now()
    with TemporaryDirectory(prefix="refit-") as copied:  # opening a log mends its end, which the live process writes
        if folder.is_dir():
            copytree(folder, copied, dirs_exist_ok=True)
        threshold = fit_threshold(EventLog(Path(copied)), since=until - _REFIT_ON, until=until)
    if threshold is None:
        return {"fitted": False, "why": f"too little is logged in {folder}"}
    keep_threshold(objects, threshold)
    return {"fitted": True, **asdict(threshold)}


def gate_certificates(objects: ObjectStore) -> list[Certificate]:
    """Return the certificates of the gate that are kept."""
    found = (_kept(objects, path.rpartition("/")[2].removesuffix(".json")) for path in objects.list(_CERTIFICATES))
    return [certificate for certificate in found if certificate is not None]


def gate_scenario(city: City, configured: Settings) -> DriveScenario:
    """Return what the gate drives in a city: the busiest hour of its demand."""
    return city_drive(city, folder=configured.state_dir / "runs" / "prepared")


def _open() -> tuple[Settings, City, ObjectStore]:
    configured = settings()
    return configured, find_city(configured.city, configured.cities_dir), ObjectStore(configured.objects_url)


def _draft(objects: ObjectStore, version: str) -> Topology:
    data = objects.read(_draft_path(version))
    if data is None:
        raise SourceUnavailable(f"there is no draft {version[:12]} of the topology: run topology_step first")
    return replace(from_json(data), version=version)


def _kept(objects: ObjectStore, certificate: str) -> Certificate | None:
    data = objects.read(_certificate_path(certificate))
    return certificate_from(data) if data is not None else None


def _draft_path(version: str) -> str:
    return f"{_DRAFTS}/{version}.json"


def _certificate_path(certificate: str) -> str:
    return f"{_CERTIFICATES}/{certificate}.json"


def _some(findings: Iterable[Finding]) -> str:
    return "; ".join(str(finding) for finding in list(findings)[:3])
