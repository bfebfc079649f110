"""Real networks with real demand, as cities: RESCO's from sumo-rl, Bologna from ../shared."""

import importlib.util
import os
from pathlib import Path

import pytest

from trafficfeed.network.city import City, CityFile, DemandSection, MesoSection, NetworkSection
from trafficfeed.settings import REPOSITORY

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", REPOSITORY.parent / "shared"))


def resco(name: str, *, begin_s: float, end_s: float, minor_penalty_s: float = 3.0) -> City:
    """Return a stretch of a RESCO network's demand as a city; skips where sumo-rl is not installed."""
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package sumo-rl, which has the RESCO networks, is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "nets" / "RESCO" / name
    return _city(
        folder,
        name,
        net=f"{name}.net.xml",
        routes=(f"{name}.rou.xml",),
        span=(begin_s, end_s),
        meso=MesoSection(minor_penalty_s=minor_penalty_s),
    )


def bologna(*, begin_s: float = 0.0, end_s: float = 5400.0, minor_penalty_s: float = 4.0) -> City:
    """Return a stretch of Bologna's demand as a city; skips where ../shared is absent."""
    folder = SHARED / "data" / "networks" / "bologna_acosta"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return _city(
        folder,
        "bologna_acosta",
        net="acosta_buslanes.net.xml",
        routes=("acosta.rou.xml", "acosta_busses.rou.xml"),
        additional=("acosta_vtypes.add.xml", "acosta_bus_stops.add.xml", "acosta_tls.add.xml"),
        span=(begin_s, end_s),
        meso=MesoSection(minor_penalty_s=minor_penalty_s),
    )


def _city(
    folder: Path,
    name: str,
    *,
    net: str,
    routes: tuple[str, ...],
    span: tuple[float, float],
    meso: MesoSection,
    additional: tuple[str, ...] = (),
) -> City:
    return City(
        folder.resolve(),
        CityFile(
            name=name,
            title=name,
            timezone="Europe/Berlin",
            licence="see the source",
            attribution="",
            network=NetworkSection(net_file=net, source="net", crs="EPSG:32632"),
            demand=DemandSection(
                route_files=routes,
                additional_files=additional,
                kind="hour",
                begin_s=span[0],
                end_s=span[1],
                method="as published",
            ),
            meso=meso,
        ),
    )
