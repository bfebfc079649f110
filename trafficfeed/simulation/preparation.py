"""A scenario's files for SUMO, made once and shared by all its seeds and tiers."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import quoteattr

from lxml import etree

from trafficfeed.errors import ScenarioInvalid, SourceMalformed
from trafficfeed.simulation.departures import Demand, Vehicle, opened, read_demand, stable_share
from trafficfeed.simulation.displacement import Displaced, displace
from trafficfeed.simulation.emergency_probes import PROBE_TYPE, PROBE_TYPE_XML, emergency_probes
from trafficfeed.simulation.interventions import EdgeClosure
from trafficfeed.simulation.rerouters import supported_tiers, write_interventions
from trafficfeed.simulation.scenario import Scenario, Tier
from trafficfeed.simulation.sumo_network import SumoNetwork, file_hash, read_network

_STOPPING_PLACES = ("busStop", "trainStop", "containerStop", "parkingArea", "chargingStation")
_KEPT = (*_STOPPING_PLACES, "tlLogic", "WAUT", "taz", "rerouter", "variableSpeedSign", "access", "timetable")
_DETECTORS = ("e1Detector", "inductionLoop", "e2Detector", "laneAreaDetector", "e3Detector", "entryExitDetector")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The folder with a scenario's files, and its vehicles (columns by vehicle, sorted by id).

    `ended_short` are those that the plan makes begin or end elsewhere; `stops_skipped` counts the stops inside
    closures that buses miss.
    """

    folder: Path
    vehicle_id: tuple[str, ...]
    vehicle_class: tuple[str, ...]
    wanted_depart_s: tuple[float, ...]
    informed: tuple[bool, ...]
    ended_short: frozenset[str]
    stops_skipped: int

    def additional(self, tier: Tier) -> list[Path]:
        """The additional files of a run in `tier`, in the order in which SUMO has to read them."""
        interventions = self.folder / f"interventions.{tier}.add.xml"
        return [self.folder / "fixed.add.xml", *([interventions] if interventions.exists() else [])]

    @property
    def vehicles_path(self) -> Path:
        """The route file with every vehicle of the stretch."""
        return self.folder / "vehicles.rou.xml"


def prepare(scenario: Scenario, folder: Path) -> Prepared:
    """Make a scenario's files in a folder of its own under `folder`, or find those made before.

    Raises
    ------
    ScenarioInvalid
        If no vehicle departs in the stretch, or an intervention is not about this network.
    SourceUnavailable, SourceMalformed
        If a file is not there, or cannot be read.
    """
    target = folder / scenario.key
    if not (target / "vehicles.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
        try:
            _make(scenario, draft)
            _move_into_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return _load(target)


def _move_into_place(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        if not (target / "vehicles.json").is_file():  # another process was not first
            raise


@lru_cache(maxsize=16)
def _load(folder: Path) -> Prepared:
    data = json.loads((folder / "vehicles.json").read_text("utf-8"))
    return Prepared(
        folder=folder,
        vehicle_id=tuple(data["id"]),
        vehicle_class=tuple(data["class"]),
        wanted_depart_s=tuple(data["depart_s"]),
        informed=tuple(map(bool, data["informed"])),
        ended_short=frozenset(data["ended_short"]),
        stops_skipped=data["stops_skipped"],
    )


@lru_cache(maxsize=4)
def _demand_of(paths: tuple[Path, ...], _digests: tuple[str, ...], begin_s: float, end_s: float) -> Demand:
    return read_demand(paths, begin_s=begin_s, end_s=end_s)


def _make(scenario: Scenario, folder: Path) -> None:
    network = read_network(scenario.net_path)
    paths = (*scenario.additional_paths, *scenario.route_paths)
    demand = _demand_of(paths, tuple(map(file_hash, paths)), scenario.begin_s, scenario.end_s)
    if not demand.vehicles:
        raise ScenarioInvalid(
            f"no vehicle departs between {scenario.begin_s:g} and {scenario.end_s:g} s: "
            "correct demand.begin_s and demand.end_s in city.toml, or the demand"
        )
    demand = _with_probes(scenario, network, demand)
    stop_edges, fixed = _fixed_elements(scenario.additional_paths)
    closures = [i for i in scenario.interventions if isinstance(i, EdgeClosure)]
    displaced = displace(demand, network, closures, stop_edges)
    _write_fixed(folder / "fixed.add.xml", displaced.demand.types, fixed)
    informed = [_is_informed(v, scenario.informed_share) for v in displaced.demand.vehicles]
    _write_vehicles(folder / "vehicles.rou.xml", displaced.demand.vehicles, informed)
    free_types = sorted({v.type_id for v in displaced.demand.vehicles} - _stopping_types(displaced.demand))
    if scenario.interventions:
        for tier in supported_tiers(scenario.interventions):
            path = folder / f"interventions.{tier}.add.xml"
            write_interventions(path, network, scenario.interventions, tier=tier, free_types=free_types)
    _write_index(folder / "vehicles.json", demand, displaced, informed)


def _with_probes(scenario: Scenario, network: SumoNetwork, demand: Demand) -> Demand:
    missing = scenario.emergency_probes - sum(v.vehicle_class == "emergency" for v in demand.vehicles)
    if missing <= 0:
        return demand
    probes = emergency_probes(
        network,
        count=missing,
        begin_s=scenario.begin_s,
        end_s=scenario.end_s,
        seed=file_hash(scenario.net_path),
    )
    vehicles = sorted([*demand.vehicles, *probes], key=lambda v: (v.depart_s, v.id))
    return Demand(types={**demand.types, PROBE_TYPE: PROBE_TYPE_XML}, vehicles=vehicles)


def _is_informed(vehicle: Vehicle, share: float) -> bool:
    """Tell whether a vehicle has a router on board: never one that follows a line, always an emergency vehicle."""
    if vehicle.has_stops:
        return False
    return vehicle.vehicle_class == "emergency" or stable_share(f"informed {vehicle.id}") < share


def _stopping_types(demand: Demand) -> set[str]:
    return {v.type_id for v in demand.vehicles if v.has_stops}


def _fixed_elements(paths: Iterable[Path]) -> tuple[dict[str, str], list[etree._Element]]:
    """Return each stopping place's edge, and what of the city's additional files acts on traffic.

    What only measures is left out: it would write files beside the city's own.
    """
    stop_edges: dict[str, str] = {}
    kept: list[etree._Element] = []
    detectors: list[etree._Element] = []
    for path in paths:
        try:
            with opened(path) as stream:
                root = etree.parse(stream, etree.XMLParser(remove_comments=True, resolve_entities=False)).getroot()
        except (etree.XMLSyntaxError, OSError) as error:
            raise SourceMalformed(f"{path} cannot be read as a SUMO additional file: {error}") from error
        for element in root:
            if element.tag in _STOPPING_PLACES:
                stop_edges[element.get("id", "")] = element.get("lane", "").rpartition("_")[0]
            if element.tag in _KEPT:
                kept.append(_without_output(element, path.parent))
            elif element.tag in _DETECTORS:
                detectors.append(element)
    asked = {param.get("value") for e in kept for param in e.iter("param")}
    for detector in detectors:
        if detector.get("id") in asked:
            detector.set("file", "NUL")
            kept.append(detector)
    return stop_edges, kept


def _without_output(element: etree._Element, folder: Path) -> etree._Element:
    if "output" in element.attrib:
        del element.attrib["output"]
    if file := element.get("file"):
        element.set("file", str((folder / file).resolve()))
    return element


def _write_fixed(path: Path, types: Mapping[str, str], fixed: Sequence[etree._Element]) -> None:
    root = etree.Element("additional")
    root.extend(etree.fromstring(xml) for xml in types.values())
    root.extend(fixed)
    etree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _write_vehicles(path: Path, vehicles: Sequence[Vehicle], informed: Sequence[bool]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write("<routes>\n")
        for vehicle, knows in zip(vehicles, informed, strict=True):
            stream.write(vehicle_xml(vehicle, informed=knows))
        stream.write("</routes>\n")


def vehicle_xml(vehicle: Vehicle, *, informed: bool = False) -> str:
    """Return one element of a route file, a trip where the vehicle has no route.

    Text is escaped by the standard library, for a tree of 100,000 of them takes minutes.
    """
    tag = "vehicle" if vehicle.edges else "trip"
    attributes = {"id": vehicle.id, "type": vehicle.type_id, "depart": f"{vehicle.depart_s:.2f}", **vehicle.attributes}
    head = " ".join(f"{k}={quoteattr(v)}" for k, v in attributes.items())
    route = f"<route edges={quoteattr(' '.join(vehicle.edges))}/>" if vehicle.edges else ""
    device = '<param key="has.rerouting.device" value="true"/>' if informed else ""
    return f"<{tag} {head}>{route}{''.join(vehicle.children)}{device}</{tag}>\n"


def _write_index(path: Path, wanted: Demand, displaced: Displaced, informed: Sequence[bool]) -> None:
    rows = sorted(
        (v.id, v.vehicle_class, v.depart_s, int(knows)) for v, knows in zip(wanted.vehicles, informed, strict=True)
    )
    ids, classes, departs, knows = zip(*rows, strict=True)
    data = {
        "id": ids,
        "class": classes,
        "depart_s": departs,
        "informed": knows,
        "ended_short": sorted(displaced.ended_short),
        "stops_skipped": displaced.stops_skipped,
    }
    with path.open("w", encoding="utf-8") as stream:
        json.dump(data, stream)
        stream.flush()
        os.fsync(stream.fileno())
