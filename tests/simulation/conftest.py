"""A grid town with east-west traffic on two streets, made by SUMO itself; and where the shared networks are."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_routes import Driver

from trafficfeed.network.netconvert import strip_header
from trafficfeed.simulation.scenario import Scenario
from trafficfeed.simulation.sumo_process import run_program

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 6 by 6 grid of two-lane streets, 150 m apart: edges are named by their ends, as in ``A2B2``."""
    folder = tmp_path_factory.mktemp("grid")
    arguments = ["--grid", "--grid.number", "6", "--grid.length", "150", "--default.lanenumber", "2", "-o", "g.net.xml"]
    run_program("netgenerate", [*arguments, "--tls.guess", "true"], folder=folder, time_limit_s=60)
    strip_header(folder / "g.net.xml")  # it holds the time, and the emergency trips are drawn by the file's hash
    return folder / "g.net.xml"


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A car every 6 s for half an hour, west to east along street 2, every third one along street 3."""
    rows = []
    for number, second in enumerate(range(0, 1800, 6)):
        row = 3 if number % 3 == 0 else 2
        edges = " ".join(f"{a}{row}{b}{row}" for a, b in zip("ABCDE", "BCDEF", strict=True))
        rows.append(f'<vehicle id="car{number}" depart="{second}"><route edges="{edges}"/></vehicle>')
    path = tmp_path_factory.mktemp("traffic") / "cars.rou.xml"
    path.write_text("<routes>" + "".join(rows) + "</routes>", "utf-8")
    return path


@pytest.fixture
def scenario(grid: Path, traffic: Path) -> Scenario:
    """The half hour of the grid town, without interventions."""
    return Scenario(
        net_path=grid,
        route_paths=(traffic,),
        additional_paths=(),
        begin_s=0.0,
        end_s=1800.0,
        until_s=3600.0,
        emergency_probes=20,
    )


@pytest.fixture
def drive(scenario: Scenario, tmp_path: Path) -> Iterator[Driver]:
    """Drive the grid town."""
    yield Driver(scenario, tmp_path)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the shared networks."""
    folder = Path(os.environ.get("TRAFFICFEED_SHARED", str(REPOSITORY.parent / "shared")))
    if not folder.is_dir():
        pytest.skip(f"the shared test data is not at {folder}: set TRAFFICFEED_SHARED")
    return folder
