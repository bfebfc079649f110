"""What is simulated: a stretch of a city's demand with its interventions, and one run of it as a spec with a key."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import City, DemandSection, MesoSection
from trafficfeed.network.sumo_binary import sumo_version
from trafficfeed.settings import SimulationSettings
from trafficfeed.simulation.intervention_document import interventions_document, read_interventions
from trafficfeed.simulation.interventions import Intervention
from trafficfeed.simulation.sumo_network import file_hash

Tier = Literal["meso", "micro"]
_DAY_S = 86_400.0
PREPARATION = 2
"""Counts the changes of how a scenario is prepared: part of every key."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A stretch of demand on a network, with the interventions in it (none: the base).

    Attributes
    ----------
    net_path, route_paths, additional_paths
        The city's files, absolute.
    begin_s, end_s
        Vehicles that depart in ``[begin_s, end_s)`` are simulated, on the demand's clock.
    until_s
        When the run ends whoever is still driving, s.
    informed_share
        Drivers who know of the closures beforehand and look for a faster way every minute; chosen by a hash of the
        vehicle id, so the same in base and plan and with every seed.
    meso
        The junction penalties of the mesoscopic model.
    emergency_probes
        Emergency trips added where the demand has none.
    """

    net_path: Path
    route_paths: tuple[Path, ...]
    additional_paths: tuple[Path, ...]
    begin_s: float
    end_s: float
    until_s: float
    interventions: tuple[Intervention, ...] = ()
    informed_share: float = 0.5
    meso: MesoSection = field(default_factory=MesoSection)
    emergency_probes: int = 150

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """All that goes in, by content and JSON-able: hashes of the files, times, interventions, shares, penalties."""
        return {
            "network_sha256": file_hash(self.net_path),
            "demand_sha256": [file_hash(p) for p in self.route_paths],
            "additional_sha256": [file_hash(p) for p in self.additional_paths],
            "begin_s": self.begin_s,
            "end_s": self.end_s,
            "until_s": self.until_s,
            "interventions": interventions_document(self.interventions),
            "informed_share": self.informed_share,
            "emergency_probes": self.emergency_probes,
            "preparation": PREPARATION,
        }

    @cached_property
    def key(self) -> str:
        """sha256 (hex) of `inputs`: the same on every machine and in every folder."""
        return _digest(self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able form with the paths."""
        return {
            "net_path": str(self.net_path),
            "route_paths": [str(p) for p in self.route_paths],
            "additional_paths": [str(p) for p in self.additional_paths],
            "begin_s": self.begin_s,
            "end_s": self.end_s,
            "until_s": self.until_s,
            "interventions": interventions_document(self.interventions),
            "informed_share": self.informed_share,
            "meso": self.meso.model_dump(mode="json"),
            "emergency_probes": self.emergency_probes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Scenario":
        """Read what `to_json` wrote."""
        return cls(
            net_path=Path(data["net_path"]),
            route_paths=tuple(Path(p) for p in data["route_paths"]),
            additional_paths=tuple(Path(p) for p in data["additional_paths"]),
            begin_s=data["begin_s"],
            end_s=data["end_s"],
            until_s=data["until_s"],
            interventions=read_interventions(data["interventions"]),
            informed_share=data["informed_share"],
            meso=MesoSection.model_validate(data["meso"]),
            emergency_probes=data["emergency_probes"],
        )


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run of SUMO: a scenario, a tier and a seed."""

    scenario: Scenario
    tier: Tier
    seed: int

    @property
    def options(self) -> tuple[str, ...]:
        """SUMO's options that decide the outcome, without files and the seed."""
        return sumo_options(self.scenario, self.tier)

    @cached_property
    def key(self) -> str:
        """sha256 (hex) of all that goes in: file contents, options, interventions, seed and SUMO's version."""
        return _digest(
            {
                "scenario": self.scenario.inputs,
                "tier": self.tier,
                "seed": self.seed,
                "options": self.options,
                "sumo": sumo_version(),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"scenario": self.scenario.to_json(), "tier": self.tier, "seed": self.seed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RunSpec":
        """Read what `to_json` wrote."""
        return cls(scenario=Scenario.from_json(data["scenario"]), tier=data["tier"], seed=data["seed"])


def sumo_options(scenario: Scenario, tier: Tier) -> tuple[str, ...]:
    """Return SUMO's options that decide the outcome, without files and the seed."""
    options = [
        *("--begin", f"{scenario.begin_s:g}", "--end", f"{scenario.until_s:g}"),
        *("--ignore-route-errors", "--time-to-teleport", "300"),
        *("--device.rerouting.period", "60", "--device.rerouting.adaptation-interval", "60"),
        *("--routing-algorithm", "CCH"),
    ]
    return (*options, *(meso_options(scenario.meso) if tier == "meso" else ()))


def meso_options(meso: MesoSection) -> tuple[str, ...]:
    """Return the options of the mesoscopic model."""
    return (
        *("--mesosim", "--meso-multi-queue"),
        *("--meso-tls-penalty", f"{meso.tls_penalty_s:g}", "--meso-tls-flow-penalty", f"{meso.tls_flow_penalty:g}"),
        *("--meso-minor-penalty", f"{meso.minor_penalty_s:g}"),
        *(("--meso-junction-control",) if meso.junction_control else ()),
    )


def scenario_of(
    city: City,
    interventions: Iterable[Intervention],
    *,
    standing: Iterable[Intervention] = (),
    settings: SimulationSettings,
    informed_share: float,
) -> tuple[Scenario, Scenario]:
    """Return base and plan: the stretch of the city's demand that shows what `interventions` do.

    `standing` are those of orders in force already, on the same clock: they hold in the base as in the plan.

    For a demand of a whole day the stretch begins `settings.warm_up_s` before the first intervention and ends with the
    last one, or `settings.longest_s` after the first began. A demand of kind "hour" stands for any time: all of it is
    simulated, and interventions outside it are moved so that the first begins after the warm-up.

    Raises
    ------
    ScenarioInvalid
        If there are no interventions, or none meets the demand.
    """
    wanted = tuple(interventions)
    if not wanted:
        raise ScenarioInvalid(f"nothing to simulate in {city.name}: the order has no intervention in this period")
    demand = city.file.demand
    shift_s = _shift(demand, min(i.begin_s for i in wanted), settings)
    placed, stood = (tuple(_shifted(i, shift_s) for i in several) for several in (wanted, standing))
    begin_s, end_s = _stretch(demand, placed, settings)
    until_s = end_s + settings.cool_down_s
    clipped, held = (_within(i, begin_s, until_s) for i in (placed, stood))
    if end_s <= begin_s or not clipped:
        raise ScenarioInvalid(
            f"the interventions lie outside the demand of {city.name} ({demand.begin_s:g} to {demand.end_s:g} s): "
            "extend the demand, or choose another time"
        )
    base = Scenario(
        net_path=city.net_path,
        route_paths=city.route_paths,
        additional_paths=city.additional_paths,
        begin_s=begin_s,
        end_s=end_s,
        until_s=until_s,
        interventions=held,
        informed_share=informed_share,
        meso=city.file.meso,
        emergency_probes=settings.emergency_probes,
    )
    return base, replace(base, interventions=(*held, *clipped))


def _shift(demand: DemandSection, first_s: float, settings: SimulationSettings) -> float:
    """Return by how much interventions, of which the first begins at `first_s`, are moved to meet the demand, s."""
    if demand.kind == "day":
        return -_DAY_S * max(first_s // _DAY_S, 0.0)  # every day is the same
    if demand.begin_s <= first_s < demand.end_s:
        return 0.0
    return demand.begin_s + min(settings.warm_up_s, (demand.end_s - demand.begin_s) / 4) - first_s


def _stretch(
    demand: DemandSection, interventions: tuple[Intervention, ...], settings: SimulationSettings
) -> tuple[float, float]:
    if demand.kind == "hour":
        return demand.begin_s, demand.end_s
    first = min(i.begin_s for i in interventions)
    last = max(i.end_s for i in interventions)
    return max(demand.begin_s, first - settings.warm_up_s), min(last, first + settings.longest_s, demand.end_s)


def _shifted(intervention: Intervention, by_s: float) -> Intervention:
    return (
        replace(intervention, begin_s=intervention.begin_s + by_s, end_s=intervention.end_s + by_s)
        if by_s
        else intervention
    )


def _within(interventions: Iterable[Intervention], begin_s: float, end_s: float) -> tuple[Intervention, ...]:
    return tuple(c for i in interventions if (c := _clipped(i, begin_s, end_s)) is not None)


def _clipped(intervention: Intervention, begin_s: float, end_s: float) -> Intervention | None:
    begin, end = max(intervention.begin_s, begin_s), min(intervention.end_s, end_s)
    return replace(intervention, begin_s=begin, end_s=end) if begin < end else None


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
