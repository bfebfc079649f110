"""A navigation partner: puts closed lines on its own map (Valhalla's), closes the edges found, and routes.

It knows nothing of the city but the OSM extract and the feed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, cos, radians
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import valhalla  # type: ignore[import-untyped]
from valhalla.utils.decode_polyline import decode_polyline  # type: ignore[import-untyped]

from benchmarks.router_trial.live_traffic import LiveTraffic, build_tiles, write_configuration
from benchmarks.router_trial.reading_feeds import LonLat
from benchmarks.router_trial.sound_extract import SoundExtract

# A published line is no GPS trace: it follows the street's own shape. So every point counts (no interpolation), one at
# least every few metres, the search reaches no farther than a street is wide, and a turn costs nothing.
TRACE_OPTIONS: Final = {"search_radius": 10, "gps_accuracy": 2, "interpolation_distance": 0, "turn_penalty_factor": 0}
_SPACING_M: Final = 5.0
CLOSES_FROM_SHARE: Final = 0.5  # an edge that the line covers less of is a neighbour that its end touches
_WALK_M, _WALK_SHARE = 1.0, 0.002  # a walk along the edges must be as long as the line is so far
_LOOK_M: Final = 15
_M_PER_DEGREE: Final = 111_195.0
_MICRO: Final = 1e-6  # degrees; how exactly Valhalla keeps and tells positions

Positions = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedEdge:
    """A directed edge of the partner's map under a line; `share` of it is covered, `shape` is that part, lon, lat."""

    edge: int
    way_id: int
    forward: bool
    share: float
    shape: Positions

    @property
    def closes(self) -> bool:
        """Whether the line covers so much of the edge that it is closed."""
        return self.share > CLOSES_FROM_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The edges under a line in travel order, none where the router found no way along it; and by which method."""

    edges: tuple[MatchedEdge, ...] = ()
    method: str = "none"
    fault: str = ""


class Partner:
    """The router with its tiles and its live traffic.

    Parameters
    ----------
    extract
        The OSM extract that the map is built from.
    folder
        Where tiles and archive are kept.
    updated
        Unix seconds: the time that the traffic bears.
    """

    def __init__(self, extract: SoundExtract, folder: Path, *, updated: int) -> None:
        plain = build_tiles(extract.path, folder)
        archive, tiles = folder / "traffic.tar", folder / "tiles"
        self.traffic = LiveTraffic(archive, tiles, updated=updated)
        live = write_configuration(folder / "live.json", tiles=tiles, traffic=archive)
        self._map = valhalla.Actor(plain)
        self._live = valhalla.Actor(live)
        self._own_id = extract.own_id

    def match(self, line: Sequence[LonLat]) -> Matching:
        """Find the edges under a closed line: walked along, node by node, where that succeeds, else snapped."""
        walked = self._walked(line)
        return walked if walked.edges else self._snapped(line)

    def close(self, edges: Iterable[MatchedEdge]) -> None:
        """Close those edges that their lines cover."""
        self.traffic.close_edges(edge.edge for edge in edges if edge.closes)

    def route(self, origin: LonLat, destination: LonLat) -> Positions | None:
        """Return the route by car that the router advises now, its shape as lon, lat; None where there is none."""
        request = {
            "locations": [{"lon": lon, "lat": lat} for lon, lat in (origin, destination)],
            "costing": "auto",
            "date_time": {"type": 0},
            "directions_type": "none",
        }
        try:
            legs = self._live.route(request)["trip"]["legs"]
        except RuntimeError:  # "no path could be found", "no suitable edges near location"
            return None
        return np.concatenate([_decoded(leg["shape"]) for leg in legs])

    def knows(self, ways: Iterable[int], at: LonLat) -> bool:
        """Tell whether the map has one of these OSM ways for cars at a point."""
        place = {"lon": at[0], "lat": at[1], "radius": _LOOK_M}
        found = self._map.locate({"locations": [place], "costing": "auto", "verbose": True})
        near = {edge["edge_info"]["way_id"] for edge in found[0].get("edges") or ()}
        return not near.isdisjoint(ways) or any(self._own_id.get(way) in set(ways) for way in near)

    def _walked(self, line: Sequence[LonLat]) -> Matching:
        """Walk along the line; the router may stop a few metres short of its end, and is then asked to go on."""
        edges: list[MatchedEdge] = []
        rest = list(line)
        method = "walked"
        while len(rest) > 1:
            found = self._traced(rest, "edge_walk").edges
            if not (reached := _reached(rest, found)) and edges:
                found, method = self._snapped(rest).edges, "walked, end snapped"
                reached = _reached(rest, found)
            if not reached:
                break  # the first walk failed, or a few metres at the end are left over
            edges += found
            rest = rest[reached:]
        return Matching(edges=tuple(edges), method=method)

    def _snapped(self, line: Sequence[LonLat]) -> Matching:
        answer = self._traced(_densified(line), "map_snap", trace_options=TRACE_OPTIONS)
        return replace(answer, method="snapped")

    def _traced(self, line: Sequence[LonLat], method: str, **options: Any) -> Matching:
        request = {
            "shape": [{"lon": lon, "lat": lat} for lon, lat in line],
            "costing": "auto",
            "shape_match": method,
            **options,
        }
        try:
            answer = self._map.trace_attributes(request)
        except RuntimeError as error:
            return Matching(fault=str(error), method=method)
        shape = _decoded(answer["shape"])
        return Matching(edges=tuple(self._edge(edge, shape) for edge in answer["edges"]), method=method)

    def _edge(self, edge: dict[str, Any], shape: Positions) -> MatchedEdge:
        way = edge["way_id"]
        return MatchedEdge(
            edge=edge["id"],
            way_id=self._own_id.get(way, way),
            forward=edge["forward"],
            share=edge.get("target_percent_along", 1.0) - edge.get("source_percent_along", 0.0),
            shape=shape[edge["begin_shape_index"] : edge["end_shape_index"] + 1],
        )


def length_m(shape: Positions) -> float:
    """Return the length of a line of lon, lat; exact to 0.5 %."""
    if len(shape) < 2:
        return 0.0
    step = np.diff(shape, axis=0) * _M_PER_DEGREE
    step[:, 0] *= cos(radians(float(shape[0, 1])))
    return float(np.hypot(step[:, 0], step[:, 1]).sum())


def passed_m(shape: Positions, along: Positions) -> float:
    """Return how many metres of the line `along` a route's `shape` follows in its direction, node for node."""
    if len(shape) < 2 or len(along) < 2:
        return 0.0
    steps, wanted = np.hstack([shape[:-1], shape[1:]]), np.hstack([along[:-1], along[1:]])
    apart = np.abs(steps[:, None, :] - wanted[None, :, :]).max(axis=2)
    same = (apart <= 1.5 * _MICRO).any(axis=0)
    return sum(length_m(along[n : n + 2]) for n in np.flatnonzero(same))


def _reached(line: Sequence[LonLat], edges: Sequence[MatchedEdge]) -> int:
    """Return how many of the line's stretches `edges` follow from its start, 0 where they do not follow it."""
    if not edges:
        return 0
    apart = np.hypot(*(np.array(line) - edges[-1].shape[-1]).T)
    reached = int(apart.argmin())
    found, along = sum(length_m(edge.shape) for edge in edges), length_m(np.array(line[: reached + 1]))
    return reached if abs(found - along) <= max(_WALK_M, _WALK_SHARE * along) else 0


def _densified(line: Sequence[LonLat]) -> list[LonLat]:
    """Return a line with a point every few metres, besides its own."""
    dense = [line[0]]
    for a, b in pairwise(line):
        steps = max(1, ceil(length_m(np.array([a, b])) / _SPACING_M))
        dense += [(float(lon), float(lat)) for lon, lat in np.linspace(a, b, steps + 1)[1:]]
    return dense


def _decoded(shape: str) -> Positions:
    return np.array(decode_polyline(shape), dtype=np.float64).reshape(-1, 2)
