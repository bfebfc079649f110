"""Match a drawn line to directed edges, and refuse where it is far away or could mean two streets.

The line is sampled; each sample has the edges within 50 m as candidates; the most likely connected way through them is
found by the Viterbi algorithm (`line_tracing`). What it leads along is judged here.

Source: P. Newson and J. Krumm, Hidden Markov map matching through noise and sparseness, ACM SIGSPATIAL GIS 2009.
"""

from collections.abc import Sequence

import numpy as np
import shapely

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.line_rivals import Rival, opposite_carriageway, rivals_of
from trafficfeed.network.line_tracing import SEARCH_M, Samples, Trace, sample, trace
from trafficfeed.network.matching import Match, Travel, refused, sections_of, street_name
from trafficfeed.network.naming import listed
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, RoadGraph

RULE = "match.line"
FARTHEST_MEAN_M = 20.0  # a line farther from the street than this, on average, means another one
FARTHEST_M = 40.0  # and at no place farther than this
SHORTEST_M = 2.0
LONGEST_M = 200_000.0
KEPT_SHARE = 0.5  # the first and last edge are taken where the line covers at least half of them
_UNSURE_M = 15.0
_NEAR_M = 5.0


def match_line(graph: RoadGraph, coordinates: Sequence[tuple[float, float]], travel: Travel = "both") -> Match:
    """Return the edges along a drawn line, whole from junction to junction.

    The first and the last edge are left out where the line covers less than half of them. ``forward`` takes the edges
    in the drawn direction, ``backward`` those against it; ``both`` adds each edge's other direction and the opposite
    carriageway of the same street.

    Parameters
    ----------
    graph
        The road graph.
    coordinates
        EPSG:4326 lon, lat, two points or more.
    travel
        Which direction.

    Returns
    -------
    Match
        No sections but one error where the line is too far from any street, leaves the streets on the way, runs
        against a one-way street, or lies between two streets that could both be meant.
    """
    xy = _tidy(plane_of(graph).to_xy(coordinates))
    line = shapely.LineString(xy[::-1] if travel == "backward" else xy) if len(xy) > 1 else shapely.LineString()
    if line.length < SHORTEST_M:
        return refused(RULE, f"the line is {line.length:.1f} m long", "draw it along the street, over a junction")
    if line.length > LONGEST_M:
        return refused(RULE, f"the line is {line.length / 1000:.0f} km long", "check that its points are lon, lat")
    samples = sample(line)
    if far := _away(graph, samples):
        return far
    found = trace(graph, samples, either_way=travel == "both")
    if found.broken_at is not None:
        return _broken(graph, samples, found, travel)
    return _judged(graph, samples, found, travel)


def _tidy(xy: FloatArray) -> FloatArray:
    moved = np.append(True, np.hypot(*np.diff(xy, axis=0).T) > 0.01)
    return np.asarray(xy[moved])


def _away(graph: RoadGraph, samples: Samples) -> Match | None:
    """Refuse a line that has places without any street within `SEARCH_M`."""
    plane = plane_of(graph)
    if not len(graph):
        return refused(RULE, "the network has no streets", "build the city again")
    near = np.unique(plane.tree.query(samples.points, predicate="dwithin", distance=SEARCH_M)[0])
    missing = np.setdiff1d(np.arange(len(samples.points)), near)
    if not len(missing):
        return None
    at = samples.points[missing]
    nearest = plane.tree.nearest(at)
    apart = shapely.distance(plane.lines[nearest], at)
    if len(missing) == len(samples.points):
        edge, distance = int(nearest[apart.argmin()]), float(apart.min())
        message = (
            f"no street within {SEARCH_M:.0f} m of the line: the nearest is {street_name(graph, edge)} "
            f"at {distance:.0f} m"
        )
    else:
        distance = float(apart.max())
        place = plane.place(at[int(apart.argmax())].coords[0])
        message = (
            f"the line leaves the streets for {len(missing) * samples.spacing_m:.0f} m: "
            f"at {place} the nearest is {distance:.0f} m away"
        )
    return refused(RULE, message, "draw the line on the street that is meant (lon, lat)", {"distance_m": distance})


def _broken(graph: RoadGraph, samples: Samples, found: Trace, travel: Travel) -> Match:
    """Say why no connected way follows the line: one-way streets against it, or no connection at all."""
    assert found.broken_at is not None
    if travel != "both" and (against := _against(graph, samples, np.inf)):
        return against
    place = plane_of(graph).place(samples.points[found.broken_at].coords[0])
    return refused(
        RULE,
        f"no connected way follows the line beyond {place}",
        "draw the line along streets that meet, or one line for each street",
    )


def _against(graph: RoadGraph, samples: Samples, mean_m: float, street: Sequence[str] = ()) -> Match | None:
    """Refuse a line that lies clearly nearer than `mean_m` to a one-way street (not `street`) that runs against it."""
    either = trace(graph, samples, either_way=True)
    against = [e for e, turned in zip(either.edges, either.turned, strict=True) if turned]
    if either.broken_at is not None or not against:
        return None
    if float(either.distance_m.mean()) * 1.25 + 3.0 > mean_m or {graph.names[e] for e in against} & set(street) - {""}:
        return None
    names = [street_name(graph, e) for e in against]
    return refused(
        "match.one_way",
        f"the line lies on {listed(names, 3)}, which is one-way: nothing travels there in the direction asked for",
        "draw the line the other way round, or set direction: both",
        {"streets": list(dict.fromkeys(names))},
    )


def _judged(graph: RoadGraph, samples: Samples, found: Trace, travel: Travel) -> Match:
    plane = plane_of(graph)
    mean, most = float(found.distance_m.mean()), float(found.distance_m.max())
    kept = _ends_trimmed(graph, found)
    name = listed([street_name(graph, e) for e in kept], 3)
    if travel != "both" and mean > _NEAR_M:
        against = _against(graph, samples, mean, [graph.names[e] for e in kept])
        if against:
            return against
    if mean > FARTHEST_MEAN_M or most > FARTHEST_M:
        return refused(
            RULE,
            f"the line lies {mean:.0f} m from {name} on average and {most:.0f} m at the farthest: "
            f"more than {FARTHEST_MEAN_M:.0f} m or {FARTHEST_M:.0f} m is not a match",
            "draw the line on the street that is meant (lon, lat)",
            {"mean_m": round(mean, 1), "farthest_m": round(most, 1)},
        )
    edges = list(kept)
    if travel == "both":
        edges += [int(plane.opposite[e]) for e in kept if plane.opposite[e] >= 0]
        edges += opposite_carriageway(graph, samples.line, kept)
    traced = {*found.edges, *(int(plane.opposite[e]) for e in found.edges)}
    rivals = rivals_of(graph, samples, found, {*edges, *traced}, either_way=travel == "both")
    if rivals:
        return _ambiguous(graph, kept, rivals)
    return Match(sections=sections_of(graph, edges, _confidence(found)), findings=_one_way_note(graph, found, travel))


def _confidence(found: Trace) -> float:
    near = np.exp(-0.5 * (found.distance_m / _UNSURE_M) ** 2).mean()
    return float(near * np.clip(np.cos(found.heading_off).mean(), 0.0, 1.0))


def _ends_trimmed(graph: RoadGraph, found: Trace) -> tuple[int, ...]:
    edges = list(found.edges)
    if len(edges) < 2 or edges[0] == edges[-1]:
        return tuple(dict.fromkeys(edges))
    keep = [True] * len(edges)
    keep[0], keep[-1] = found.first_share >= KEPT_SHARE, found.last_share >= KEPT_SHARE
    if len(edges) == 2 and not any(keep):
        covered = (found.first_share * graph.length_m[edges[0]], found.last_share * graph.length_m[edges[1]])
        keep = [covered[0] >= 0.7 * covered[1], covered[1] >= 0.7 * covered[0]]
    return tuple(dict.fromkeys(e for e, k in zip(edges, keep, strict=True) if k))


def _ambiguous(graph: RoadGraph, kept: Sequence[int], rivals: Sequence[Rival]) -> Match:
    rival = max(rivals, key=lambda r: r.length_m)
    mine, other = graph.names[rival.beside], graph.names[rival.edge]
    if mine and mine == other:
        message = f"two carriageways of {mine} lie {rival.apart_m:.0f} m apart, and the line could mean either"
        mend = "draw the line on the carriageway that is meant, or set its direction"
    else:
        first, second = street_name(graph, rival.beside), street_name(graph, rival.edge)
        message = (
            f"the line is as near to {second} as to {first} for {rival.length_m:.0f} m ({rival.apart_m:.0f} m apart)"
        )
        mend = "draw the line nearer to the street that is meant, or give its name and cross streets"
    return refused(
        "match.ambiguous",
        message,
        mend,
        {
            "candidates": list(dict.fromkeys([street_name(graph, rival.beside), street_name(graph, rival.edge)])),
            "apart_m": round(rival.apart_m, 1),
            "beside_m": round(rival.length_m, 1),
        },
    )


def _one_way_note(graph: RoadGraph, found: Trace, travel: Travel) -> tuple[Finding, ...]:
    against = [e for e, turned in zip(found.edges, found.turned, strict=True) if turned]
    if travel != "both" or not against:
        return ()
    names = listed([street_name(graph, e) for e in against], 3)
    return (
        Finding(
            rule="match.one_way",
            severity=Severity.INFO,
            message=f"the line is drawn against one-way {names}; the direction that exists is taken",
            mend="draw the line in the direction of travel",
        ),
    )
