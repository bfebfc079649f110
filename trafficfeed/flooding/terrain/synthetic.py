"""Ground made by a formula from the road network alone, for a city without an elevation model; always labelled so."""

import math

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.terrain.elevation import Elevation, Floats
from trafficfeed.flooding.terrain.grids import MOST_CELLS
from trafficfeed.network.flooding_section import SyntheticTerrain
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import forget_sumos_proj

_MARGIN_M = 100.0


def made_terrain(recipe: SyntheticTerrain, graph: RoadGraph, *, crs: str, label: str) -> Elevation:
    """Return the ground that `recipe` describes under the junctions of `graph` and 100 m round about.

    The formula is in `SyntheticTerrain`. The same recipe and network give the same ground, bit for bit.

    Parameters
    ----------
    recipe
        The city's.
    graph
        The road graph; its junctions give the extent, its edges where the kerbs are.
    crs
        The city's metric CRS.
    label
        Shown wherever the ground is; says that it is synthetic.

    Raises
    ------
    ScenarioInvalid
        If the grid would be too large.
    """
    frame = Elevation(height_m=np.zeros((0, 0), np.float32), crs=crs, west=0, north=0, cell_x_m=1, cell_y_m=1)
    nodes = frame.to_xy(graph.node_lonlat)
    west, south = nodes.min(axis=0)
    east, north = nodes.max(axis=0)
    size = recipe.cell_m
    columns, rows = (math.ceil((span + 2 * _MARGIN_M) / size) for span in (east - west, north - south))
    if rows * columns > MOST_CELLS:
        raise ScenarioInvalid(
            f"synthetic_terrain: {rows * columns:,} cells of {size:g} m are more than {MOST_CELLS:,}: raise cell_m"
        )
    grid = Elevation(
        height_m=np.zeros((rows, columns), np.float32),
        crs=crs,
        west=float(west - _MARGIN_M),
        north=float(south - _MARGIN_M + rows * size),
        cell_x_m=size,
        cell_y_m=size,
        label=label,
    )
    xy = grid.centres(np.arange(rows * columns))
    height = _height(recipe, grid, xy, np.array([west, south])) - recipe.kerb_m * _on_road(recipe, graph, grid, xy)
    grid.height_m[...] = height.reshape(rows, columns)
    return grid


def _height(recipe: SyntheticTerrain, grid: Elevation, xy: Floats, corner: Floats) -> Floats:
    inland = shapely.distance(shapely.points(xy), shapely.Polygon(grid.to_xy(recipe.water)))
    wave = np.sin(2 * np.pi * (xy - corner) / recipe.swell_length_m)
    height = recipe.quay_m + recipe.rise * inland**2 / (inland + recipe.flat_m)
    height = height + recipe.swell_m * wave[:, 0] * wave[:, 1]
    for bowl in recipe.bowl:
        r2 = ((xy - grid.to_xy([bowl.at])) ** 2).sum(axis=1)
        height = height - bowl.depth_m * np.exp(-r2 / bowl.radius_m**2)
    return np.where(inland > 0, height, recipe.bed_m)


def _on_road(recipe: SyntheticTerrain, graph: RoadGraph, grid: Elevation, xy: Floats) -> npt.NDArray[np.bool_]:
    """Return whether each point is within half a road's width of an edge's line."""
    forget_sumos_proj()
    from rasterio.features import rasterize
    from rasterio.transform import from_origin

    lines = shapely.transform(graph.geometry, grid.to_xy)
    roads = shapely.buffer(lines, recipe.road_half_width_m)
    burnt = rasterize(
        list(roads),
        out_shape=grid.height_m.shape,
        transform=from_origin(grid.west, grid.north, grid.cell_x_m, grid.cell_y_m),
        dtype="uint8",
    )
    return np.asarray(burnt.ravel().astype(bool)[: len(xy)])
