"""A small city, built once by the project itself: its network by netconvert, its demand by ours."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.settings import Settings, SimulationSettings
from trafficfeed.simulation.sumo_binary import binary, sumo_home

GRID = 6


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the city "gridtown": 6 × 6 junctions, 120 edges, no names, its centre in the Atlantic."""
    folder = tmp_path_factory.mktemp("cities")
    net = folder / "grid.net.xml"
    subprocess.run(
        [
            binary("netgenerate"),
            *("--grid", "--grid.number", str(GRID), "--grid.length", "150", "--default.lanenumber", "1"),
            *("--no-turnarounds", "--seed", "1", "-o", net),
        ],
        env={"SUMO_HOME": str(sumo_home())},
        check=True,
        capture_output=True,
        timeout=60,
    )
    options = BuildOptions(
        title="Gridtown", timezone="Europe/Paris", origin=(-20.0, 40.0), licence="CC0-1.0", fit=False
    )
    build_city("gridtown", net=net, cities_dir=folder, options=options)
    return folder


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that the tests share: what one has driven the next finds in the cache."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def configured(cities: Path, runs: Path, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a state folder of their own, and short simulations."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "runs").symlink_to(runs, target_is_directory=True)
    yield Settings(
        state_dir=state,
        cities_dir=cities,
        city="gridtown",
        airflow_port=9,  # nobody listens there: Airflow is down
        airflow_timeout_s=0.5,
        simulation=SimulationSettings(
            warm_up_s=120, cool_down_s=900, longest_s=600, emergency_probes=10, confirm_always_h=0, confirm_most_h=0
        ),
    )
