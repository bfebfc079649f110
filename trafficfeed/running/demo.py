"""The demo: the city built, its own orders submitted with prior approval, their validation watched to the end."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import SourceUnavailable
from trafficfeed.pipeline.airflow_client import Airflow, connect
from trafficfeed.pipeline.checking import check_stored_order
from trafficfeed.pipeline.cities import build_city
from trafficfeed.pipeline.city_sources import DEMO_CITY
from trafficfeed.pipeline.closures import now
from trafficfeed.pipeline.flood_places import ensured_sites
from trafficfeed.pipeline.orders import VALIDATE_DAG, approve_order, create_order, submit_order, validation_run_id
from trafficfeed.pipeline.triggers import drain
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.running.crew import Crew
from trafficfeed.running.progress import Note, Teller
from trafficfeed.settings import Settings
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, StoredOrder
from trafficfeed.store.outbox import Outbox

OFFICER = "demo"
_ORDER_LIMIT_S = 3600.0
_OVER = {"success", "failed"}
_ACTIVE = {"running", "queued", "up_for_retry"}
_WORDS = {
    "check": "checking",
    "plan_runs": "planning the runs",
    "run_pair": "simulating",
    "conclude": "judging",
    "release": "releasing",
}


def ensure_city(settings: Settings, note: Note) -> None:
    """Build the demo city where it is missing or its source has changed; of any other city see that it is there.

    Flood sites are built of any city that says where water gathers.

    Raises
    ------
    TrafficFeedError
        The city is not there or cannot be built; the message says how to build it.
    """
    if settings.city == DEMO_CITY:
        build_city(settings.city, cities_dir=settings.cities_dir, progress=lambda what, _done, _all: note(what))
    city = find_city(settings.city, settings.cities_dir)
    sites = ensured_sites(city, graph=ground_of(city).graph)
    note(f"{len(ground_of(city).graph):,} edges, {len(sites)} flood sites")


def submit_demo(settings: Settings, database: Database) -> tuple[str, ...]:
    """Store, check and submit the city's own orders with prior approval; return their ids.

    What is in the store already is left as it is, for an officer may have changed it; but where the first start was
    interrupted between these steps, they are gone on with.
    """
    folder = find_city(settings.city, settings.cities_dir).folder / "orders"
    demo = [parse_order(path.read_bytes(), name=path.name) for path in _order_files(folder)]
    with database.reading() as connection:
        known = {stored.order.id: stored for stored in Orders(connection).list(city=settings.city)}
    for order in demo:
        if order.id not in known:
            create_order(database, order, actor=OFFICER, as_of=now())
        if order.id not in known or _is_interrupted(known[order.id]):
            _submit(order.id, settings, database)
    return tuple(order.id for order in demo)


def watch(settings: Settings, database: Database, crew: Crew, teller: Teller, order_ids: Sequence[str]) -> bool:
    """Tell each order's way through Airflow until all are judged; return False where one could not be."""
    drain(Outbox(database, as_of=now()), settings=settings)
    airflow, good = connect(settings), True
    for stored in list(_stored(database, order_ids)):
        if stored.submitted_at is None or stored.state is not OrderState.CHECKED:
            continue
        run_id = validation_run_id(stored.order.id, stored.version)
        with teller.step(f"Order {stored.order.id}") as note:

            def missing(run_id: str = run_id) -> str:
                return _progress(airflow, run_id)

            crew.wait(missing, limit_s=_ORDER_LIMIT_S, note=note)
            verdict = _verdict(database, stored)
            note(verdict or f"failed: see {settings.airflow_url}/dags/{VALIDATE_DAG}/runs/{run_id}")
            good = good and verdict is not None
    return good


def _order_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml", ".json"})


def _is_interrupted(stored: StoredOrder) -> bool:
    ours = stored.author == OFFICER and stored.latest_version == 1
    return ours and stored.submitted_at is None and stored.state in {OrderState.DRAFT, OrderState.CHECKED}


def _submit(order_id: str, settings: Settings, database: Database) -> None:
    _, result = check_stored_order(database, order_id, settings=settings, as_of=now())
    if result.passed:
        approve_order(database, order_id, actor=OFFICER, as_of=now())
        submit_order(database, order_id, actor=OFFICER, as_of=now())


def _stored(database: Database, order_ids: Sequence[str]) -> Iterator[StoredOrder]:
    with database.reading() as connection:
        for order_id in order_ids:
            yield Orders(connection).get(order_id)


def _progress(airflow: Airflow, run_id: str) -> str:
    """Return what a validation run is doing; empty when it is over."""
    try:
        state = airflow.run_state(VALIDATE_DAG, run_id)
        if state in _OVER:
            return ""
        tasks = airflow.task_states(VALIDATE_DAG, run_id)
    except SourceUnavailable:
        return "waiting for Airflow"
    done = sum(task == "run_pair" and state == "success" for task, state in tasks)
    pairs = sum(task == "run_pair" for task, _ in tasks)
    active = next((task for task, state in tasks if state in _ACTIVE), "")
    doing = _WORDS.get(active, "waiting its turn" if state == "queued" else "under way")
    return f"{doing} ({done} of {pairs} seed pairs)" if pairs > 1 else doing


def _verdict(database: Database, stored: StoredOrder) -> str | None:
    with database.reading() as connection:
        found = Certificates(connection).certificate_for(stored.order.id, stored.version)
    return found.verdict.value if found else None
