"""Airflow's REST API, as much of it as is needed: log in, start a run, see how it stands."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.settings import Settings


@dataclass(slots=True, kw_only=True)
class Airflow:
    """A client of one Airflow: logs in once, again when its token has expired.

    Raises
    ------
    SourceUnavailable
        Every method, when Airflow does not answer or answers with a server error.
    SourceMalformed
        Every method, when Airflow refuses the request itself: asking again would not help.
    """

    url: str
    user: str
    password: Callable[[], str]
    timeout_s: float = 5.0
    _token: str | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> bool:
        """Ask for a run; return False where one of that id is there already, which is as good."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        accept = (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)
        answer = self.call("POST", f"/dags/{dag_id}/dagRuns", body, accept=accept)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise SourceUnavailable(
                f"Airflow at {self.url} has not read the DAG {dag_id} (yet): look at its import errors"
            )
        return answer.status_code != HTTPStatus.CONFLICT

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return ``queued``, ``running``, ``success`` or ``failed``; None where there is no such run."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}", accept=(HTTPStatus.NOT_FOUND,))
        return None if answer.status_code == HTTPStatus.NOT_FOUND else str(answer.json()["state"])

    def task_states(self, dag_id: str, run_id: str) -> list[tuple[str, str]]:
        """Return (task, state) of each task instance of a run, mapped ones one by one; a state may be empty."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000"
        answer = self.call("GET", path, accept=(HTTPStatus.NOT_FOUND,))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return []
        return [(str(task["task_id"]), str(task["state"] or "")) for task in answer.json()["task_instances"]]

    def rerun(self, dag_id: str, run_id: str, *, only_failed: bool) -> None:
        """Run the tasks of a finished run again: all of them, or those that failed."""
        self.call("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": only_failed})

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or give it this many slots."""
        body: dict[str, Any] = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if self.call("POST", "/pools", body, accept=(HTTPStatus.CONFLICT,)).status_code == HTTPStatus.CONFLICT:
            self.call("PATCH", f"/pools/{name}", body | {"pool": body.pop("name")})

    def health(self) -> dict[str, str]:
        """Return each component's status by name; nobody need be logged in."""
        answer = self._send("GET", "/api/v2/monitor/health", None, {})
        return {name: str(part["status"]) for name, part in answer.json().items() if part and part.get("status")}

    def dag_ids(self) -> set[str]:
        """Return the DAGs that Airflow has read so far."""
        return {str(dag["dag_id"]) for dag in self.call("GET", "/dags?limit=1000").json()["dags"]}

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, accept: tuple[int, ...] = ()
    ) -> requests.Response:
        """Send a request under ``/api/v2``; a status in `accept` is an answer, any other error is raised."""
        for fresh in (False, True):
            headers = {"Authorization": f"Bearer {self._bearer(fresh=fresh)}"}
            answer = self._send(method, f"/api/v2{path}", body, headers)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                break
        if answer.ok or answer.status_code in accept:
            return answer
        raise SourceMalformed(f"Airflow refused {method} {path} ({answer.status_code}): {answer.text[:300]}")

    def _bearer(self, *, fresh: bool) -> str:
        with self._lock:
            if fresh or self._token is None:
                login = {"username": self.user, "password": self.password()}
                answer = self._send("POST", "/auth/token", login, {})
                if not answer.ok:
                    raise SourceUnavailable(
                        f"Airflow at {self.url} does not let {self.user!r} in ({answer.status_code}): "
                        "set TRAFFICFEED_AIRFLOW_USER and TRAFFICFEED_AIRFLOW_PASSWORD"
                    )
                self._token = str(answer.json()["access_token"])
            return self._token

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> requests.Response:
        try:
            answer = requests.request(method, self.url + path, json=body, headers=dict(headers), timeout=self.timeout_s)
        except requests.RequestException as error:
            raise SourceUnavailable(f"Airflow does not answer at {self.url}: {error}") from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SourceUnavailable(f"Airflow at {self.url} is in trouble ({answer.status_code}): {answer.text[:300]}")
        return answer


def connect(settings: Settings) -> Airflow:
    """Return this process's client of the Airflow that `settings` name; it keeps its token."""
    return _client(
        settings.airflow_url,
        settings.airflow_user,
        settings.airflow_password,
        settings.airflow_home / "passwords.json",
        settings.airflow_timeout_s,
    )


@lru_cache(maxsize=4)
def _client(url: str, user: str, password: SecretStr | None, passwords: Path, timeout_s: float) -> Airflow:
    def read() -> str:
        return password.get_secret_value() if password else _password(passwords, user)

    return Airflow(url=url, user=user, password=read, timeout_s=timeout_s)


def _password(passwords: Path, user: str) -> str:
    try:
        return str(json.loads(passwords.read_text())[user])
    except (OSError, ValueError, KeyError) as error:
        raise SourceUnavailable(
            f"no password for Airflow's user {user!r} in {passwords}: "
            "start `trafficfeed up` once, or set TRAFFICFEED_AIRFLOW_PASSWORD"
        ) from error
