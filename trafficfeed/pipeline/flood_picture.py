"""A picture of the hollows, the roads that dip into them and the listed sites: for a person to look over."""

from pathlib import Path

import numpy as np
import shapely

from trafficfeed.flooding.sites import SiteSource
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.flood_places import PlacesReport

_NAMED = 25  # more names than these hide the map


def draw_places(report: PlacesReport, graph: RoadGraph, path: Path) -> None:
    """Draw the sites of `report` over the terrain, and write the picture to `path` (PNG, PDF or SVG by its ending)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 10), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    west, south, east, north = shapely.total_bounds(graph.geometry)
    if report.terrain is not None:
        _terrain(axes, report)
    linked = {road.edge for site in report.sites for road in site.roads}
    is_linked = np.array([edge in linked for edge in graph.edge_ids], dtype=bool)
    for rows, colour, width in ((~is_linked, "0.45", 0.5), (is_linked, "#d95f02", 2.2)):
        lines = [shapely.get_coordinates(line) for line in graph.geometry[rows]]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width))
    for source, mark in ((SiteSource.TERRAIN, "v"), (SiteSource.LIST, "o")):
        at = np.array([(site.lon, site.lat) for site in report.sites if site.source is source]).reshape(-1, 2)
        axes.scatter(at[:, 0], at[:, 1], marker=mark, color="#1b4f9c", zorder=3, label=f"{len(at)} from {source.value}")
    if len(report.sites) <= _NAMED:
        for site in report.sites:
            axes.annotate(site.name or site.id, (site.lon, site.lat), (4, 4), textcoords="offset points", fontsize=7)
    wide, high = 0.04 * (east - west), 0.04 * (north - south)
    axes.set(xlim=(west - wide, east + wide), ylim=(south - high, north + high), xlabel="lon", ylabel="lat")
    axes.set_aspect(1 / np.cos(np.radians((south + north) / 2)))
    label = f" ({report.note.terrain_label})" if report.note.terrain_label else ""
    axes.set_title(f"{report.city}: flood sites and the roads they reach{label}")
    axes.legend(loc="upper right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _terrain(axes: object, report: PlacesReport) -> None:
    """Draw heights in grey and the water of full hollows in blue, thinned to what a screen shows."""
    terrain = report.terrain
    if terrain is None:
        return
    elevation, hollows = terrain.elevation, terrain.depressions
    rows, columns = elevation.height_m.shape
    thin = max(1, max(rows, columns) // 1500)
    height, label = elevation.height_m[::thin, ::thin], hollows.label[::thin, ::thin]
    row, column = np.meshgrid(np.arange(0, rows, thin), np.arange(0, columns, thin), indexing="ij")
    lonlat = elevation.to_lonlat(elevation.centres((row * columns + column).ravel())).reshape(*row.shape, 2)
    depth = np.where(label > 0, np.concatenate([[0.0], hollows.spill_m])[label] - height, np.nan)
    deepest = max(float(np.nanmax(depth, initial=0.0)), 0.1)
    draw = axes.pcolormesh  # type: ignore[attr-defined]
    low, high = float(np.nanmin(height)), float(np.nanmax(height))
    draw(lonlat[..., 0], lonlat[..., 1], height, cmap="Greys_r", shading="nearest", vmin=2 * low - high, vmax=high + 1)
    water = draw(
        lonlat[..., 0], lonlat[..., 1], depth, cmap="GnBu", shading="nearest", vmin=-0.5 * deepest, vmax=deepest
    )
    bar = axes.figure.colorbar(water, ax=axes, label="depth when full, m", shrink=0.6)  # type: ignore[attr-defined]
    bar.ax.set_ylim(0, deepest)  # shallow water is not white
