"""Gridtown for the pipeline's tests, built once; the tests share its simulation runs."""

from pathlib import Path

import pytest
from made_gridtown import SHORT, build_gridtown

from trafficfeed.settings import Settings


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the city "gridtown"."""
    return build_gridtown(tmp_path_factory.mktemp("cities"))


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that the tests share: what one has driven the next finds in the cache."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def configured(cities: Path, runs: Path, tmp_path: Path) -> Settings:
    """Settings with a state folder of their own, and short simulations."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "runs").symlink_to(runs, target_is_directory=True)
    return Settings(
        state_dir=state,
        cities_dir=cities,
        city="gridtown",
        airflow_port=9,  # nobody listens there: Airflow is down
        airflow_timeout_s=0.5,
        simulation=SHORT,
    )
