"""Closures step by step, as Airflow's tasks and the command line call them: ids in, plain values out.

Each step reads the settings, the clock and the store itself, and may run twice: a second time changes nothing.

    check_step → plan_step → run_step (mapped) → conclude_step → release_step
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import SimulationFailed, SourceMalformed, TrafficFeedError
from trafficfeed.pipeline.airflow_client import Airflow, connect
from trafficfeed.pipeline.assessment import locate
from trafficfeed.pipeline.checking import check_stored_order, in_force
from trafficfeed.pipeline.clock import apply_clock
from trafficfeed.pipeline.orders import MACHINE, VALIDATE_DAG, record_certificate, validation_run_id
from trafficfeed.pipeline.releasing import FEED, release
from trafficfeed.pipeline.simulating import certify, keep_report, question_of
from trafficfeed.pipeline.street_time import nothing_is_due
from trafficfeed.pipeline.triggers import drain
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of, runs_folder
from trafficfeed.progress import Progress
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings, settings
from trafficfeed.simulation.evaluate import Question, first_runs
from trafficfeed.simulation.runs import run
from trafficfeed.simulation.scenario import RunSpec
from trafficfeed.store import lifecycle
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders, StoredOrder
from trafficfeed.store.outbox import Outbox

_MOST_FAILURES: Final = 3
"""A validation that failed so often is left to a person."""


def now() -> datetime:
    """Return the time, aware and in UTC: the one place where the steps read the clock."""
    return datetime.now(UTC)


def check_step(order_id: str, version: int) -> dict[str, Any]:
    """Check an order version; `proceed` is False where it has errors, was superseded, or is finished.

    One that map apps get already (an emergency) is simulated whatever is found: its record waits for a certificate.
    """
    configured, database = _open()
    stored = _stored(database, order_id, version)
    if version not in {stored.latest_version, stored.published_version}:
        return {"proceed": False, "why": f"version {stored.latest_version} has taken its place"}
    if stored.state in lifecycle.FINAL:
        return {"proceed": False, "why": f"the order is {stored.state}"}
    stored, result = check_stored_order(database, order_id, settings=configured, as_of=now(), version=version)
    proceed = result.passed or version == stored.published_version or stored.state is OrderState.APPROVED
    return {
        "proceed": proceed,
        "why": "" if proceed else "the checks found errors",
        "findings": [str(finding) for finding in result.findings],
    }


def plan_step(order_id: str, version: int) -> list[dict[str, Any]]:
    """Return the seed pairs of the first look, each a request for `run_step`; empty where all are cached."""
    configured, database = _open()
    question, _ = _question(configured, database, _stored(database, order_id, version))
    specs = first_runs(question)
    pairs = [specs[i : i + 2] for i in range(0, len(specs), 2)]
    return [
        {"label": f"{pair[0].tier}, seed {pair[0].seed}", "specs": [spec.to_json() for spec in pair]} for pair in pairs
    ]


def run_step(request: dict[str, Any]) -> str:
    """Drive one seed pair, base and plan; a run that SUMO cannot finish is a result, said by `conclude_step`."""
    configured = settings()
    runs = runs_folder(configured)
    runs.mkdir(parents=True, exist_ok=True)
    try:
        for spec in request["specs"]:
            run(RunSpec.from_json(spec), runs=runs, time_limit_s=configured.simulation.time_limit_s)
    except SimulationFailed as error:
        return f"{request['label']}: {error}"
    return f"{request['label']}: done"


def conclude_step(order_id: str, version: int, *, progress: Progress | None = None) -> dict[str, Any]:
    """Judge an order version, driving what more is needed; keep its certificate and its report."""
    configured, database = _open()
    question, ground = _question(configured, database, _stored(database, order_id, version))
    certificate = certify(question, ground, settings=configured, as_of=now(), progress=progress)
    report = keep_report(certificate, ground, ObjectStore(configured.objects_url), settings=configured)
    stored = record_certificate(database, order_id, version, certificate, report=report, as_of=now())
    return {"certificate": certificate.id, "verdict": certificate.verdict.value, "state": stored.state.value}


def release_step() -> dict[str, Any]:
    """Release the closures feed as of now."""
    configured, database = _open()
    released = release(configured, database=database, as_of=now())
    return {
        "release": released.manifest.version,
        "number": released.manifest.number,
        "orders": dict(released.manifest.facts.get("orders", {})),
        "withheld": {records.order_id: [str(f) for f in records.findings] for records in released.withheld},
        "left_out": [str(finding) for finding in released.left_out],
        "held_back": released.held_back,
    }


def reconcile_step() -> dict[str, Any]:
    """Let time pass and catch what got lost: the clock, the outbox, validations without a run, the release.

    Nothing is released where the API process, which drafts only what changes, has found that nothing is due.
    """
    configured, database = _open()
    moved = apply_clock(database, as_of=now(), city=configured.city)
    lost = _unless_airflow_is_down(lambda: _ask_again(database, configured))
    taken = _unless_airflow_is_down(lambda: drain(Outbox(database, as_of=now()), settings=configured))
    return {
        "activated": list(moved.activated),
        "ended": list(moved.ended),
        "overdue": list(moved.overdue),
        "asked_again": lost,
        "delivered": taken,
        **_release_if_due(configured, database),
    }


def _release_if_due(configured: Settings, database: Database) -> dict[str, Any]:
    as_of = now()
    if not nothing_is_due(configured, database, as_of):
        return release_step()
    ReleaseStore(ObjectStore(configured.objects_url), FEED).heartbeat(as_of)
    return {}


def validate(order_id: str, version: int, *, progress: Progress | None = None) -> dict[str, Any]:
    """Check, simulate, judge and release one order version without Airflow."""
    checked = check_step(order_id, version)
    if not checked["proceed"]:
        return checked
    return {**conclude_step(order_id, version, progress=progress), **release_step()}


def record_failure(order_id: str, version: int, message: str) -> None:
    """Write in the order's audit log that its validation failed, and why."""
    _, database = _open()
    with database.transaction() as connection:
        stored = Orders(connection).get(order_id, version=version)
        AuditLog(connection).append(
            at=now(),
            actor=MACHINE,
            action="failure",
            order_id=order_id,
            version=version,
            from_state=stored.state,
            to_state=stored.state,
            detail={"message": message[:2000]},
        )


def _open() -> tuple[Settings, Database]:
    configured = settings()
    return configured, open_database(configured.database_url)


def _stored(database: Database, order_id: str, version: int) -> StoredOrder:
    with database.reading() as connection:
        return Orders(connection).get(order_id, version=version)


def _question(configured: Settings, database: Database, stored: StoredOrder) -> tuple[Question, Ground]:
    ground = ground_of(find_city(configured.city, configured.cities_dir))
    since = stored.submitted_at or stored.version_at
    located = locate(stored.order, ground, since=since, until=since + timedelta(days=configured.planning_days))
    others = in_force(database, ground, settings=configured, as_of=since)
    return question_of(located, ground, others=others, version=stored.version, settings=configured), ground


def _ask_again(database: Database, configured: Settings) -> int:
    """Ask for the validations that should be running and are not; return how many."""
    with database.reading() as connection:
        orders, certificates = Orders(connection), Certificates(connection)
        submitted = orders.awaiting_simulation(city=configured.city)
        served = [
            one
            for one in orders.to_serve(city=configured.city, ended_since=now())
            if certificates.certificate_for(one.order.id, one.version) is None
        ]
        failures = {one.order.id: _failures(AuditLog(connection), one) for one in (*submitted, *served)}
    airflow, asked, refusals = connect(configured), 0, []
    for one in (*submitted, *served):
        try:
            asked += _asked(airflow, one, failures=failures[one.order.id])
        except SourceMalformed as refusal:
            refusals.append(refusal)  # of this one: the others get their turn
    if refusals:
        raise refusals[0]
    return asked


def _asked(airflow: Airflow, stored: StoredOrder, *, failures: int) -> bool:
    """Ask for a validation that has no run, or whose run is over and has to be repeated; tell whether it was asked for.

    A run that is a success and left no certificate had found errors, which took the order back to draft; it was checked
    anew and submitted or published at once since, and a run id is taken once.
    """
    order_id, version = stored.order.id, stored.version
    run_id = validation_run_id(order_id, version)
    state = airflow.run_state(VALIDATE_DAG, run_id)
    if state is None:
        return airflow.trigger(VALIDATE_DAG, run_id, {"order_id": order_id, "version": version})
    if state not in {"failed", "success"} or failures >= _MOST_FAILURES:
        return False
    airflow.rerun(VALIDATE_DAG, run_id, only_failed=state == "failed")
    return True


def _failures(log: AuditLog, stored: StoredOrder) -> int:
    """Return how often the validation failed: the most often that one of its tasks did, several fail at a time."""
    entries = [e for e in log.of_order(stored.order.id) if e.action == "failure" and e.version == stored.version]
    by_task = Counter(str(entry.detail.get("message", "")).partition(":")[0] for entry in entries)
    return max(by_task.values(), default=0)


def _unless_airflow_is_down(step: Callable[[], int]) -> int | str:
    try:
        return step()
    except TrafficFeedError as error:
        return str(error)
