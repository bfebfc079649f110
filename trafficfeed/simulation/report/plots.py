"""Plots of a comparison: delay by seed pair against its limit, and the distribution of delay by vehicle class."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trafficfeed.simulation.certificate import Estimate
from trafficfeed.simulation.evidence import BIN_EDGES_S
from trafficfeed.simulation.report.figure import BETTER, FAINT, GRID, INK, NEUTRAL, WORSE, new_figure, style, svg

_WIDTH_IN = 5.0


def pairs_plot(
    pairs: Sequence[Mapping[str, float]], rows: Sequence[tuple[str, str, float]], metrics: Mapping[str, Estimate]
) -> bytes:
    """Draw each seed pair's delay as a dot, the mean with its interval, and the limit.

    Parameters
    ----------
    rows
        (label, metric, limit in s) of each line; those whose metric was not measured are left out.

    Returns
    -------
    bytes
        SVG.
    """
    shown = [row for row in rows if row[1] in metrics]
    figure = new_figure(_WIDTH_IN, 0.75 + 0.85 * len(shown))
    axes = figure.add_axes((0.19, 0.5 / (0.75 + 0.85 * len(shown)), 0.77, 1 - 0.75 / (0.75 + 0.85 * len(shown))))
    style(axes)
    axes.axvline(0, color=NEUTRAL, linewidth=1)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    for y, (_, metric, limit) in enumerate(shown):
        _pairs_row(axes, y, [pair[metric] for pair in pairs if metric in pair], metrics[metric], limit)
    axes.set_yticks(range(len(shown)), [label for label, _, _ in shown])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=10)
    axes.set_ylim(len(shown) - 0.45, -0.6)
    axes.margins(x=0.08)
    axes.set_xlabel("extra time per trip, seconds (plan minus base)", color=FAINT, fontsize=9)
    return svg(figure)


def _pairs_row(axes: Any, y: int, values: Sequence[float], mean: Estimate, limit: float) -> None:
    colour = WORSE if mean.low > limit else BETTER if mean.high <= limit else INK
    axes.plot([limit, limit], [y - 0.36, y + 0.36], color=INK, linewidth=2, solid_capstyle="butt")
    axes.annotate(
        f"limit {limit:.0f} s", (limit, y - 0.36), (0, 2), textcoords="offset points", ha="center", fontsize=8
    )
    axes.scatter(values, np.full(len(values), y + 0.17), s=16, color=NEUTRAL, linewidths=0, zorder=3)
    if math.isfinite(mean.low):
        axes.plot([mean.low, mean.high], [y, y], color=colour, linewidth=5, alpha=0.45, solid_capstyle="butt")
    axes.plot(mean.mean, y, marker="D", markersize=7, color=colour, zorder=4)
    axes.annotate(f"{mean.mean:.1f} s", (mean.mean, y), (0, 7), textcoords="offset points", ha="center", fontsize=9)


def distribution_plot(delay_counts: Mapping[str, Sequence[int]], *, most: int = 5) -> bytes:
    """Draw how delays spread, a strip per vehicle class, the most frequent classes and emergency first; SVG."""
    classes = sorted(delay_counts, key=lambda c: (c != "emergency", -sum(delay_counts[c]), c))
    classes = [c for c in classes if sum(delay_counts[c])][:most]
    if not classes:
        return b""
    low, high = _span([delay_counts[c] for c in classes])
    edges = np.clip(BIN_EDGES_S, low, high)
    figure = new_figure(_WIDTH_IN, 0.65 + 0.62 * len(classes))
    panels = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, classes, strict=True):
        _strip(axes, edges, np.asarray(delay_counts[name]), f"{name} ({sum(delay_counts[name]):,})")
    panels[-1].set_xlim(low, high)
    panels[-1].set_xlabel("extra time per trip, seconds (all seeds; ends are open)", color=FAINT, fontsize=9)
    top, bottom = 0.96, 0.5 / (0.65 + 0.62 * len(classes))
    figure.subplots_adjust(left=0.04, right=0.96, top=top, bottom=bottom, hspace=0.35)
    return svg(figure)


def _strip(axes: Any, edges: Any, counts: Any, label: str) -> None:
    style(axes)
    width, left = np.diff(edges), edges[:-1]
    shown = width > 0
    first, last = int(np.flatnonzero(shown)[0]), int(np.flatnonzero(shown)[-1])
    gathered = counts.astype(float)
    gathered[first], gathered[last] = counts[: first + 1].sum(), counts[last:].sum()
    share = gathered / max(1, counts.sum())
    colours = np.where(left >= 0, WORSE, BETTER)
    axes.bar(left[shown], share[shown], width[shown] * 0.92, align="edge", color=colours[shown])
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks([])
    axes.text(0.0, 0.98, label, transform=axes.transAxes, va="top", fontsize=9, color=INK)


def _span(counts: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Return the limits (s) that hold 99 % of every class, at least ±60 s, one bin of room on either side."""
    low, high = -60.0, 60.0
    finite = np.clip(BIN_EDGES_S, -615.0, 615.0)
    for column in counts:
        share = np.cumsum(column) / max(1, sum(column))
        low = min(low, float(finite[int(np.searchsorted(share, 0.005))]))
        high = max(high, float(finite[min(len(finite) - 1, int(np.searchsorted(share, 0.995)) + 1)]))
    return low - 15.0, high + 15.0
