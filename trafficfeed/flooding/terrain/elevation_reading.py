"""Read an elevation model: CRS, unit, values and holes checked; what is not metric is brought to the city's CRS."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.flooding.terrain.elevation_checks import (
    Placed,
    doubts,
    metres_in,
    refuse_absurd,
    refuse_cliffs,
    without_holes,
)
from trafficfeed.flooding.terrain.grids import Grid, LonLatBox, horizontal, read_grid, warped


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevationOptions:
    """What a city says of its elevation model.

    Attributes
    ----------
    crs
        Of a file that states none.
    unit
        Of its heights: m, dm, cm, mm, ft or us-ft; None: as the file says, else metres.
    fill_holes_m2
        Holes up to this size are filled from round about; 0: none are.
    open_holes
        Whether larger holes may stay, as places where water is gone.
    margin_m
        How much round the city is read, for what drains into it.
    label
        What has to be shown wherever the terrain is.
    """

    crs: str | None = None
    unit: str | None = None
    fill_holes_m2: float = 0.0
    open_holes: bool = False
    margin_m: float = 1500.0
    label: str = ""


def read_elevation(
    path: Path, *, city_crs: str, box: LonLatBox | None = None, options: ElevationOptions | None = None
) -> Elevation:
    """Read the elevation model at `path`.

    Parameters
    ----------
    path
        GeoTIFF, ESRI ASCII grid, or what else GDAL reads.
    city_crs
        Metric CRS that a model in degrees, in feet or in a CRS not true to area is brought to.
    box
        West, south, east, north of the city, EPSG:4326; None: the whole file is read.
    options
        What the city says of it.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the file is not there, or no raster of one band.
    ScenarioInvalid
        If its CRS is missing, unknown or contradicted, its unit is unclear, values are absurd, it has holes that
        nobody allowed, or lies elsewhere than the city.
    """
    chosen = options or ElevationOptions()
    file = path.name
    grid = read_grid(path, crs=chosen.crs, box=box, margin_m=chosen.margin_m)
    factor, said = metres_in(chosen.unit, written=grid.unit, crs=grid.crs, file=file)
    grid.values[...] *= factor
    place = Placed(grid.transform, grid.crs, grid.values.shape[1])
    refuse_absurd(grid.values, place=place, file=file)
    if not grid.fits:
        said.append(_reprojected(grid, city_crs))
        grid = warped(grid, city_crs)
    cell_x, cell_y = float(grid.transform.a), float(-grid.transform.e)
    if chosen.unit is None:
        refuse_cliffs(grid.values, cell_x, cell_y, file=file)
    heights, about_holes = without_holes(
        grid.values,
        cell_m2=cell_x * cell_y,
        fill_m2=chosen.fill_holes_m2,
        leave_open=chosen.open_holes,
        place=Placed(grid.transform, grid.crs, grid.values.shape[1]),
        file=file,
    )
    return Elevation(
        height_m=heights.astype(np.float32),
        crs=horizontal(grid.crs).to_string(),
        west=float(grid.transform.c),
        north=float(grid.transform.f),
        cell_x_m=cell_x,
        cell_y_m=cell_y,
        label=chosen.label,
        findings=(*said, *about_holes, *doubts(heights, max(cell_x, cell_y), whole=grid.whole)),
    )


def _reprojected(grid: Grid, crs: str) -> Finding:
    return Finding(
        rule="terrain.reprojected",
        severity=Severity.INFO,
        message=f"{grid.crs.name} is not a metric CRS true to area here: brought to {crs}",
    )
