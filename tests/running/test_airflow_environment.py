"""Airflow's environment: secrets kept to their owner, addresses local, and the user's own choices respected."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trafficfeed.running.airflow import environment, passwords
from trafficfeed.settings import Settings


def test_passwords_are_random_kept_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    first = passwords(Settings(state_dir=tmp_path / "a"))
    assert passwords(Settings(state_dir=tmp_path / "a")) == first
    assert passwords(Settings(state_dir=tmp_path / "b")) != first
    file = tmp_path / "a" / "airflow" / "passwords.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == first


def test_tokens_stay_valid_over_a_restart(tmp_path: Path) -> None:
    configured = Settings(state_dir=tmp_path)
    assert environment(configured) == environment(configured)


def test_everything_listens_where_the_settings_say(tmp_path: Path) -> None:
    found = environment(Settings(state_dir=tmp_path, airflow_port=8123))
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_airflows_own_variables_win_but_not_over_folders_and_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "4")
    monkeypatch.setenv("AIRFLOW__API__PORT", "1")
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    found = environment(Settings(state_dir=tmp_path))
    assert found["AIRFLOW__CORE__PARALLELISM"] == "4"
    assert found["AIRFLOW__API__PORT"] == "8080"
    assert found["AIRFLOW_HOME"] == str(tmp_path / "airflow")


def test_a_child_process_finds_the_same_settings(tmp_path: Path) -> None:
    configured = Settings(
        state_dir=tmp_path,
        api_tokens={"officer": "se cret"},
        flooding={"sensor_tokens": {"quay": "deep secret"}},
        simulation={"workers": 3},
        thresholds={"max_delay_share": 0.25},
    )
    code = "from trafficfeed.settings import Settings; print(Settings().model_dump_json())"
    said = subprocess.run(
        [sys.executable, "-c", code], env=configured.environment(), capture_output=True, text=True, check=True
    )
    assert Settings.model_validate_json(said.stdout).model_dump_json() == configured.model_dump_json()
    assert "se cret" in configured.environment()["TRAFFICFEED_API_TOKENS"]
    assert "deep secret" in configured.environment()["TRAFFICFEED_FLOODING"], "not its asterisks"


def test_neither_the_library_nor_the_api_imports_airflow(tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, sys, trafficfeed, api\n"
        "for package in (trafficfeed, api):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if 'migrations' not in module.name:\n"
        "            importlib.import_module(module.name)\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'airflow'])\n"
    )
    variables = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
