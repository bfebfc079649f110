"""Where traffic goes: the change of flow, delay and queue by street, over seed pairs."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.simulation.comparison import estimate
from trafficfeed.simulation.results import FloatArray, RunResult
from trafficfeed.simulation.street_names import StreetNames

_FULL = 0.9
_NOISE_FLOW = 1.0
_NOISE_DELAY_H = 0.02


@dataclass(frozen=True, kw_only=True)
class EdgeTraffic:
    """What each edge carried in the runs of one side (base or plan).

    Attributes
    ----------
    entered, time_loss_s, max_queue_m
        ``(n_runs, n_edges) float64`` totals over each run: vehicles that entered, vehicle-seconds lost, longest jam.
    """

    entered: FloatArray
    time_loss_s: FloatArray
    max_queue_m: FloatArray


def edge_traffic(runs: Sequence[RunResult], graph: RoadGraph) -> EdgeTraffic:
    """Lay the edge columns of `runs` on the graph's edges; edges that a run does not name carried nothing."""

    def laid(column: Callable[[RunResult], FloatArray]) -> FloatArray:
        table = np.zeros((len(runs), len(graph)), dtype=np.float64)
        for row, run in enumerate(runs):
            at = np.array([graph.index.get(edge, -1) for edge in run.edge_id], dtype=np.int64)
            table[row, at[at >= 0]] = column(run)[at >= 0]
        return table

    return EdgeTraffic(
        entered=laid(lambda run: run.edge_entered),
        time_loss_s=laid(lambda run: run.edge_time_loss_s),
        max_queue_m=laid(lambda run: run.edge_max_queue_m),
    )


def full_edges(traffic: EdgeTraffic, graph: RoadGraph) -> npt.NDArray[np.bool_]:
    """Tell whether a queue filled an edge and so blocked the junction before it; ``(n_runs, n_edges) bool``."""
    return traffic.max_queue_m >= _FULL * graph.length_m


def streets_of(
    base: EdgeTraffic, plan: EdgeTraffic, graph: RoadGraph, *, closed: Iterable[int], names: StreetNames, most: int = 20
) -> list[dict[str, Any]]:
    """Return the streets that change most, the most affected first; plain JSON values, no SUMO ids.

    Parameters
    ----------
    closed
        Indices of edges that the plan shuts.
    most
        At most so many streets. Streets whose change is not clear of the noise between seeds are left out, closed ones
        never.

    Returns
    -------
    list of dict
        `street`, `from_street`, `to_street`, `compass` and `lonlat` of the stretch whose flow changes most; `length_m`
        of the street, both directions; `closed`; `flow_base`, `flow_plan`, `flow_change`: vehicles in the run on that
        stretch; `delay_base_h`, `delay_plan_h`, `delay_change_h`: vehicle-hours lost on the whole street;
        `queue_base_m`, `queue_plan_m`: longest jam; all means over seeds. `spill_back`: a queue fills a stretch and
        reaches the junction before it in most plan runs, and not in most base runs.
    """
    shut = np.zeros(len(graph), dtype=bool)
    shut[list(closed)] = True
    spill = (full_edges(plan, graph).mean(axis=0) > 0.5) & (full_edges(base, graph).mean(axis=0) <= 0.5)
    rows = [
        _row(base, plan, graph, edges, names=names, shut=shut, spill=spill)
        for edges in _touched(base, plan, names, shut)
    ]
    flow_scale = max((abs(r["flow_change"]) for r in rows), default=0.0) or 1.0
    delay_scale = max((abs(r["delay_change_h"]) for r in rows), default=0.0) or 1.0

    def weight(row: dict[str, Any]) -> tuple[float, str, float]:
        share = max(abs(row["flow_change"]) / flow_scale, abs(row["delay_change_h"]) / delay_scale)
        return -(share + row["closed"]), row["street"], row["lonlat"][0]

    clear = [row for row in rows if row.pop("clear") or row["closed"] or row["spill_back"]]
    return sorted(clear, key=weight)[:most]


def _touched(
    base: EdgeTraffic, plan: EdgeTraffic, names: StreetNames, shut: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.int64]]:
    """Return the edges of each street where anything differs or is shut."""
    differs = (base.entered != plan.entered).any(axis=0) | (base.time_loss_s != plan.time_loss_s).any(axis=0) | shut
    order = np.argsort(names.street, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(names.street[order])) + 1)
    return [edges for edges in groups if len(edges) and differs[edges].any()]


def _row(
    base: EdgeTraffic,
    plan: EdgeTraffic,
    graph: RoadGraph,
    edges: npt.NDArray[np.int64],
    *,
    names: StreetNames,
    shut: npt.NDArray[np.bool_],
    spill: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    change = (plan.entered - base.entered)[:, edges]
    peak = int(edges[np.argmax(np.abs(change.mean(axis=0)))])
    flow = (plan.entered - base.entered)[:, peak]
    delay_h = (plan.time_loss_s - base.time_loss_s)[:, edges].sum(axis=1) / 3600.0
    middle = graph.geometry[peak].interpolate(0.5, normalized=True)
    return {
        **names.stretch(peak),
        "lonlat": [round(middle.x, 6), round(middle.y, 6)],
        "length_m": float(graph.length_m[edges].sum()),
        "closed": bool(shut[edges].any()),
        "flow_base": float(base.entered[:, peak].mean()),
        "flow_plan": float(plan.entered[:, peak].mean()),
        "flow_change": float(flow.mean()),
        "delay_base_h": float(base.time_loss_s[:, edges].sum(axis=1).mean() / 3600.0),
        "delay_plan_h": float(plan.time_loss_s[:, edges].sum(axis=1).mean() / 3600.0),
        "delay_change_h": float(delay_h.mean()),
        "queue_base_m": float(base.max_queue_m[:, edges].max(axis=1).mean()),
        "queue_plan_m": float(plan.max_queue_m[:, edges].max(axis=1).mean()),
        "spill_back": bool(spill[edges].any()),
        "clear": _clear(flow, _NOISE_FLOW) or _clear(delay_h, _NOISE_DELAY_H),
    }


def _clear(changes: FloatArray, least: float) -> bool:
    interval = estimate(changes.tolist())
    if abs(interval.mean) < least or not math.isfinite(interval.low):
        return False
    return interval.low > 0 or interval.high < 0
