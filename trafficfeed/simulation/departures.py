"""The demand's vehicles in a window, one by one: flows expanded, types resolved, times in seconds."""

import gzip
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from lxml import etree

from trafficfeed.errors import SourceMalformed, SourceUnavailable

_FLOW_KEYS = frozenset(
    ("id", "begin", "end", "number", "period", "vehsPerHour", "perHour", "probability", "route", "type", "depart")
)
_DEFAULT_TYPES = {"DEFAULT_VEHTYPE": "passenger", "DEFAULT_BIKETYPE": "bicycle", "DEFAULT_TAXITYPE": "taxi"}
_WAITING = ("triggered", "containerTriggered", "split")
_TOP = ("vType", "vTypeDistribution", "route", "routeDistribution", "vehicle", "trip", "flow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """One vehicle of the demand.

    `edges` is its route, or () for a trip whose way SUMO chooses between `attributes`' ``from`` and ``to``;
    `attributes` are the others as the demand wrote them (departLane, via …); `children` its stops and parameters as
    XML.
    """

    id: str
    type_id: str
    vehicle_class: str
    depart_s: float
    edges: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The edge where it starts, "" where the demand leaves that open."""
        return self.edges[0] if self.edges else self.attributes.get("from", "")

    @property
    def destination(self) -> str:
        """The edge where it ends, "" where the demand leaves that open."""
        return self.edges[-1] if self.edges else self.attributes.get("to", "")

    @property
    def has_stops(self) -> bool:
        """Whether it stops on the way, as a bus does."""
        return any(child.startswith("<stop") for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The vehicle types (XML by id) and the vehicles of a window, by departure and then id."""

    types: Mapping[str, str]
    vehicles: Sequence[Vehicle]


@dataclass(slots=True)
class _Tables:
    """What vehicles refer to by name."""

    types: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=lambda: dict(_DEFAULT_TYPES))
    type_choices: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    routes: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    route_choices: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


def read_demand(paths: Iterable[Path], *, begin_s: float, end_s: float) -> Demand:
    """Read route files (and the additional files with their types) and keep what departs in [begin_s, end_s).

    A flow's vehicles are named as SUMO names them (``flow.0``, ``flow.1`` …) and spaced as SUMO spaces them; where SUMO
    would draw at random (a flow by probability, a type distribution) the draw is a hash of the id, so that base, plan
    and all seeds have the same vehicles. Vehicles that wait for a person (``depart="triggered"``) and persons
    themselves are not part of the demand.

    Raises
    ------
    SourceUnavailable
        If a file is not there.
    SourceMalformed
        If it is not XML, a time or number cannot be read, a vehicle names a route or type that is not defined, or two
        have the same id.
    """
    tables = _Tables()
    pending: list[tuple[str, dict[str, str], tuple[str, ...], tuple[str, ...]]] = []
    for path in paths:
        for element in _elements(path):
            try:
                _remember(element, tables, pending, begin_s, end_s)
            except ValueError as error:
                raise SourceMalformed(f"{path}: {element.tag} {element.get('id')!r} cannot be read: {error}") from error
    vehicles = [v for row in pending for v in _expand(*row, tables=tables, begin_s=begin_s, end_s=end_s)]
    vehicles.sort(key=lambda v: (v.depart_s, v.id))
    if len({v.id for v in vehicles}) != len(vehicles):
        seen: set[str] = set()
        twice = next(v.id for v in vehicles if v.id in seen or seen.add(v.id))  # type: ignore[func-returns-value]
        raise SourceMalformed(f"vehicle {twice!r} is in the demand twice: give each its own id")
    used = {v.type_id for v in vehicles}
    return Demand(types={k: x for k, x in sorted(tables.types.items()) if k in used}, vehicles=vehicles)


def stable_share(text: str) -> float:
    """Return a number in [0, 1) that depends on nothing but `text`; the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def seconds_of(text: str) -> float:
    """Return a SUMO time (``3600``, ``01:00:00``, ``1:01:00:00``) in seconds.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    seconds = 0.0
    parts = text.split(":")
    for part, scale in zip(reversed(parts), (1, 60, 3600, 86400), strict=False):
        seconds += float(part) * scale
    return seconds


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked where its name ends in ``.gz``."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _elements(path: Path) -> Iterator[etree._Element]:
    if not path.is_file():
        raise SourceUnavailable(f"the demand's file {path} is not there: correct demand.route_files in city.toml")
    try:
        with opened(path) as stream:
            for _, element in etree.iterparse(stream, tag=_TOP, remove_comments=True, resolve_entities=False):
                parent = element.getparent()
                if parent is None or parent.tag not in ("vTypeDistribution", "routeDistribution", "vehicle", "flow"):
                    yield element
                    element.clear(keep_tail=False)
                    while element.getprevious() is not None and parent is not None:
                        del parent[0]
    except (etree.XMLSyntaxError, OSError) as error:
        raise SourceMalformed(f"{path} cannot be read as a SUMO route file: {error}") from error


def _remember(
    element: etree._Element,
    tables: _Tables,
    pending: list[tuple[str, dict[str, str], tuple[str, ...], tuple[str, ...]]],
    begin_s: float,
    end_s: float,
) -> None:
    tag = str(element.tag)
    if tag == "vType":
        _remember_type(element, tables)
    elif tag == "vTypeDistribution":
        names = _inline_members(element, "vTypes")
        for child in element.iterchildren("vType"):
            _remember_type(child, tables)
            names.append((child.get("id", ""), float(child.get("probability", "1"))))
        tables.type_choices[element.get("id", "")] = names
    elif tag == "route":
        tables.routes[element.get("id", "")] = _route(element)
    elif tag == "routeDistribution":
        names = _inline_members(element, "routes")
        for number, child in enumerate(element.iterchildren("route")):
            name = child.get("id") or f"{element.get('id')}#{number}"
            if child.get("refId") is None:
                tables.routes[name] = _route(child)
            names.append((child.get("refId") or name, float(child.get("probability", "1"))))
        tables.route_choices[element.get("id", "")] = names
    elif _may_depart(tag, element, begin_s, end_s):
        edges, stops = _own_route(element)
        children = tuple(_xml(c) for c in element if c.tag in ("stop", "param"))
        pending.append((tag, {str(k): str(v) for k, v in element.attrib.items()}, edges, stops + children))


def _may_depart(tag: str, element: etree._Element, begin_s: float, end_s: float) -> bool:
    if tag == "flow":
        return seconds_of(element.get("begin", "0")) < end_s and seconds_of(element.get("end", "1e9")) > begin_s
    depart = element.get("depart", "0")
    if depart == "begin":
        return True
    return depart not in _WAITING and begin_s <= seconds_of(depart) < end_s


def _remember_type(element: etree._Element, tables: _Tables) -> None:
    name = element.get("id", "")
    tables.types[name] = _xml(element)
    tables.classes[name] = element.get("vClass", "passenger")


def _inline_members(element: etree._Element, attribute: str) -> list[tuple[str, float]]:
    names = element.get(attribute, "").split()
    weights = [float(w) for w in element.get("probabilities", "").split()]
    return [(name, weights[i] if i < len(weights) else 1.0) for i, name in enumerate(names)]


def _route(element: etree._Element) -> tuple[tuple[str, ...], tuple[str, ...]]:
    edges = tuple(element.get("edges", "").split())
    return edges * max(int(element.get("repeat", "1")), 1), tuple(_xml(stop) for stop in element.iterchildren("stop"))


def _own_route(element: etree._Element) -> tuple[tuple[str, ...], tuple[str, ...]]:
    child = element.find("route")
    if child is None:
        distribution = element.find("routeDistribution")
        if distribution is None:
            return (), ()
        chosen = max(distribution.iterchildren("route"), key=lambda r: float(r.get("probability", "1")), default=None)
        return _route(chosen) if chosen is not None else ((), ())
    return _route(child)


def _xml(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False).strip()


def _expand(
    tag: str,
    attributes: dict[str, str],
    edges: tuple[str, ...],
    children: tuple[str, ...],
    *,
    tables: _Tables,
    begin_s: float,
    end_s: float,
) -> Iterator[Vehicle]:
    name = attributes.get("id", "")
    rest = {k: v for k, v in attributes.items() if k not in _FLOW_KEYS}
    pattern = Vehicle(
        id=name, type_id="", vehicle_class="", depart_s=0.0, edges=edges, attributes=rest, children=children
    )
    if tag == "flow":
        departures: Iterable[tuple[str, float]] = (
            (f"{name}.{i}", t) for i, t in _flow_times(name, attributes, end_s) if begin_s <= t
        )
    else:
        depart = attributes.get("depart", "0")
        departures = [(name, begin_s if depart == "begin" else seconds_of(depart))]
    for vehicle_id, depart_s in departures:
        yield _resolved(replace(pattern, id=vehicle_id, depart_s=depart_s), attributes, tables)


def _flow_times(name: str, attributes: Mapping[str, str], end_s: float) -> Iterator[tuple[int, float]]:
    first, last = seconds_of(attributes.get("begin", "0")), seconds_of(attributes.get("end", "1e9"))
    number = int(attributes["number"]) if "number" in attributes else None
    period = attributes.get("period", "")
    per_hour = attributes.get("vehsPerHour") or attributes.get("perHour")
    if "probability" in attributes:
        chance, index = float(attributes["probability"]), 0
        for second in range(math.ceil(first), math.ceil(min(last, end_s))):
            if (number is None or index < number) and stable_share(f"{name}@{second}") < chance:
                yield index, float(second)
                index += 1
        return
    if period.startswith("exp("):
        yield from _poisson(name, float(period[4:-1]), first, min(last, end_s), number)
        return
    if period:
        step = seconds_of(period)
    elif per_hour:
        step = 3600.0 / float(per_hour)
    else:
        step = (last - first) / max(number or 1, 1)
    count = number if number is not None and not (period or per_hour) else math.ceil((last - first) / step - 1e-9)
    if number is not None:
        count = min(count, number)
    for index in range(count):
        if first + index * step >= end_s:
            return
        yield index, first + index * step


def _poisson(name: str, rate: float, first: float, last: float, number: int | None) -> Iterator[tuple[int, float]]:
    time, index = first, 0
    while number is None or index < number:
        time += -math.log(1.0 - stable_share(f"{name}#{index}")) / rate
        if time >= last:
            return
        yield index, time
        index += 1


def _resolved(vehicle: Vehicle, attributes: Mapping[str, str], tables: _Tables) -> Vehicle:
    type_id = attributes.get("type", "DEFAULT_VEHTYPE")
    if type_id in tables.type_choices:
        type_id = _choice(tables.type_choices[type_id], f"type of {vehicle.id}")
    if type_id not in tables.classes:
        raise SourceMalformed(f"vehicle {vehicle.id!r} has the type {type_id!r}, which no file of the demand defines")
    edges, children = vehicle.edges, vehicle.children
    name = attributes.get("route")
    if name is not None and not edges:
        if name in tables.route_choices:
            name = _choice(tables.route_choices[name], f"route of {vehicle.id}")
        if name not in tables.routes:
            raise SourceMalformed(
                f"vehicle {vehicle.id!r} takes the route {name!r}, which no file of the demand defines"
            )
        edges, stops = tables.routes[name]
        children = stops + children
    return replace(vehicle, type_id=type_id, vehicle_class=tables.classes[type_id], edges=edges, children=children)


def _choice(members: Sequence[tuple[str, float]], text: str) -> str:
    if not members:
        raise SourceMalformed(f"the distribution asked for the {text} has no members")
    drawn = stable_share(text) * sum(weight for _, weight in members)
    for name, weight in members:
        drawn -= weight
        if drawn < 0:
            return name
    return members[-1][0]
