"""Trips and flows that name only their ends, routed once on the open network, so that every run has the same routes."""

import gzip
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

from trafficfeed.errors import SourceMalformed
from trafficfeed.simulation.departures import Demand, Vehicle, opened, seconds_of
from trafficfeed.simulation.preparation import vehicle_xml
from trafficfeed.simulation.sumo_process import run_program

_TIME_LIMIT_S = 3600.0
_ALGORITHM = "CCH"  # the same routes as dijkstra's on RESCO's networks, in two thirds of the time; CH's differ
_ENDS = frozenset(
    f"{end}{kind}" for end in ("from", "to", "via") for kind in ("", "Taz", "Junction", "Junctions", "XY", "LonLat")
)
_NEEDED = ("taz", "busStop", "trainStop", "containerStop", "parkingArea", "chargingStation")
_MOVING = ("vehicle", "trip", "flow", "person", "personFlow", "container", "containerFlow")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedTrips:
    """What came of it: the vehicles with their routes, by departure, and the ids of those that have no route."""

    vehicles: tuple[Vehicle, ...]
    without_route: tuple[str, ...]


def without_route(path: Path) -> AbstractSet[str]:
    """Return the ids of the vehicles, trips and flows in a route file whose way SUMO would have to choose.

    Raises
    ------
    SourceMalformed
        If it is not XML.
    """
    return {element.get("id", "") for element in _unrouted(_root(path))}


def route_trips(demand: Demand, *, net: Path, additional: Iterable[Path], begin_s: float, seed: int) -> RoutedTrips:
    """Give every vehicle of `demand` that has no route the fastest one on the empty network, by SUMO's duarouter.

    That is the way on which SUMO itself would send it off, were nothing closed. The vehicle's class, ``via`` and stops
    are heeded.

    Parameters
    ----------
    demand
        The vehicles, those with a route among them (they are left out of the answer).
    net
        The SUMO network.
    additional
        Files with the stopping places and zones that trips name; all else in them is ignored.
    begin_s
        When the demand begins, s.
    seed
        The seed; the same inputs give the same routes.

    Raises
    ------
    SourceMalformed
        If an additional file is not XML.
    SimulationFailed
        If duarouter refuses the network or takes more than an hour.
    """
    asked = [vehicle for vehicle in demand.vehicles if not vehicle.edges]
    if not asked:
        return RoutedTrips(vehicles=(), without_route=())
    with tempfile.TemporaryDirectory(prefix="trafficfeed-routing-") as name:
        folder = Path(name)
        _write_trips(folder / "trips.xml", demand.types, asked)
        _write_needed(folder / "needed.add.xml", additional)
        arguments = [
            *("--net-file", str(net.resolve()), "--route-files", "trips.xml", "--additional-files", "needed.add.xml"),
            *("--output-file", "routes.xml", "--alternatives-output", "NUL", "--begin", f"{math.floor(begin_s)}"),
            *("--routing-algorithm", _ALGORITHM, "--seed", str(seed), "--ignore-errors", "--xml-validation", "never"),
            *("--no-step-log", "--aggregate-warnings", "20"),
        ]
        if any("Junction" in key for vehicle in asked for key in vehicle.attributes):
            arguments.append("--junction-taz")
        run_program("duarouter", arguments, folder=folder, time_limit_s=_TIME_LIMIT_S)
        routes = dict(_routes(folder / "routes.xml"))
    found = [v for v in asked if _leads_there(v, routes.get(v.id, ()))]
    names = {vehicle.id for vehicle in found}
    return RoutedTrips(
        vehicles=tuple(_on_route(vehicle, routes[vehicle.id]) for vehicle in found),
        without_route=tuple(vehicle.id for vehicle in asked if vehicle.id not in names),
    )


def write_routed(path: Path, vehicles: Sequence[Vehicle]) -> None:
    """Put `vehicles` in the place of what has no route in the file `path`; the rest of it is kept, by departure.

    Parameters
    ----------
    path
        A route file, gzipped where its name ends in ``.gz``.
    vehicles
        Vehicles with routes; only those that the file's own trips and flows made are written.
    """
    root = _root(path)
    names = set()
    for element in list(_unrouted(root)):
        names.add(element.get("id", ""))
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    root.attrib.clear()
    etree.cleanup_namespaces(root)
    rows = [(_when(element), etree.tostring(element, encoding="unicode", with_tail=False) + "\n") for element in root]
    rows += [(v.depart_s, vehicle_xml(v)) for v in vehicles if v.id in names or v.id.rpartition(".")[0] in names]
    rows.sort(key=lambda row: row[0])
    text = f"<{root.tag}>\n{''.join(line for _, line in rows)}</{root.tag}>\n".encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def _root(path: Path) -> etree._Element:
    try:
        with opened(path) as stream:
            parser = etree.XMLParser(remove_comments=True, remove_pis=True, resolve_entities=False, huge_tree=True)
            return etree.parse(stream, parser).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        raise SourceMalformed(f"{path} cannot be read as a SUMO route file: {error}") from error


def _unrouted(root: etree._Element) -> Iterator[etree._Element]:
    for element in root.iter("trip", "flow", "vehicle"):
        named = element.get("route") is not None
        if not named and element.find("route") is None and element.find("routeDistribution") is None:
            yield element


def _when(element: etree._Element) -> float:
    """Return when it departs, s; what is no vehicle or person comes before all of them."""
    if element.tag not in _MOVING:
        return -math.inf
    try:
        return seconds_of(element.get("depart") or element.get("begin") or "0")
    except ValueError:  # "triggered", "begin"
        return 0.0


def _write_trips(path: Path, types: Mapping[str, str], vehicles: Sequence[Vehicle]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write("<routes>\n")
        stream.writelines(f"{xml}\n" for xml in types.values())
        stream.writelines(vehicle_xml(vehicle) for vehicle in vehicles)
        stream.write("</routes>\n")


def _write_needed(path: Path, additional: Iterable[Path]) -> None:
    root = etree.Element("additional")
    for source in additional:
        root.extend(list(_root(source).iter(*_NEEDED)))
    etree.ElementTree(root).write(path, encoding="utf-8")


def _routes(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for _, element in etree.iterparse(path, tag="vehicle", huge_tree=True):
        route = element.find("route")
        if route is not None and route.get("edges"):
            yield element.get("id", ""), tuple(route.get("edges", "").split())
        element.clear()


def _leads_there(vehicle: Vehicle, edges: tuple[str, ...]) -> bool:
    """Tell whether a route passes all that the trip names; of what it does not know, duarouter just lets go."""
    return (
        len(edges) > 0
        and (not vehicle.origin or edges[0] == vehicle.origin)
        and (not vehicle.destination or edges[-1] == vehicle.destination)
        and set(edges).issuperset(vehicle.attributes.get("via", "").split())
    )


def _on_route(vehicle: Vehicle, edges: tuple[str, ...]) -> Vehicle:
    kept = {key: value for key, value in vehicle.attributes.items() if key not in _ENDS}
    return replace(vehicle, edges=edges, attributes=kept)
