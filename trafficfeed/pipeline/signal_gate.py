"""The SUMO gate: drivers who follow our published feed have to stop less, lose no time, and be shown nothing false."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from trafficfeed.network.sumo_binary import sumo_version
from trafficfeed.network.sumo_net import read_net
from trafficfeed.pipeline.advising import FeedAdviser, PublishedFeed
from trafficfeed.progress import Progress
from trafficfeed.signals.accuracy.tally import Figures, Tally, merged
from trafficfeed.signals.advice import DEFAULT_RULE, AdviceRule
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.simulation.advised_drive import drive
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
from trafficfeed.simulation.driven_trips import pair_figures
from trafficfeed.simulation.lamp_record import actuated, record_lamps
from trafficfeed.simulation.sumo_network import file_hash

MAX_TRIP_CHANGE: Final = 0.01
_ACTUATED_S: Final = 2700.0  # of traffic, and the lamps before: every end is another, and has to be foreseen anew
FIXED, ACTUATED = "fixed programmes", "actuated programmes"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestion:
    """What is driven: a scenario with each seed, with advice and without.

    `share` of the vehicles is equipped; `signals` ahead are looked at. `topology` is the version that a good verdict
    lets go out, "" where it is about none.
    """

    scenario: DriveScenario
    seeds: Sequence[int] = (1, 2, 3, 4, 5)
    rule: AdviceRule = DEFAULT_RULE
    share: float = 1.0
    signals: int = 1
    topology: str = ""

    @property
    def inputs(self) -> dict[str, Any]:
        """All that goes in, by content."""
        scenario = self.scenario
        return {
            "scenario": scenario.name,
            "network_sha256": file_hash(scenario.net_path),
            "demand_sha256": [file_hash(path) for path in scenario.route_paths],
            "additional_sha256": [file_hash(path) for path in scenario.additional_paths],
            "watch_from_s": scenario.watch_from_s,
            "begin_s": scenario.begin_s,
            "until_s": scenario.until_s,
            "rule": asdict(self.rule),
            "share": self.share,
            "signals_ahead": self.signals,
            "seeds": list(self.seeds),
            "topology": self.topology,
            "sumo": sumo_version(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOutcome:
    """What one seed came to; `tally` counts the countdowns of the advised run."""

    seed: int
    figures: Mapping[str, float]
    tally: Tally
    conflicts: Sequence[str]
    illegal: Sequence[str]
    states: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gate found. `countdowns` are by kind of programme; the others over seeds."""

    question: GateQuestion
    metrics: Mapping[str, Estimate]
    conflicts: Sequence[str]
    illegal: Sequence[str]
    states: int
    countdowns: Mapping[str, Figures] = field(default_factory=dict)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """One reason a gate."""
        stops, trip = self.metrics.get("stops_change"), self.metrics.get("trip_change")
        return (
            _at_most("stops", stops, 0.0, "stops a trip have to fall"),
            _at_most("travel time", trip, MAX_TRIP_CHANGE, f"mean trip at most {MAX_TRIP_CHANGE:+.0%}"),
            _none("conflicting greens", self.conflicts, self.states),
            _none("illegal transitions", self.illegal, self.states),
        )

    @property
    def verdict(self) -> Verdict:
        """Publish where every gate is passed, hold where one has failed, inconclusive where more seeds would tell."""
        return verdict_of_reasons(self.reasons)


def run_gate(
    question: GateQuestion, *, folder: Path, workers: int = 2, countdowns: bool = True, progress: Progress | None = None
) -> GateReport:
    """Drive all seeds and judge.

    Each seed is driven in a process of its own, so that it shares nothing with the others and SUMO's outputs are read
    where they were written.

    Parameters
    ----------
    folder
        For SUMO's files; a folder a seed.
    countdowns
        Whether the countdowns are held against actuated programmes too (a run more).

    Raises
    ------
    SimulationFailed
        If a run cannot be finished: a gate without all its seeds says nothing.
    SourceUnavailable, SourceMalformed, ScenarioInvalid
        If the network cannot be read.
    """
    seeds = list(question.seeds)
    steps = len(seeds) + countdowns
    found: list[SeedOutcome] = []
    scored: dict[str, Figures] = {}
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool:
        reacting = pool.submit(actuated_tally, question.scenario, seeds[0], folder / ACTUATED) if countdowns else None
        for outcome in pool.map(drive_seed, [question] * len(seeds), seeds, [folder] * len(seeds)):
            found.append(outcome)
            if progress is not None:
                progress(f"drive seed {outcome.seed}", len(found), steps)
        scored[FIXED] = merged(outcome.tally for outcome in found).figures()
        if reacting is not None:
            scored[ACTUATED] = reacting.result().figures()
    return GateReport(
        question=question,
        metrics=estimates([outcome.figures for outcome in found]),
        conflicts=[text for outcome in found for text in outcome.conflicts],
        illegal=[text for outcome in found for text in outcome.illegal],
        states=sum(outcome.states for outcome in found),
        countdowns=scored,
    )


def drive_seed(question: GateQuestion, seed: int, folder: Path) -> SeedOutcome:
    """Drive one seed with advice and without, and compare."""
    scenario = question.scenario
    feed = published_feed(scenario)
    own = folder / f"seed-{seed}"
    base = drive(scenario, seed, folder=own / "base", adviser=None)
    adviser = FeedAdviser(feed, question.rule, signals=question.signals)
    advised = drive(scenario, seed, folder=own / "advised", adviser=adviser, share=question.share)
    return SeedOutcome(
        seed=seed,
        figures=pair_figures(base, advised),
        tally=feed.tally(),
        conflicts=tuple(feed.safety.conflicts),
        illegal=tuple(feed.safety.illegal),
        states=feed.safety.states,
    )


def actuated_tally(scenario: DriveScenario, seed: int, folder: Path) -> Tally:
    """Return how good the countdowns are where the same programmes react to traffic."""
    reacting = actuated(shorter(scenario, _ACTUATED_S), folder / "programmes.add.xml")
    feed = published_feed(reacting)
    for time_s, changes in groupby(record_lamps(reacting, seed, folder=folder), key=lambda change: change.time_s):
        feed.see(time_s, {change.signal: change.state for change in changes})
    return feed.tally()


def published_feed(scenario: DriveScenario) -> PublishedFeed:
    """Return a feed of a scenario's signals, of which nothing has been seen yet."""
    graph = read_net(scenario.net_path)
    topology, index = build_topology(graph, scenario.net_path, additional_paths=scenario.additional_paths)
    return PublishedFeed(topology, index)


def gate_certificate(report: GateReport, *, as_of: datetime) -> Certificate:
    """Return the gate's verdict with everything needed to obtain it again."""
    inputs = report.question.inputs
    return Certificate(
        id=certificate_id(inputs),
        verdict=report.verdict,
        reasons=report.reasons,
        inputs=inputs,
        metrics=report.metrics,
        accounting={},
        streets=(),
        issued=issued_text(as_of),
        tier="micro",
        seeds={"micro": list(report.question.seeds)},
        notes=tuple(_countdown_note(kind, figures) for kind, figures in report.countdowns.items()),
    )


def shorter(scenario: DriveScenario, seconds: float) -> DriveScenario:
    """Return the first seconds of a scenario's demand; who is on the way then is counted until then."""
    return replace(scenario, until_s=min(scenario.until_s, scenario.begin_s + seconds))


def _at_most(gate: str, measured: Estimate | None, limit: float, threshold: str) -> Reason:
    if measured is None:
        return Reason(gate=gate, passed=False, decided=False, measured="nothing measured", threshold=threshold)
    passed = measured.high <= limit if limit else measured.high < 0.0
    text = f"{measured.mean:+.1%} [{measured.low:+.1%}, {measured.high:+.1%}] over {measured.pairs} seeds"
    return Reason(gate=gate, passed=passed, decided=passed or measured.low > limit, measured=text, threshold=threshold)


def _none(gate: str, found: Sequence[str], states: int) -> Reason:
    example = f", e.g. {found[0]}" if found else ""
    text = f"{len(found)} in {states} published states{example}"
    return Reason(gate=gate, passed=not found and states > 0, decided=states > 0, measured=text, threshold="none")


def _countdown_note(kind: str, figures: Figures) -> str:
    if not figures.published_share or figures.within_1s is None or figures.mae_s is None:
        return f"Countdowns against {kind}: none published in {figures.seconds} seconds of lamps."
    return (
        f"Countdowns against {kind}: {figures.published_share:.1%} of {figures.seconds} seconds published, "
        f"{figures.within_1s:.2%} within 1 s, mean error {figures.mae_s:.2f} s."
    )
