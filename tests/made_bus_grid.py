"""A grid of streets from SUMO, with real junctions between the edges; ids run from A0 to F5."""

import subprocess
from pathlib import Path

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.network.sumo_net import read_net


def bus_grid(folder: Path) -> RoadGraph:
    """Return 6 × 6 junctions, 150 m apart, letters to the east, numbers to the north; no turning round."""
    net = folder / "grid.net.xml"
    subprocess.run(
        [
            binary("netgenerate"),
            *("--grid", "--grid.number", "6", "--grid.length", "150", "--default.lanenumber", "1"),
            *("--no-turnarounds", "--seed", "1", "-o", net),
        ],
        env={"SUMO_HOME": str(sumo_home())},
        check=True,
        capture_output=True,
        timeout=60,
    )
    return read_net(net, origin=(-20.0, 40.0), crs="EPSG:32627")
