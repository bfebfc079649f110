"""Asking Airflow for runs over HTTP: an answer of each kind, and an outbox that loses nothing meanwhile."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_orders import made_order

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.findings import Finding, Severity
from trafficfeed.pipeline import closures
from trafficfeed.pipeline.airflow_client import connect
from trafficfeed.pipeline.orders import (
    VALIDATE_DAG,
    approve_order,
    create_order,
    record_check,
    submit_order,
    validation_run_id,
)
from trafficfeed.pipeline.triggers import drain
from trafficfeed.settings import Settings
from trafficfeed.store import outbox
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.outbox import Outbox

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)


class _Airflow(ThreadingHTTPServer):
    """What Airflow answers on its two addresses, as far as it was seen to; each login makes a new token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.logins = 0
        self.valid_token = ""
        self.runs: dict[str, Any] = {}
        self.refused: set[str] = set()
        self.states: dict[str, str] = {}
        self.cleared: list[tuple[str, bool]] = []
        self.answer: int | None = None  # to every request for a run, whatever it asks


class _Handler(BaseHTTPRequestHandler):
    server: _Airflow

    def do_GET(self) -> None:
        run_id = self.path.rpartition("/")[2]
        found = run_id in self.server.runs
        self._say(200 if found else 404, {"state": self.server.states.get(run_id, "queued")})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/auth/token":
            self.server.logins += 1
            self.server.valid_token = f"token-{self.server.logins}"
            right = body == {"username": "pipeline", "password": "secret"}
            self._say(201 if right else 401, {"access_token": self.server.valid_token})
        elif self.headers["Authorization"] != f"Bearer {self.server.valid_token}":
            self._say(401, {})
        elif self.server.answer:
            self._say(self.server.answer, {"detail": "as the test wants"})
        elif self.path.endswith("/clear"):
            self.server.cleared.append((self.path.split("/")[-2], body["only_failed"]))
            self._say(200, {})
        elif body["dag_run_id"] in self.server.refused:
            self._say(400, {})
        elif body["dag_run_id"] in self.server.runs:
            self._say(409, {})
        else:
            assert body["logical_date"] is None
            self.server.runs[body["dag_run_id"]] = body["conf"]
            self._say(200, {})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def airflow() -> Iterator[_Airflow]:
    with _Airflow() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def configured(airflow: _Airflow, tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, airflow_port=airflow.server_port, airflow_password="secret")


@pytest.fixture
def waiting(tmp_path: Path) -> Database:
    """A database whose outbox holds two runs."""
    database = open_database(f"sqlite:///{tmp_path / 'trafficfeed.db'}")
    with database.transaction() as connection:
        for order in ("first", "second"):
            conf = {"order_id": order, "version": 1}
            run_id = validation_run_id(order, 1)
            outbox.put(connection, dag_id=VALIDATE_DAG, run_id=run_id, conf=conf, as_of=AS_OF)
    return database


def _ask(configured: Settings) -> bool:
    return connect(configured).trigger(VALIDATE_DAG, "works-1", {"order_id": "works", "version": 1})


def test_asking_twice_starts_one_run(airflow: _Airflow, configured: Settings) -> None:
    assert [_ask(configured), _ask(configured)] == [True, False]
    assert airflow.runs == {"works-1": {"order_id": "works", "version": 1}}
    assert airflow.logins == 1


def test_an_expired_token_is_renewed_without_the_caller_noticing(airflow: _Airflow, configured: Settings) -> None:
    _ask(configured)
    airflow.valid_token = "another"
    assert _ask(configured) is False
    assert airflow.logins == 2


def test_a_wrong_password_names_the_setting(airflow: _Airflow, configured: Settings) -> None:
    wrong = Settings(state_dir=configured.state_dir, airflow_port=airflow.server_port, airflow_password="guess")
    with pytest.raises(SourceUnavailable, match="TRAFFICFEED_AIRFLOW_PASSWORD"):
        _ask(wrong)


@pytest.mark.parametrize(
    ("status", "error"), [(404, SourceUnavailable), (500, SourceUnavailable), (400, SourceMalformed)]
)
def test_only_a_refusal_of_the_request_itself_is_final(
    airflow: _Airflow, configured: Settings, status: int, error: type[Exception]
) -> None:
    airflow.answer = status
    with pytest.raises(error):
        _ask(configured)


def test_the_outbox_is_emptied_once(airflow: _Airflow, configured: Settings, waiting: Database) -> None:
    box = Outbox(waiting, as_of=AS_OF)
    assert [drain(box, settings=configured), drain(box, settings=configured)] == [2, 0]
    assert set(airflow.runs) == {"first-1", "second-1"}


def test_while_airflow_is_in_trouble_everything_stays_due(
    airflow: _Airflow, configured: Settings, waiting: Database
) -> None:
    airflow.answer = 503
    assert drain(Outbox(waiting, as_of=AS_OF), settings=configured) == 0
    airflow.answer = None
    assert drain(Outbox(waiting, as_of=AS_OF), settings=configured) == 2
    assert set(airflow.runs) == {"first-1", "second-1"}


def test_one_that_airflow_refuses_is_put_off_and_holds_up_no_other(
    airflow: _Airflow, configured: Settings, waiting: Database
) -> None:
    airflow.answer = 400
    assert drain(Outbox(waiting, as_of=AS_OF), settings=configured) == 0
    put_off = Outbox(waiting, as_of=AS_OF + timedelta(minutes=10)).pending()
    assert [message.run_id for message in put_off] == ["first-1", "second-1"]
    assert all("as the test wants" in str(message.error) for message in put_off)
    assert Outbox(waiting, as_of=AS_OF).pending() == ()


@pytest.fixture
def submitted(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The store of the steps, with one submitted order."""
    order = made_order()
    monkeypatch.setattr(closures, "settings", lambda: configured.model_copy(update={"city": order.city}))
    monkeypatch.setattr(closures, "now", lambda: AS_OF)
    monkeypatch.setattr(closures, "_release_if_due", lambda *_: {})  # there is no city here
    database = open_database(configured.database_url)
    create_order(database, order, actor="ann", as_of=AS_OF)
    _check_and_submit(database, order.id)
    return database


def _check_and_submit(database: Database, order_id: str) -> None:
    record_check(database, order_id, 1, (), as_of=AS_OF)
    submit_order(database, order_id, actor="ann", as_of=AS_OF)


@pytest.mark.parametrize("at_once", [False, True])
def test_an_order_submitted_or_published_after_its_run_found_errors_is_validated_again(
    airflow: _Airflow, submitted: Database, at_once: bool
) -> None:
    closures.reconcile_step()
    airflow.states["water-main-1"] = "success"
    error = Finding(rule="overlap", severity=Severity.ERROR, message="another closure", where="", mend="wait")
    record_check(submitted, "water-main", 1, [error], as_of=AS_OF)
    assert closures.reconcile_step()["asked_again"] == 0

    if at_once:
        record_check(submitted, "water-main", 1, (), as_of=AS_OF)
        approve_order(submitted, "water-main", actor="ann", as_of=AS_OF, override_reason="burst main")
    else:
        _check_and_submit(submitted, "water-main")

    assert closures.reconcile_step()["asked_again"] == 1
    assert airflow.cleared == [("water-main-1", False)]


def test_a_run_whose_tasks_failed_at_the_same_time_failed_once(airflow: _Airflow, submitted: Database) -> None:
    closures.reconcile_step()
    airflow.states["water-main-1"] = "failed"
    for pair in range(5):
        closures.record_failure("water-main", 1, f"closures_validate.run_pair[{pair}]: the disk is full")
    assert closures.reconcile_step()["asked_again"] == 1

    for _ in range(2):
        closures.record_failure("water-main", 1, "closures_validate.run_pair[0]: the disk is full")
    assert closures.reconcile_step()["asked_again"] == 0
    assert airflow.cleared == [("water-main-1", True)]


def test_a_run_that_airflow_refuses_holds_up_no_other(airflow: _Airflow, submitted: Database) -> None:
    create_order(submitted, made_order("zebra"), actor="ann", as_of=AS_OF)
    _check_and_submit(submitted, "zebra")
    airflow.refused.add("water-main-1")

    outcome = closures.reconcile_step()

    assert "refused" in str(outcome["asked_again"])
    assert set(airflow.runs) == {"zebra-1"}
