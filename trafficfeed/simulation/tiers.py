"""Driving one tier: seed pairs of base and plan, in batches, until the gates are decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.progress import Progress, silent
from trafficfeed.settings import SimulationSettings, Thresholds
from trafficfeed.simulation.certificate import Estimate, Verdict
from trafficfeed.simulation.comparison import estimates, figures_of
from trafficfeed.simulation.results import RunResult
from trafficfeed.simulation.runs import run_many
from trafficfeed.simulation.scenario import RunSpec, Scenario, Tier
from trafficfeed.simulation.streets import EdgeTraffic, edge_traffic, full_edges
from trafficfeed.simulation.verdict import settled, verdict_of


@dataclass(frozen=True, kw_only=True)
class Driven:
    """The pairs of one tier: `base[i]` and `plan[i]` have the seed `seeds[i]`."""

    tier: Tier
    seeds: tuple[int, ...]
    base: Sequence[RunResult]
    plan: Sequence[RunResult]
    until_s: float
    graph: RoadGraph
    thresholds: Thresholds

    @cached_property
    def traffic(self) -> tuple[EdgeTraffic, EdgeTraffic]:
        """What base and plan carried by street."""
        return edge_traffic(self.base, self.graph), edge_traffic(self.plan, self.graph)

    @cached_property
    def pairs(self) -> list[dict[str, float]]:
        """The figures of each pair by name."""
        base, plan = (full_edges(side, self.graph).sum(axis=1) for side in self.traffic)
        return [
            figures_of(b, p, until_s=self.until_s) | {"full_stretches_change": float(plan[i] - base[i])}
            for i, (b, p) in enumerate(zip(self.base, self.plan, strict=True))
        ]

    @cached_property
    def metrics(self) -> dict[str, Estimate]:
        """The figures' estimates over the pairs."""
        return estimates(self.pairs)

    @property
    def verdict(self) -> Verdict:
        """What this tier says."""
        return verdict_of(self.thresholds, self.metrics)

    @property
    def vehicle_hours(self) -> float:
        """Time driven in the first base run, all vehicles together, h."""
        return float(np.nansum(self.base[0].trip_s)) / 3600.0


def pair_specs(base: Scenario, plan: Scenario, tier: Tier, seeds: Sequence[int]) -> list[RunSpec]:
    """Return the runs of `seeds`: base and plan of each, side by side, so that they run at the same time."""
    return [RunSpec(scenario=side, tier=tier, seed=seed) for seed in seeds for side in (base, plan)]


def drive(
    base: Scenario,
    plan: Scenario,
    tier: Tier,
    *,
    first_seed: int,
    looks: Sequence[int],
    graph: RoadGraph,
    thresholds: Thresholds,
    simulation: SimulationSettings,
    runs: Path,
    progress: Progress = silent,
) -> Driven:
    """Drive pairs with the seeds `first_seed`, +1, +2 …, until the gates are decided at one of `looks`.

    Raises
    ------
    ScenarioInvalid, SimulationFailed, SourceUnavailable, SourceMalformed
        As `run_many`.
    """
    results: list[RunResult] = []
    for look in looks:
        seeds = tuple(range(first_seed, first_seed + look))
        missing = pair_specs(base, plan, tier, seeds[len(results) // 2 :])
        results += run_many(
            missing,
            runs=runs,
            workers=simulation.workers,
            time_limit_s=simulation.time_limit_s,
            progress=partial(progress, f"{tier}, {look} pairs"),
        )
        driven = Driven(
            tier=tier,
            seeds=seeds,
            base=results[::2],
            plan=results[1::2],
            until_s=base.until_s,
            graph=graph,
            thresholds=thresholds,
        )
        if settled(thresholds, driven.metrics):
            break
    return driven
