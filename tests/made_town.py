"""A little town built by netconvert: named and unnamed streets, a bend, a pavement, a one-way pair of lanes.

n20 ── n21 ── n22     West Street n00-n10-n20, High Street n01-n11-n21 (3 traffic lanes and a pavement),
 │      ║      │      East Street n02-n12-n22 is one-way north; Abbey Row n00-n01-n02, Ring Road n20-n21-n22,
n10 ── n11 ─~─ n12    and between n10, n11 and n12 a street without a name that bends.
 │      ║      │
n00 ── n01 ── n02
"""

import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.network.sumo_net import read_net

_LON, _LAT, _STEP_LON, _STEP_LAT = 10.0, 59.9, 0.0027, 0.0014


def town() -> RoadGraph:
    """Return the town's road graph, where traffic keeps right."""
    return _built()


@lru_cache(maxsize=1)
def _built() -> RoadGraph:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "t.nod.xml").write_text(_nodes(), "utf-8")
        (path / "t.edg.xml").write_text(_edges(), "utf-8")
        subprocess.run(
            [
                binary("netconvert"),
                *("-n", path / "t.nod.xml", "-e", path / "t.edg.xml", "-o", path / "t.net.xml"),
                *("--proj.utm", "--no-turnarounds", "--output.street-names"),
            ],
            env={"SUMO_HOME": str(sumo_home())},
            check=True,
            capture_output=True,
            timeout=60,
        )
        return read_net(path / "t.net.xml")


def _nodes() -> str:
    nodes = [
        f'<node id="n{row}{column}" x="{_LON + column * _STEP_LON}" y="{_LAT + row * _STEP_LAT}"/>'
        for row in range(3)
        for column in range(3)
    ]
    return f"<nodes>{''.join(nodes)}</nodes>"


def _edges() -> str:
    edges = []
    for a, b in (("00", "10"), ("10", "20")):
        edges += [_edge(a, b, "West Street"), _edge(b, a, "West Street")]
    for a, b in (("01", "11"), ("11", "21")):
        edges += [_edge(a, b, "High Street", 4, _PAVEMENT), _edge(b, a, "High Street", 4, _PAVEMENT)]
    for a, b in (("02", "12"), ("12", "22")):
        edges.append(_edge(a, b, "East Street", 2))
    for a, b in (("00", "01"), ("01", "02")):
        edges += [_edge(a, b, "Abbey Row"), _edge(b, a, "Abbey Row")]
    for a, b in (("20", "21"), ("21", "22")):
        edges += [_edge(a, b, "Ring Road"), _edge(b, a, "Ring Road")]
    bend = f"{_LON + 1.5 * _STEP_LON},{_LAT + 1.1 * _STEP_LAT}"
    for a, b, middle in (("10", "11", ""), ("11", "12", bend)):
        edges += [_edge(a, b, "", shape=_through(a, middle, b)), _edge(b, a, "", shape=_through(b, middle, a))]
    return f"<edges>{''.join(edges)}</edges>"


_PAVEMENT = '<lane index="0" allow="pedestrian"/>'


def _edge(a: str, b: str, name: str, lanes: int = 1, inner: str = "", shape: str = "") -> str:
    named = f' name="{name}"' if name else ""
    shaped = f' shape="{shape}"' if shape else ""
    return (
        f'<edge id="{a}to{b}" from="n{a}" to="n{b}" numLanes="{lanes}" speed="13.9" spreadType="center"{named}{shaped}>'
        f"{inner}</edge>"
    )


def _through(a: str, middle: str, b: str) -> str:
    if not middle:
        return ""
    return f"{_at(a)} {middle} {_at(b)}"


def _at(node: str) -> str:
    return f"{_LON + int(node[1]) * _STEP_LON},{_LAT + int(node[0]) * _STEP_LAT}"
