"""The map of a change by street: lines on the road graph, closed streets marked, the most affected numbered."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.simulation.report.figure import FAINT, INK, new_figure, png

_WIDTH_IN = 5.0
_METRES_PER_DEGREE = 111_320.0
_STREETS_GREY = "#d3d8dd"
_COLOURS = (
    "#35166b",
    "#8573b6",
    "#cdd2d7",
    "#e8923a",
    "#8a3a05",
)  # purple less, orange more: safe for the colour-blind
_LEAST_EXTENT_M = 500.0
_LABELLED = 8
_STRONG = 0.15

FloatArray = npt.NDArray[np.float64]


def change_map(
    graph: RoadGraph,
    change: FloatArray,
    *,
    extent: "Extent",
    closed: npt.NDArray[np.int64],
    streets: Sequence[Mapping[str, Any]],
    unit: str,
    least: float,
    left_hand: bool = False,
) -> bytes:
    """Draw `change` on the streets in `extent`; north is up, metres are equal both ways.

    Parameters
    ----------
    change
        ``(n_edges,) float64``, plan minus base, in `unit`.
    closed
        Graph indices of the shut edges, drawn black.
    streets
        Rows of `streets_of`; the first ones are marked with their numbers, counted from 1.
    least
        Changes smaller than this are noise, drawn as plain streets.
    left_hand
        Traffic drives on the left: decides to which side the two directions of a street are parted.

    Returns
    -------
    bytes
        PNG.
    """
    shown, plane = np.flatnonzero(np.abs(change) >= least), extent
    height_in = _WIDTH_IN * plane.height_m / plane.width_m
    figure = new_figure(_WIDTH_IN, height_in + 0.55)
    axes = figure.add_axes((0, 0.55 / (height_in + 0.55), 1, height_in / (height_in + 0.55)))
    axes.set(xlim=(0, plane.width_m), ylim=(0, plane.height_m), aspect="equal")
    axes.set_axis_off()
    lines = plane.lines(graph)
    _draw_streets(axes, lines, plane)
    colours = _draw_change(axes, lines, change, shown, plane.width_m, left_hand=left_hand)
    _draw_closed(axes, lines, closed)
    _number(axes, plane, streets[:_LABELLED])
    _scale_bar(axes, plane)
    _legend(figure, colours, unit, closed=bool(len(closed)))
    return png(figure)


class Extent:
    """What a map shows, and metres east and north of its south-west corner; good for a few kilometres."""

    def __init__(self, west: float, south: float, width_m: float, height_m: float) -> None:
        self.west, self.south, self.width_m, self.height_m = west, south, width_m, height_m
        self.scale = np.array([_METRES_PER_DEGREE * math.cos(math.radians(south)), _METRES_PER_DEGREE])

    @classmethod
    def around(cls, graph: RoadGraph, closed: npt.NDArray[np.int64], changes: Sequence[FloatArray]) -> "Extent":
        """Return the extent that holds the closed edges and whatever changes strongly, with a margin."""
        strong = [np.flatnonzero(np.abs(c) >= max(_STRONG * np.abs(c).max(initial=0.0), 1e-9)) for c in changes]
        edges = np.unique(np.concatenate([*strong, closed])).astype(np.int64)
        bounds = shapely.bounds(graph.geometry[edges] if len(edges) else graph.geometry)
        (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
        middle = np.array([(west + east) / 2, (south + north) / 2])
        scale = np.array([_METRES_PER_DEGREE * math.cos(math.radians(middle[1])), _METRES_PER_DEGREE])
        size = np.maximum(np.array([east - west, north - south]) * scale * 1.2, _LEAST_EXTENT_M)
        size = np.array([max(size[0], size[1] / 1.3), max(size[1], size[0] * 0.6)])
        corner = middle - size / 2 / scale
        return cls(float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))

    def xy(self, lonlat: FloatArray) -> FloatArray:
        """Return ``(n, 2)`` metres of ``(n, 2)`` lon, lat."""
        scaled: FloatArray = (lonlat - np.array([self.west, self.south])) * self.scale
        return scaled

    def lines(self, graph: RoadGraph) -> npt.NDArray[Any]:
        """Return the graph's lines in metres."""
        lines: npt.NDArray[Any] = shapely.transform(shapely.force_2d(graph.geometry), self.xy)
        return lines

    def holds(self, lines: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Tell which lines touch the map."""
        inside: npt.NDArray[np.bool_] = shapely.intersects(lines, shapely.box(0, 0, self.width_m, self.height_m))
        return inside


def _draw_streets(axes: Any, lines: npt.NDArray[Any], plane: Extent) -> None:
    from matplotlib.collections import LineCollection

    near = lines[plane.holds(lines)]
    axes.add_collection(LineCollection(_points(near), colors=_STREETS_GREY, linewidths=1.0, capstyle="round"))


def _draw_change(
    axes: Any,
    lines: npt.NDArray[Any],
    change: FloatArray,
    shown: npt.NDArray[np.int64],
    width_m: float,
    *,
    left_hand: bool,
) -> Any:
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    most = float(np.quantile(np.abs(change[shown]), 0.98)) if len(shown) else 1.0
    order = shown[np.argsort(np.abs(change[shown]), kind="stable")]
    aside = width_m * (0.004 if left_hand else -0.004)
    parted = [shapely.offset_curve(lines[e], aside) for e in order]
    kept = [(e, line) for e, line in zip(order, parted, strict=True) if line.geom_type == "LineString" and line.length]
    strength = np.minimum(np.abs(change[[e for e, _ in kept]]) / most, 1.0) if kept else np.zeros(0)
    drawn = LineCollection(
        _points([line for _, line in kept]),
        array=change[[e for e, _ in kept]] if kept else np.zeros(0),
        cmap=LinearSegmentedColormap.from_list("change", _COLOURS),
        norm=TwoSlopeNorm(0.0, -most, most),
        linewidths=1.2 + 2.6 * strength,
        capstyle="round",
        zorder=3,
    )
    axes.add_collection(drawn)
    return drawn


def _draw_closed(axes: Any, lines: npt.NDArray[Any], closed: npt.NDArray[np.int64]) -> None:
    from matplotlib.collections import LineCollection

    points = _points(lines[closed])
    axes.add_collection(LineCollection(points, colors=INK, linewidths=4.2, capstyle="butt", zorder=4))
    axes.add_collection(LineCollection(points, colors="white", linewidths=1.4, linestyles=(0, (2, 2)), zorder=5))


def _number(axes: Any, plane: Extent, streets: Sequence[Mapping[str, Any]]) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.5, foreground="white")]
    placed: list[tuple[float, float]] = []
    for number, street in enumerate(streets, start=1):
        x, y = plane.xy(np.array([street["lonlat"]], dtype=np.float64))[0]
        if not (0 < x < plane.width_m and 0 < y < plane.height_m):
            continue
        badge = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": INK, "linewidth": 0.8}
        axes.text(x, y, str(number), fontsize=8, ha="center", va="center", color=INK, bbox=badge, zorder=8)
        crowded = any(abs(x - a) < 0.34 * plane.width_m and abs(y - b) < 0.05 * plane.height_m for a, b in placed)
        if street["street"].startswith("unnamed") or crowded:
            continue
        placed.append((x, y))
        leftward = x > 0.6 * plane.width_m
        axes.annotate(
            street["street"],
            (x, y),
            (-9 if leftward else 9, 0),
            textcoords="offset points",
            ha="right" if leftward else "left",
            va="center",
            fontsize=8.5,
            color=INK,
            path_effects=halo,
            zorder=7,
        )


def _scale_bar(axes: Any, plane: Extent) -> None:
    length = _round_length(plane.width_m / 4)
    x, y = 0.03 * plane.width_m, 0.03 * plane.height_m
    axes.plot([x, x + length], [y, y], color=INK, linewidth=2.5, solid_capstyle="butt", zorder=9)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.annotate(label, (x, y), (0, 4), textcoords="offset points", fontsize=8.5, color=INK, zorder=9)


def _round_length(length_m: float) -> float:
    power = 10.0 ** math.floor(math.log10(length_m))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= length_m)


def _legend(figure: Any, drawn: Any, unit: str, *, closed: bool) -> None:
    height = figure.get_size_inches()[1]
    axes = figure.add_axes((0.04, 0.34 / height, 0.56, 0.1 / height))
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal", extend="both")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0, colors=FAINT, pad=2)
    figure.text(0.63, 0.39 / height, unit, fontsize=8.5, color=INK, va="center")
    if closed:
        figure.text(0.63, 0.17 / height, "▬▬ closed by the plan", fontsize=8.5, color=INK, va="center")


def _points(lines: Any) -> list[FloatArray]:
    return [shapely.get_coordinates(line) for line in lines]
