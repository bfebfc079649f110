"""Lines drawn by a shaky hand on a real network, Bologna: no street names, bus lanes, dual carriageways."""

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from trafficfeed.network.line_matching import match_line
from trafficfeed.network.moves import after_edge
from trafficfeed.network.plane import plane_of
from trafficfeed.network.sumo_net import read_net
from trafficfeed.network.vehicle_classes import VehicleClass

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))
NET = SHARED / "data/networks/bologna_acosta/acosta_buslanes.net.xml"


@pytest.fixture(scope="module")
def bologna():
    if not NET.is_file():
        pytest.skip(f"{NET} is not there")
    return read_net(NET)


def drives(graph, count: int, random: np.random.Generator):
    """Random drives of up to six edges without turning back."""
    plane = plane_of(graph)
    usable = np.flatnonzero(graph.access & VehicleClass.BUS.bit)
    for _ in range(count):
        path = [int(random.choice(usable))]
        for _ in range(int(random.integers(0, 6))):
            onward = [e for e in after_edge(graph, path[-1], VehicleClass.BUS) if e not in path]
            onward = [e for e in onward if plane.opposite[e] not in path]
            if not onward:
                break
            path.append(int(random.choice(onward)))
        line = shapely.LineString(np.concatenate([np.array(plane.lines[e].coords) for e in path]))
        if line.length >= 30:
            yield path, line


@pytest.mark.parametrize("shake_m", [0.0, 3.0])
def test_shaky_lines_find_the_edges_driven_or_are_refused_but_are_never_put_elsewhere(bologna, shake_m):
    plane, random = plane_of(bologna), np.random.default_rng(11)
    found = total = 0
    for path, line in drives(bologna, 80, random):
        at = np.linspace(0, line.length, max(2, int(line.length / 25)))
        drawn = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
        drawn = drawn + random.normal(0, shake_m, drawn.shape)
        match = match_line(bologna, plane.to_lonlat(drawn).tolist(), "forward")
        got = {e for s in match.sections for e in s.edges}
        driven = bologna.length_m[path].sum()
        elsewhere = bologna.length_m[sorted(got - set(path))].sum()
        assert elsewhere <= max(0.1 * driven, 20), [bologna.edge_ids[e] for e in path]
        total += 1
        found += bologna.length_m[sorted(got & set(path))].sum() >= 0.8 * driven
    assert found >= 0.95 * total
