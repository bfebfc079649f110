"""Small grounds with known bowls, in memory and as files."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_origin

from trafficfeed.flooding.terrain.elevation import Elevation

CRS = "EPSG:32632"
WEST, NORTH = 356_670.0, 5_540_548.0  # 7.0, 50.0


def plain(rows: int = 30, columns: int = 40, height_m: float = 10.0) -> npt.NDArray[np.float32]:
    """Return level ground."""
    return np.full((rows, columns), height_m, dtype=np.float32)


def with_pit(
    ground: npt.NDArray[np.float32], row: int, column: int, rows: int, columns: int, depth_m: float
) -> npt.NDArray[np.float32]:
    """Return `ground` with a box dug out."""
    dug = ground.copy()
    dug[row : row + rows, column : column + columns] -= np.float32(depth_m)
    return dug


def elevation(ground: npt.NDArray[np.float32], cell_m: float = 2.0) -> Elevation:
    """Return `ground` as an elevation model with its north-west corner at 7.0, 50.0."""
    return Elevation(height_m=ground, crs=CRS, west=WEST, north=NORTH, cell_x_m=cell_m, cell_y_m=cell_m)


def write_tif(path: Path, ground: npt.NDArray[Any], *, unit: str = "", **given: Any) -> Path:
    """Write a GeoTIFF; `given` goes over what rasterio is told."""
    profile: dict[str, Any] = {
        "driver": "GTiff", "height": ground.shape[-2], "width": ground.shape[-1], "dtype": str(ground.dtype),
        "count": 1, "crs": CRS, "transform": from_origin(WEST, NORTH, 2.0, 2.0), "nodata": np.nan,
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **given}) as file:
        file.write(ground if ground.ndim == 3 else ground[None])
        if unit:
            file.units = (unit,)
    return path


def write_asc(path: Path, ground: npt.NDArray[np.float32]) -> Path:
    """Write an ESRI ASCII grid, which cannot say its CRS."""
    rows, columns = ground.shape
    head = f"ncols {columns}\nnrows {rows}\nxllcorner {WEST}\nyllcorner {NORTH - 2 * rows}\ncellsize 2\n"
    lines = "\n".join(" ".join(f"{value:.3f}" for value in row) for row in np.nan_to_num(ground, nan=-9999.0))
    path.write_text(f"{head}NODATA_value -9999\n{lines}\n", "utf-8")
    return path
