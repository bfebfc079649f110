"""Base against plan, whole: which runs, how many, which tier decides, and the certificate of what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trafficfeed.errors import ScenarioInvalid, SimulationFailed
from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import sumo_version
from trafficfeed.progress import Progress, silent
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import (
    Certificate,
    Reason,
    Verdict,
    as_document,
    certificate_id,
    from_document,
    issued_text,
    plain,
)
from trafficfeed.simulation.comparison import accounting, paired_delays
from trafficfeed.simulation.evidence import Evidence, count_delays, save_evidence
from trafficfeed.simulation.intervention_document import edges_closed, edges_touched, interventions_document
from trafficfeed.simulation.interventions import Intervention
from trafficfeed.simulation.rerouters import supported_tiers
from trafficfeed.simulation.scenario import RunSpec, Scenario, Tier, scenario_of
from trafficfeed.simulation.stopping import confirmation_rule, looks_of, needs_confirmation, stopping_rule
from trafficfeed.simulation.street_names import StreetNames
from trafficfeed.simulation.streets import streets_of
from trafficfeed.simulation.tiers import Driven, drive, pair_specs
from trafficfeed.simulation.verdict import reasons_of

Confirm = Literal["auto", "meso", "micro"]
_NOT_IN_HASH = {"workers", "time_limit_s"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: whether these interventions pass in this city.

    `standing` are those of orders in force already, which hold in the base as in the plan. `subject` says whose they
    are (order `id`, `version`, `title`). `confirm` is "auto" (micro by `confirmation_rule`),
    "meso" (no confirmation where meso can show the interventions) or "micro" (always confirmed).
    """

    city: City
    interventions: Sequence[Intervention]
    settings: Settings
    standing: Sequence[Intervention] = ()
    subject: Mapping[str, Any] = field(default_factory=dict)
    informed_share: float = 0.5
    confirm: Confirm = "auto"

    @property
    def first_tier(self) -> Tier:
        """The tier that is driven first: meso where it can show the interventions."""
        return "meso" if "meso" in supported_tiers((*self.standing, *self.interventions)) else "micro"

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many pairs of the first tier the gates are read."""
        return looks_of(self.settings.thresholds.min_pairs, self.settings.thresholds.max_pairs)

    @property
    def confirmation_looks(self) -> tuple[int, ...]:
        """After how many pairs of the microscopic confirmation the gates are read."""
        simulation = self.settings.simulation
        return looks_of(simulation.confirm_min_pairs, simulation.confirm_max_pairs)

    def scenarios(self) -> tuple[Scenario, Scenario]:
        """Return base and plan.

        Raises
        ------
        ScenarioInvalid
            If there is nothing to simulate.
        """
        return scenario_of(
            self.city,
            self.interventions,
            standing=self.standing,
            settings=self.settings.simulation,
            informed_share=self.informed_share,
        )


def first_runs(question: Question) -> list[RunSpec]:
    """Return the runs of the first look, which are certain to be needed; none where there is nothing to simulate.

    They may be run anywhere and in any order with `runs.run`; `conclude` finds them by their keys.
    """
    try:
        base, plan = question.scenarios()
    except ScenarioInvalid:
        return []
    first = question.city.file.seed
    return pair_specs(base, plan, question.first_tier, range(first, first + question.looks[0]))


def evaluate(
    city: City,
    interventions: Sequence[Intervention],
    *,
    subject: Mapping[str, Any],
    graph: RoadGraph,
    settings: Settings,
    runs: Path,
    as_of: datetime,
    informed_share: float = 0.5,
    confirm: Confirm = "auto",
    progress: Progress = silent,
) -> Certificate:
    """Drive base against plan and return the certificate; `conclude` of the same question.

    Parameters
    ----------
    graph
        The city's road graph, for the streets' names.
    runs
        Folder of cached runs, of any scenarios; evidence for the report goes to `evidence_path` in it.
    as_of
        When it is issued (aware).
    progress
        Called with (what is being driven, runs done, runs in this batch).

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        If the city's files cannot be used. A run that crashes or exceeds its time limit, and interventions outside the
        demand, are no errors but an inconclusive certificate that says so.
    """
    question = Question(
        city=city,
        interventions=interventions,
        settings=settings,
        subject=subject,
        informed_share=informed_share,
        confirm=confirm,
    )
    return conclude(question, graph=graph, runs=runs, as_of=as_of, progress=progress)


def conclude(
    question: Question, *, graph: RoadGraph, runs: Path, as_of: datetime, progress: Progress | None = None
) -> Certificate:
    """Return the certificate of `question`: read the runs that are there, and drive those that are not.

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        As `evaluate`.
    """
    try:
        base, plan = question.scenarios()
    except ScenarioInvalid as error:
        return _undriven(question, _inputs(question, None), "coverage", str(error), as_of)
    inputs = _inputs(question, (base, plan))
    try:
        driven = _driven(question, base, plan, graph=graph, runs=runs, progress=progress or silent)
    except SimulationFailed as error:
        # not of the same inputs: a machine with more time may come to a result, which must not have this one's id
        return _undriven(question, inputs | {"failure": "simulation"}, "simulation", str(error), as_of)
    certificate = _certificate(question, inputs, driven, as_of)
    save_evidence(_evidence(question, driven), evidence_path(runs, certificate.id))
    return certificate


def evidence_path(runs: Path, identifier: str) -> Path:
    """Return where `conclude` saves the evidence of the certificate with this id."""
    return runs / "evidence" / f"{identifier}.npz"


def _driven(
    question: Question, base: Scenario, plan: Scenario, *, graph: RoadGraph, runs: Path, progress: Progress
) -> list[Driven]:
    """Return the tiers driven, the one that decides last."""
    settings = question.settings
    runs.mkdir(parents=True, exist_ok=True)

    def driving(tier: Tier, looks: Sequence[int]) -> Driven:
        return drive(
            base,
            plan,
            tier,
            first_seed=question.city.file.seed,
            looks=looks,
            graph=graph,
            thresholds=settings.thresholds,
            simulation=settings.simulation,
            runs=runs,
            progress=progress,
        )

    first = driving(question.first_tier, question.looks)
    if first.tier == "micro" or question.confirm == "meso":
        return [first]
    asked = question.confirm == "micro" or (
        _touches_traffic(question, first)
        and needs_confirmation(settings.thresholds, settings.simulation, first.metrics, first.vehicle_hours)
    )
    return [first, driving("micro", question.confirmation_looks)] if asked else [first]


def _inputs(question: Question, scenarios: tuple[Scenario, Scenario] | None) -> dict[str, Any]:
    city, settings = question.city, question.settings
    simulation = settings.simulation.model_dump(exclude=_NOT_IN_HASH)
    inputs: dict[str, Any] = {
        "subject": plain(question.subject),
        "city": {
            "name": city.name,
            "title": city.file.title,
            "left_hand": city.file.network.left_hand,
            "demand": city.file.demand.method,
        },
        "interventions": interventions_document(question.interventions),
        "standing": interventions_document(question.standing),
        "informed_share": question.informed_share,
        "seeds": {"first": city.file.seed, "looks": list(question.looks), "rule": stopping_rule(question.looks)},
        "confirmation": {
            "asked": question.confirm,
            "looks": list(question.confirmation_looks),
            "rule": confirmation_rule(settings.simulation),
        },
        "thresholds": settings.thresholds.model_dump(),
        "simulation": simulation,
        "sumo": {"version": sumo_version()},
    }
    return inputs if scenarios is None else inputs | _scenario_inputs(*scenarios, tiers=_tiers(question))


def _tiers(question: Question) -> tuple[Tier, ...]:
    return ("meso", "micro") if question.first_tier == "meso" else ("micro",)


def _scenario_inputs(base: Scenario, plan: Scenario, *, tiers: Sequence[Tier]) -> dict[str, Any]:
    return {
        "network_sha256": base.inputs["network_sha256"],
        "demand_sha256": [*base.inputs["demand_sha256"], *base.inputs["additional_sha256"]],
        "scenario_sha256": {"base": base.key, "plan": plan.key},
        "clock": {"begin_s": base.begin_s, "end_s": base.end_s, "until_s": base.until_s},
        "sumo": {
            "version": sumo_version(),
            "options": {tier: list(RunSpec(scenario=plan, tier=tier, seed=0).options) for tier in tiers},
        },
    }


def _certificate(
    question: Question, inputs: Mapping[str, Any], tiers: Sequence[Driven], as_of: datetime
) -> Certificate:
    driven = tiers[-1]
    names = StreetNames(driven.graph)
    certificate = Certificate(
        id=certificate_id(inputs),
        verdict=driven.verdict,
        reasons=reasons_of(question.settings.thresholds, driven.metrics),
        inputs=inputs,
        metrics=driven.metrics,
        accounting={"base": accounting(driven.base), "plan": accounting(driven.plan)},
        streets=streets_of(*driven.traffic, driven.graph, closed=_closed(question, driven.graph), names=names),
        issued=issued_text(as_of),
        tier=driven.tier,
        seeds={each.tier: each.seeds for each in tiers},
        first_look=tiers[0].metrics if len(tiers) > 1 else {},
        notes=_notes(question, inputs, tiers),
    )
    return from_document(as_document(certificate))  # rounded once, so that it equals itself read back


def _undriven(question: Question, inputs: Mapping[str, Any], gate: str, message: str, as_of: datetime) -> Certificate:
    threshold = "the closure lies within the demand" if gate == "coverage" else "every run ends within its time limit"
    return Certificate(
        id=certificate_id(inputs),
        verdict=Verdict.INCONCLUSIVE,
        reasons=(Reason(gate=gate, passed=False, decided=False, measured=message, threshold=threshold),),
        inputs=plain(inputs),
        metrics={},
        accounting={},
        streets=(),
        issued=issued_text(as_of),
        tier=question.first_tier,
    )


def _notes(question: Question, inputs: Mapping[str, Any], tiers: Sequence[Driven]) -> tuple[str, ...]:
    clock, interventions = inputs["clock"], question.interventions
    begin_s, end_s = min(i.begin_s for i in interventions), max(i.end_s for i in interventions)
    notes = [str(question.subject["assumption"])] if question.subject.get("assumption") else []
    if not _touches_traffic(question, tiers[-1]):
        notes.append("No traffic of this demand uses the streets concerned in the simulated time.")
    if (cut_off := tiers[-1].metrics["cut_off_vehicles"].mean) >= 0.5:
        notes.append(
            f"{cut_off:.0f} vehicles a run begin or end at the nearest open street, as theirs is shut; the time from "
            "there on foot is not counted."
        )
    if question.city.file.demand.kind == "day" and (begin_s < clock["begin_s"] or end_s > clock["end_s"]):
        notes.append(
            f"Simulated are {_hours(clock['end_s'] - clock['begin_s'])} of the measure's {_hours(end_s - begin_s)}: "
            "what the demand covers, or the longest stretch that the settings allow."
        )
    if len(tiers) > 1 and tiers[0].verdict is not tiers[1].verdict:
        notes.append(f"The mesoscopic look before came to: {tiers[0].verdict}. The microscopic model decided.")
    return tuple(notes)


def _touches_traffic(question: Question, driven: Driven) -> bool:
    base, plan = driven.traffic
    edges = _indices(edges_touched(question.interventions), driven.graph)
    return bool(base.entered[:, edges].any() or plan.entered[:, edges].any())


def _closed(question: Question, graph: RoadGraph) -> list[int]:
    return _indices(edges_closed(question.interventions), graph)


def _indices(edges: set[str], graph: RoadGraph) -> list[int]:
    return sorted(graph.index[edge] for edge in edges if edge in graph.index)


def _evidence(question: Question, tiers: Sequence[Driven]) -> Evidence:
    driven = tiers[-1]
    base, plan = driven.traffic
    delays = [paired_delays(b, p, until_s=driven.until_s) for b, p in zip(driven.base, driven.plan, strict=True)]
    return Evidence(
        network_hash=driven.graph.network_hash,
        pairs=driven.pairs,
        first_look_pairs=tiers[0].pairs if len(tiers) > 1 else [],
        delay_counts=count_delays(delays),
        closed=np.array(_closed(question, driven.graph), dtype=np.int64),
        flow_base=base.entered.mean(axis=0),
        flow_plan=plan.entered.mean(axis=0),
        delay_base_h=base.time_loss_s.mean(axis=0) / 3600.0,
        delay_plan_h=plan.time_loss_s.mean(axis=0) / 3600.0,
        queue_base_m=base.max_queue_m.mean(axis=0),
        queue_plan_m=plan.max_queue_m.mean(axis=0),
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600.0:.1f} h"
