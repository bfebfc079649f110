"""A picture of a replayed storm: at each site the water, what was foretold of it, and what was decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from trafficfeed.flooding.decisions import Decision, DecisionRule, Level
from trafficfeed.flooding.observations import Floats
from trafficfeed.pipeline.flood_replay import Replayed

_AHEAD_S: Final = 1800.0
_COLOURS: Final = {Level.HAZARD: "#f0a202", Level.CLOSED: "#b3001b"}
_MOST: Final = 8


def draw_replay(replayed: Replayed, rule: DecisionRule, path: Path) -> None:
    """Draw the deepest sites of a replay into `path` (PNG, PDF or SVG by its ending)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure

    truth = replayed.storm.truth
    sites = sorted((site for site in replayed.sites if site.id in truth), key=lambda one: -truth[one.id].depth_m.max())
    shown = sites[:_MOST]
    figure = Figure(figsize=(11, 1.0 + 2.1 * max(len(shown), 1)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(max(len(shown), 1), 1, sharex=True))
    for axes, site in zip(panels, shown, strict=False):
        _site(axes, replayed, site.id, rule)
        axes.set_title(site.name or site.id, loc="left", fontsize=10)
        axes.set_ylabel("cm")
    panels[-1].xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call]
    panels[-1].set_xlabel("UTC")
    once: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        once |= dict(zip(labels, handles, strict=True))
    figure.legend(list(once.values()), list(once), loc="outside lower center", ncols=6, fontsize=9)
    note = f" – {replayed.storm.note}" if replayed.storm.synthetic else ""
    figure.suptitle(f"{replayed.storm.title}, {replayed.storm.begins:%Y-%m-%d}{note}", fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _site(axes: Any, replayed: Replayed, site: str, rule: DecisionRule) -> None:
    truth = replayed.storm.truth[site]
    times, low, middle, high = _foretold(replayed, site)
    if len(times):
        axes.fill_between(times, 100 * low, 100 * high, color="#9ecae1", alpha=0.6, lw=0, label="P10–P90, 30 min ahead")
        axes.plot(times, 100 * middle, color="#3182bd", lw=1.2, label="P50, 30 min ahead")
    axes.plot(_instants(truth.times), 100 * truth.depth_m, color="black", lw=1.4, label="what truly stood")
    top = 100 * max(float(truth.depth_m.max()), rule.closes_m) * 1.15
    for limit_m in (rule.clears_m, rule.closes_m):
        axes.axhline(100 * limit_m, color="0.6", lw=0.7, ls=":")
    own = [one for one in replayed.decisions if one.site == site]
    for level, begin, end in _strips(own, replayed.storm.ends):
        label = {Level.HAZARD: "hazard published", Level.CLOSED: "closed"}[level]
        axes.axvspan(begin, end, ymin=0.0, ymax=0.06, color=_COLOURS[level], lw=0, label=label)
    axes.set_ylim(0, top)
    axes.margins(x=0)


def _foretold(replayed: Replayed, site: str) -> tuple[list[datetime], Floats, Floats, Floats]:
    """Return what the forecasts said half an hour before each instant."""
    at: list[datetime] = []
    rows: list[tuple[float, float, float]] = []
    for one in replayed.forecasts:
        row, step = one.row(site), int(np.searchsorted(one.horizons_s, _AHEAD_S))
        at.append(datetime.fromtimestamp(one.issued_at.timestamp() + _AHEAD_S, UTC))
        rows.append((one.p10_m[row, step], one.p50_m[row, step], one.p90_m[row, step]))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return at, table[:, 0], table[:, 1], table[:, 2]


def _strips(made: Sequence[Decision], end: datetime) -> list[tuple[Level, datetime, datetime]]:
    ends = [*(one.decided_at for one in made[1:]), end]
    return [
        (one.level, one.decided_at, until)
        for one, until in zip(made, ends, strict=True)
        if one.level in _COLOURS and not one.awaits_approval
    ]


def _instants(times: Floats) -> list[datetime]:
    return [datetime.fromtimestamp(at, UTC) for at in times.tolist()]
