"""Who drove over which street, from when until when; and how long each trip took, arrived or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lxml import etree

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.results import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A vehicle on an edge from `entered_s` until `left_s`; where it never left, the end of the run.

    `begins`: its trip begins there, it did not drive in.
    """

    vehicle: str
    edge: str
    entered_s: float
    left_s: float
    begins: bool = False


@dataclass(frozen=True, kw_only=True)
class Passages:
    """One run.

    Attributes
    ----------
    by_edge
        The passages of each edge that anybody drove on.
    vehicles
        ``(n_trips,)`` ids, sorted: everybody who wanted to drive.
    trip_s
        ``(n_trips,) float64`` from the wanted departure to arrival; of those that have not arrived, to the run's end.
    arrived
        ``(n_trips,) bool``.
    """

    by_edge: Mapping[str, Sequence[Passage]]
    vehicles: Sequence[str]
    trip_s: FloatArray
    arrived: npt.NDArray[np.bool_]


def read_passages(routes_path: Path, trips_path: Path, *, until_s: float) -> Passages:
    """Read ``--vehroute-output`` with exit times and ``--tripinfo-output``, both with the unfinished.

    Raises
    ------
    SimulationFailed
        If a file is missing or was not written to its end.
    """
    by_edge: dict[str, list[Passage]] = {}
    for passage in _driven(routes_path, until_s):
        by_edge.setdefault(passage.edge, []).append(passage)
    trips = sorted(_trips(trips_path, until_s))
    return Passages(
        by_edge=by_edge,
        vehicles=tuple(name for name, _, _ in trips),
        trip_s=np.array([seconds for _, seconds, _ in trips]),
        arrived=np.array([there for _, _, there in trips], dtype=np.bool_),
    )


def _driven(path: Path, until_s: float) -> Iterator[Passage]:
    for vehicle in _elements(path, "vehicle"):
        name, depart = vehicle.get("id", ""), vehicle.get("depart", "")
        routes = vehicle.findall(".//route[@exitTimes]")
        if not routes or not _is_number(depart):
            continue
        route = routes[-1]  # those before it were given up on the way, and are whole in the last
        entered = float(depart)
        driven = zip(route.get("edges", "").split(), route.get("exitTimes", "").split(), strict=False)
        for number, (edge, text) in enumerate(driven):
            left = float(text)
            yield Passage(
                vehicle=name, edge=edge, entered_s=entered, left_s=left if left >= 0 else until_s, begins=number == 0
            )
            if left < 0:
                break
            entered = left


def _trips(path: Path, until_s: float) -> Iterator[tuple[str, float, bool]]:
    for trip in _elements(path, "tripinfo"):
        depart, delay, arrival = (float(trip.get(k, "-1")) for k in ("depart", "departDelay", "arrival"))
        wanted = depart - delay if depart >= 0 else until_s - delay
        there = arrival >= 0 and not trip.get("vaporized")
        yield trip.get("id", ""), (arrival if there else until_s) - wanted, there


def _elements(path: Path, tag: str) -> Iterator[etree._Element]:
    try:
        for _, element in etree.iterparse(path, tag=tag):
            yield element
            element.clear()
    except OSError as error:
        raise SimulationFailed(f"SUMO ended without writing {path.name}") from error
    except etree.XMLSyntaxError as error:
        raise SimulationFailed(f"SUMO did not finish writing {path}: {error}") from error


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False
