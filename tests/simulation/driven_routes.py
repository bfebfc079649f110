"""Runs a spec with one more output than a run has: which edges (or lanes) each vehicle used, and when."""

from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

from trafficfeed.simulation.interventions import Intervention
from trafficfeed.simulation.preparation import prepare
from trafficfeed.simulation.runs import sumo_arguments
from trafficfeed.simulation.scenario import RunSpec, Scenario, Tier
from trafficfeed.simulation.sumo_process import run_program


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A vehicle enters an edge, from another (or "" where it starts)."""

    vehicle: str
    edge: str
    before: str
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """All entries of a run, the vehicles that were teleported, and the lane entries by (lane, interval begin)."""

    entries: list[Entry]
    log: str
    lanes: dict[tuple[str, float], float]

    def entered(self, edges: str, begin_s: float, end_s: float, *, prefix: str = "car") -> list[Entry]:
        """Entries into `edges` (separated by blanks) in [begin_s, end_s) by vehicles named `prefix`…"""
        wanted = set(edges.split())
        return [
            e for e in self.entries if e.edge in wanted and begin_s <= e.time_s < end_s and e.vehicle.startswith(prefix)
        ]


def driven(spec: RunSpec, folder: Path) -> Driven:
    """Run `spec` in `folder`."""
    prepared = prepare(spec.scenario, folder / "prepared")
    run = folder / f"{spec.tier}-{spec.key[:8]}"
    run.mkdir()
    lanes = run / "lanes.add.xml"
    lanes.write_text('<additional><laneData id="l" file="lanes.xml" period="300"/></additional>', "utf-8")
    arguments = sumo_arguments(spec, prepared, run)
    at = arguments.index("--additional-files") + 1
    arguments[at] += f",{lanes}"
    routes = run / "routes.xml"
    arguments += ["--vehroute-output", str(routes), "--vehroute-output.exit-times", "--vehroute-output.last-route"]
    log = run_program("sumo", arguments, folder=run, time_limit_s=120).read_text("utf-8")
    return Driven(entries=_entries(routes), log=log, lanes=_lanes(run / "lanes.xml"))


def _entries(path: Path) -> list[Entry]:
    entries = []
    for vehicle in etree.parse(path).getroot().iterchildren("vehicle"):
        route = vehicle.find("route")
        edges, left = route.get("edges").split(), [float(t) for t in route.get("exitTimes").split()]
        times = [float(vehicle.get("depart")), *left[:-1]]
        for edge, before, time in zip(edges, ["", *edges], times, strict=False):
            entries.append(Entry(vehicle=vehicle.get("id"), edge=edge, before=before, time_s=time))
    return entries


def _lanes(path: Path) -> dict[tuple[str, float], float]:
    counts = {}
    for interval in etree.parse(path).getroot().iter("interval"):
        for lane in interval.iter("lane"):
            seconds = float(lane.get("sampledSeconds", "0"))
            counts[lane.get("id"), float(interval.get("begin"))] = seconds
    return counts


class Driver:
    """Drives a scenario with interventions and says which edges each vehicle entered when."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = scenario
        self._folder = folder

    def __call__(self, tier: Tier, *interventions: Intervention) -> Driven:
        spec = RunSpec(scenario=replace(self._scenario, interventions=interventions), tier=tier, seed=1)
        return driven(spec, self._folder)
