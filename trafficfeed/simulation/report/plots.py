"""Plots of a comparison: delay by seed pair against its limit, and the distribution of delay by vehicle class."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trafficfeed.simulation.certificate import Estimate
from trafficfeed.simulation.evidence import BIN_EDGES_S
from trafficfeed.simulation.report.figure import BETTER, FAINT, GRID, INK, NEUTRAL, WORSE, new_figure, style, svg

_WIDTH_IN = 5.0
_WRITTEN = 0.02


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
    """Draw how delays spread, a strip per vehicle class, emergency first and then the most frequent; SVG."""
    classes = sorted(delay_counts, key=lambda c: (c != "emergency", -sum(delay_counts[c]), c))
    classes = [c for c in classes if sum(delay_counts[c])][:most]
    if not classes:
        return b""
    height_in = 0.7 + 0.62 * len(classes)
    figure = new_figure(_WIDTH_IN, height_in)
    panels = figure.subplots(len(classes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, classes, strict=True):
        _strip(axes, np.asarray(delay_counts[name]), f"{name} ({sum(delay_counts[name]):,})")
    inner = BIN_EDGES_S[1:-1]
    panels[-1].set_xticks(np.arange(len(inner)) + 0.5, [f"{edge:+.0f}" for edge in inner])
    panels[-1].tick_params(axis="x", labelsize=7)
    panels[-1].set_xlabel("extra time per trip, seconds (plan minus base, all seeds)", color=FAINT, fontsize=9)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.97, bottom=0.5 / height_in, hspace=0.3)
    return svg(figure)


def _strip(axes: Any, counts: Any, label: str) -> None:
    style(axes)
    middle = len(counts) // 2
    colours = [BETTER if i < middle else WORSE if i > middle else NEUTRAL for i in range(len(counts))]
    share = counts / max(1, counts.sum())
    axes.bar(np.arange(len(counts)), share, 0.9, color=colours)
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.set_ylim(0, 1.25 * share.max())
    axes.set_yticks([])
    axes.text(0.0, 0.98, label, transform=axes.transAxes, va="top", fontsize=9, color=INK)
    for i in np.flatnonzero(share >= _WRITTEN):
        axes.text(i, share[i], f"{100 * share[i]:.0f} %", ha="center", va="bottom", fontsize=7, color=FAINT)
