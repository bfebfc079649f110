"""Airflow for tests: a home and a database of its own, set before Airflow is imported for the first time."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of an Airflow without a database; whatever imports Airflow asks for this first."""
    assert "airflow" not in sys.modules, "Airflow reads its settings when it is imported, and somebody was earlier"
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
            patch.delenv(name)
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(DAGS))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
        patch.setenv("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False")
        patch.syspath_prepend(str(DAGS))
        yield home


@pytest.fixture(scope="session")
def airflow_database(airflow_home: Path) -> Path:
    """The same with a database."""
    from airflow.utils.db import initdb

    initdb()
    return airflow_home
