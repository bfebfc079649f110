"""Reading a model in a process that has imported SUMO's packages, which point PROJ elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np


def test_sumos_data_for_proj_does_not_stop_a_model_from_being_read(tmp_path: Path) -> None:
    program = """
import sumo, traci
import numpy as np
from trafficfeed.flooding.terrain.grids import warped, Grid
from pathlib import Path
import pyproj
from affine import Affine
grid = Grid(values=np.zeros((40, 40)), transform=Affine(10.0, 0.0, 25490000.0, 0.0, -10.0, 6680000.0),
            crs=pyproj.CRS("EPSG:3879"))
print(warped(grid, "EPSG:32635").values.shape)
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROJ_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert np.min(np.array(done.stdout.strip("()\n").split(","), dtype=int)) >= 40
