"""The detour that is published with a road event: the signed one, else the way around that cars have."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trafficfeed.closures.access import Shut
from trafficfeed.closures.orders import Direction, DrawnLine, LonLat, Measure
from trafficfeed.closures.section_line import LonLats, section_line
from trafficfeed.network.line_matching import match_line
from trafficfeed.network.matching import Travel
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.routing import detour_around
from trafficfeed.network.sections import Section
from trafficfeed.network.vehicle_classes import VehicleClass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDetour:
    """A line in the direction of travel, and the streets along it where these are known."""

    line: LonLats
    streets: tuple[str, ...] = ()


def detour_of(
    measure: Measure, section: Section, shut: Shut, graph: RoadGraph, *, around: Shut
) -> PublishedDetour | None:
    """Return the detour around `section`, None where there is none or none is needed.

    None is worked out around water: floods come several at a time, and the way around one may lie under another.

    Parameters
    ----------
    measure
        Its signed detour is taken where it leads the way that the section does.
    shut
        What the measure shuts to cars.
    around
        What is shut to cars while it holds, by the order's other measures too: no computed detour leads through it.
    """
    if measure.detour is not None:
        signed = _signed(measure.detour, section, graph)
        if signed is not None:
            return signed
    if measure.water is not None or not np.isin(section.edges, shut.edges).any():
        return None
    found = detour_around(graph, section.edges, around.edges.tolist(), VehicleClass.PASSENGER, around.turns)
    return None if found is None else _along(found.edges, graph)


def _signed(drawn: DrawnLine, section: Section, graph: RoadGraph) -> PublishedDetour | None:
    """Return the roads under a drawn detour, or the drawing where they are not one way without a gap."""
    forward = _leads_with(drawn.coordinates, section_line(graph, section.edges))
    if drawn.direction is not Direction.BOTH and forward != (drawn.direction is Direction.FORWARD):
        return None
    travel: Travel = "forward" if forward else "backward"
    match = match_line(graph, drawn.coordinates, travel)
    edges = [edge for matched in match.sections for edge in matched.edges]
    if edges and all(graph.to_node[a] == graph.from_node[b] for a, b in pairwise(edges)):
        return _along(edges, graph)
    return PublishedDetour(line=drawn.coordinates if forward else drawn.coordinates[::-1])


def _leads_with(line: Sequence[LonLat], other: Sequence[LonLat]) -> bool:
    """Tell whether two lines lead the same way from end to end, rather than opposite ways."""
    narrowing = np.array([np.cos(np.radians(line[0][1])), 1.0])
    across, along = (np.subtract(one[-1], one[0]) * narrowing for one in (line, other))
    return bool(np.dot(across, along) >= 0)


def _along(edges: Sequence[int], graph: RoadGraph) -> PublishedDetour:
    streets = tuple(dict.fromkeys(graph.names[edge] for edge in edges if graph.names[edge]))
    return PublishedDetour(line=section_line(graph, edges), streets=streets)
