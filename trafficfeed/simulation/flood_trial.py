"""A flood driven over seeds and shares of followers, against nobody following; judged, with a certificate."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from trafficfeed.network.sumo_binary import sumo_version
from trafficfeed.progress import Progress, silent
from trafficfeed.simulation.certificate import (
    Certificate,
    Estimate,
    Reason,
    Verdict,
    certificate_id,
    issued_text,
    verdict_of_reasons,
)
from trafficfeed.simulation.comparison import estimates
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.flood_drive import FloodDrive, ShutOnFeed, SlowedEdge, drive_through_water
from trafficfeed.simulation.flood_effect import TrueDepth, effect_of
from trafficfeed.simulation.sumo_network import file_hash
from trafficfeed.simulation.verdict import text_of

FOLLOWING: Final = (0.25, 0.5, 1.0)
MAX_TRIP_CHANGE: Final = 0.0


@dataclass(frozen=True, kw_only=True)
class FloodQuestion:
    """What is driven.

    `water` is the truth and `slowed` the speeds that it leaves, `feed` what was published of it. `following` are the
    shares of drivers who follow, each against none, with each of `seeds`. `subject` says whose feed it is.
    """

    scenario: DriveScenario
    water: Sequence[TrueDepth]
    slowed: Sequence[SlowedEdge]
    feed: Sequence[ShutOnFeed]
    following: Sequence[float] = FOLLOWING
    seeds: Sequence[int] = (1, 2, 3, 4, 5)
    subject: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Any]:
        """All that goes in, by content and JSON-able."""
        scenario = self.scenario
        return {
            "subject": dict(self.subject),
            "scenario": scenario.name,
            "network_sha256": file_hash(scenario.net_path),
            "demand_sha256": [file_hash(path) for path in scenario.route_paths],
            "additional_sha256": [file_hash(path) for path in scenario.additional_paths],
            "clock": {"begin_s": scenario.begin_s, "until_s": scenario.until_s},
            "water_sha256": self._water_hash,
            "feed": [[one.edge, round(one.from_s, 1), round(one.until_s, 1)] for one in self.feed],
            "following": list(self.following),
            "seeds": list(self.seeds),
            "sumo": {"version": sumo_version()},
        }

    @property
    def _water_hash(self) -> str:
        digest = hashlib.sha256()
        for one in self.water:
            digest.update(one.edge.encode())
            digest.update(np.round(np.stack([one.times_s, one.depth_m]), 4).tobytes())
        for slow in self.slowed:
            digest.update(repr((slow.edge, [(round(t, 1), round(v, 3)) for t, v in slow.steps])).encode())
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class FloodReport:
    """What came out: `metrics` by share of followers, means over seeds with their intervals."""

    question: FloodQuestion
    metrics: Mapping[float, Mapping[str, Estimate]]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """One reason a gate and share."""
        return tuple(reason for share in self.question.following for reason in self._reasons(share))

    @property
    def verdict(self) -> Verdict:
        """Publish where every gate is passed, hold where one has failed, inconclusive where more seeds would tell."""
        return verdict_of_reasons(self.reasons)

    def certificate(self, as_of: datetime) -> Certificate:
        """Return the certificate; `as_of` (aware) is when it is issued."""
        inputs = self.question.inputs
        metrics = {
            f"{name}_at_{share:.0%}".replace("%", "pc"): estimate
            for share, by_name in self.metrics.items()
            for name, estimate in by_name.items()
        }
        return Certificate(
            id=certificate_id(inputs),
            verdict=self.verdict,
            reasons=self.reasons,
            inputs=inputs,
            metrics=metrics,
            accounting={},
            streets=(),
            issued=issued_text(as_of),
            tier="micro",
            seeds={"micro": tuple(self.question.seeds)},
            notes=(
                "The water that was driven through is not the forecast that the feed was made of.",
                "Water of 30 cm and more is driven at walking pace here: a car that stalls would cost more.",
            ),
        )

    def _reasons(self, share: float) -> tuple[Reason, ...]:
        found, who = self.metrics[share], f"{share:.0%} following"
        return (
            _at_most(f"vehicles into 30 cm, {who}", found.get("entered_deep"), 0.0, "vehicles", "fewer than without"),
            _at_most(
                f"mean trip of all, {who}", found.get("trip_share"), MAX_TRIP_CHANGE, "%", "no longer than without"
            ),
            _at_most(f"unfinished trips, {who}", found.get("unfinished"), 0.0, "trips", "no more than without"),
        )


def run_trial(
    question: FloodQuestion, *, folder: Path, workers: int = 2, keep: bool = False, progress: Progress = silent
) -> FloodReport:
    """Drive every seed with every share of followers and without, and judge.

    Parameters
    ----------
    folder
        For SUMO's files, a folder a run; deleted once read unless `keep`.

    Raises
    ------
    SimulationFailed
        If a run cannot be finished: a trial without all its seeds says nothing.
    """
    arms = (0.0, *question.following)
    todo = list(product(question.seeds, arms))
    driven: dict[tuple[int, float], FloodDrive] = {}

    def one(run: tuple[int, float]) -> FloodDrive:
        seed, share = run
        at = folder / f"seed{seed}-{share:g}"
        result = drive_through_water(
            question.scenario, seed, folder=at, water=question.slowed, feed=question.feed, following=share
        )
        if not keep:
            shutil.rmtree(at, ignore_errors=True)
        return result

    with ThreadPoolExecutor(workers, thread_name_prefix="flood") as pool:
        for run, result in zip(todo, pool.map(one, todo), strict=True):
            driven[run] = result
            progress("drive through the water", len(driven), len(todo))
    figures = {
        share: [effect_of(driven[seed, 0.0], driven[seed, share], question.water) for seed in question.seeds]
        for share in question.following
    }
    return FloodReport(question=question, metrics={share: estimates(pairs) for share, pairs in figures.items()})


def _at_most(gate: str, estimate: Estimate | None, limit: float, unit: str, threshold: str) -> Reason:
    if estimate is None:
        return Reason(gate=gate, passed=False, decided=False, measured="not measured", threshold=threshold)
    passed = estimate.high <= limit
    return Reason(
        gate=gate,
        passed=passed,
        decided=passed or estimate.low > limit,
        measured=text_of(estimate, unit),
        threshold=threshold,
    )
