"""`make run`: everything checked, made, started and shown working; then kept up until it is stopped."""

import sys
from functools import partial
from pathlib import Path

import requests

from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.airflow_client import connect
from trafficfeed.running import airflow, demo, summary
from trafficfeed.running.crew import Crew
from trafficfeed.running.lock import only_one
from trafficfeed.running.ports import needed, refuse_taken
from trafficfeed.running.processes import Component, guarded
from trafficfeed.running.progress import Teller
from trafficfeed.settings import Settings
from trafficfeed.store.database import open_database

_DAGS = frozenset({"closures_validate", "closures_reconcile"})
_START_LIMIT_S = 300.0
_STOP_GRACE_S = 5.0


def up(settings: Settings, *, demo_orders: bool = True, once: bool = False) -> int:
    """Run everything on this machine until Ctrl-C, SIGTERM or SIGHUP; return the exit code.

    Parameters
    ----------
    settings
        Folders, ports and the city.
    demo_orders
        Load the city's own orders and submit them with prior approval.
    once
        Stop when they have been released: 0 if all of them were judged.
    """
    settings = _lively(_reachable(settings))
    return guarded(partial(_tell, settings, demo_orders=demo_orders, once=once), grace_s=_STOP_GRACE_S)


def _tell(settings: Settings, *, demo_orders: bool, once: bool) -> int:
    teller = Teller()
    try:
        with only_one(settings.state_dir):
            return _run(settings, teller, demo_orders=demo_orders, once=once)
    except TrafficFeedError as error:
        teller.say(f"\n{error}", style="bold red")
        return 1


def _run(settings: Settings, teller: Teller, *, demo_orders: bool, once: bool) -> int:
    refuse_taken(needed(settings))
    with teller.step("Database"):
        database = open_database(settings.database_url)
    with teller.step(f"City {settings.city}") as note:
        demo.ensure_city(settings, note)
    with teller.step("Airflow's database") as note:
        note("upgraded" if airflow.migrate(settings) else "as it was")

    logs = settings.state_dir / "logs"
    crew = Crew([*airflow.components(settings, logs=logs), _api(settings, logs)], teller=teller)
    with crew.running(grace_s=_STOP_GRACE_S):
        with teller.step("Airflow and the API") as note:
            crew.wait(lambda: _missing(settings), limit_s=_START_LIMIT_S, note=note)
            note("healthy")
        good = True
        if demo_orders:
            order_ids = demo.submit_demo(settings, database)
            good = demo.watch(settings, database, crew, teller, order_ids)
        summary.show(settings, database, teller.console)
        if once:
            return 0 if good else 1
        teller.say("Ctrl-C stops all of it.")
        crew.keep_up()
    raise AssertionError("the crew is kept up until Stopped is raised")


def _api(settings: Settings, logs: Path) -> Component:
    return Component(
        name="API",
        command=[sys.executable, "-m", "trafficfeed.running.serving"],
        environment=settings.environment(),
        log=logs / "api.log",
    )


def _missing(settings: Settings) -> str:
    """Return what is not ready yet, in words."""
    slots = settings.simulation.workers
    what = _api_missing(settings) or airflow.unready(connect(settings), dags=_DAGS, sumo_slots=slots)
    return what and f"waiting for {what}"


def _api_missing(settings: Settings) -> str:
    try:
        answer = requests.get(f"http://{settings.api_host}:{settings.api_port}/healthz", timeout=5)
    except requests.RequestException:
        return "the API"
    return "" if answer.ok else f"the API ({answer.status_code})"


def _lively(settings: Settings) -> Settings:
    """Let the virtual city's lamps be shown, where nobody has said where lamps come from."""
    if "signals" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"signals": "virtual"})


def _reachable(settings: Settings) -> Settings:
    """Let the links in the feeds follow the port, where nobody has said how the outside reaches us."""
    if "public_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"public_url": f"http://{settings.api_host}:{settings.api_port}"})
