"""A navigation partner: puts closed lines on its own map (Valhalla's), closes the edges found, and routes.

It knows nothing of the city but the OSM extract and the feed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import valhalla
from valhalla.utils.decode_polyline import decode_polyline

from benchmarks.router_trial.live_traffic import LiveTraffic, build_tiles, write_configuration
from benchmarks.router_trial.reading_feeds import LonLat
from benchmarks.router_trial.sound_extract import SoundExtract

# A published line is no GPS trace: it follows the street's own shape. So every point counts (no interpolation), the
# search reaches no farther than a street is wide, and a turn costs nothing.
TRACE_OPTIONS: Final = {"search_radius": 10, "gps_accuracy": 2, "interpolation_distance": 0, "turn_penalty_factor": 0}
CLOSES_FROM_SHARE: Final = 0.5  # an edge that the line covers less of is a neighbour that its end touches
_WALK_M, _WALK_SHARE = 2.0, 0.01  # a walk along the edges must be as long as the line, within so much
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
        """Find the edges under a closed line: walked along exactly where that succeeds, else snapped."""
        walked = self._traced(line, "edge_walk")
        long = length_m(np.array(line))
        found = sum(length_m(edge.shape) for edge in walked.edges)
        if walked.edges and abs(found - long) <= max(_WALK_M, _WALK_SHARE * long):
            return walked
        return self._traced(line, "map_snap", trace_options=TRACE_OPTIONS)

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

    def knows(self, at: LonLat, *, within_m: float = 3.0) -> bool:
        """Tell whether the map has an edge for cars at a point."""
        place = {"lon": at[0], "lat": at[1]}
        found = self._map.locate({"locations": [place], "costing": "auto", "verbose": True})
        return any(edge["distance"] <= within_m for edge in found[0].get("edges") or ())

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


def _decoded(shape: str) -> Positions:
    return np.array(decode_polyline(shape), dtype=np.float64).reshape(-1, 2)
