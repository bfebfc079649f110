"""Airflow as this project runs it: its environment, its secrets, its four components, and when it is ready."""

import json
import os
import secrets
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.pipeline.airflow_client import Airflow
from trafficfeed.running.processes import Component
from trafficfeed.settings import REPOSITORY, Settings

DAGS = REPOSITORY / "dags"
SUMO_POOL = "sumo"
_COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),  # they would be served on every interface; we read the files
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_HEALTHY = {"metadatabase", "scheduler", "dag_processor", "triggerer"}


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of every Airflow process.

    An ``AIRFLOW__…`` variable that the caller set wins over our taste (PostgreSQL or Celery are a variable away),
    but not over the folders and addresses that the rest of this run relies on.
    """
    inherited = settings.environment()
    chosen = {name: value for name, value in inherited.items() if name.startswith("AIRFLOW__")}
    return inherited | _tuned() | _secrets(settings) | chosen | _fixed(settings)


def _fixed(settings: Settings) -> dict[str, str]:
    home = settings.airflow_home.absolute()
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{settings.airflow_user}:op",
        "AIRFLOW__API__HOST": settings.airflow_host,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": settings.airflow_url,
        # tasks find python and SUMO of this environment, activated or not
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), settings.environment().get("PATH", os.defpath)]),
    }


def _tuned() -> dict[str, str]:
    return {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "12",  # SUMO is limited by its pool
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # a killed task is noticed after half a minute, what a killed scheduler had queued likewise
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "1",  # nobody listens there: logs are read from the folder
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _secrets(settings: Settings) -> dict[str, str]:
    kept = _kept(settings.airflow_home / "secrets.json", ("jwt", "session"))
    return {"AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt"], "AIRFLOW__API__SECRET_KEY": kept["session"]}


def passwords(settings: Settings) -> dict[str, str]:
    """Return the passwords of Airflow's users, made at random at the first start."""
    return _kept(settings.airflow_home / "passwords.json", ("admin", settings.airflow_user))


def _kept(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return random secrets from a file of mode 0600, adding those it does not have yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if set(names) <= found.keys():
        return found
    found = {name: secrets.token_urlsafe(24) for name in names} | found
    draft = path.with_suffix(".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        json.dump(found, file)
    draft.replace(path)
    return found


def migrate(settings: Settings) -> bool:
    """Make or upgrade Airflow's database; return False where this version has done so before.

    Raises
    ------
    SourceUnavailable
        The migration failed; the message has the end of its output.
    """
    wanted = version("apache-airflow-core")
    stamp = settings.airflow_home / "migrated"
    database = settings.airflow_home / "airflow.db"
    chosen = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in settings.environment()
    if not chosen and database.exists() and stamp.exists() and stamp.read_text() == wanted:
        return False
    passwords(settings)
    outcome = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        output = (outcome.stdout + outcome.stderr)[-1500:]
        raise SourceUnavailable(f"Airflow's database in {settings.airflow_home} cannot be upgraded:\n{output}")
    stamp.write_text(wanted)
    return True


def components(settings: Settings, *, logs: Path) -> list[Component]:
    """Return Airflow's components, not started yet."""
    if not (DAGS / "closures.py").exists():
        raise ScenarioInvalid(f"no DAGs in {DAGS}: `trafficfeed up` runs from a clone of the repository")
    variables = environment(settings)
    return [
        Component(
            name=f"airflow {name}",
            command=[sys.executable, "-m", "airflow", *arguments],
            environment=variables,
            log=logs / f"airflow-{name}.log",
        )
        for name, arguments in _COMPONENTS.items()
    ]


def unready(airflow: Airflow, *, dags: frozenset[str], sumo_slots: int) -> str:
    """Return what Airflow still lacks, in words; empty when it can take runs of all `dags`, and the pool is there."""
    try:
        health = airflow.health()
        if waiting := sorted(_HEALTHY - {name for name, status in health.items() if status == "healthy"}):
            return "Airflow's " + ", ".join(waiting).replace("_", " ")
        if missing := sorted(dags - airflow.dag_ids()):
            return "the DAGs " + ", ".join(missing)
        airflow.set_pool(SUMO_POOL, sumo_slots, "SUMO runs, one slot a core")
    except SourceUnavailable:
        return "Airflow's API server"
    return ""
