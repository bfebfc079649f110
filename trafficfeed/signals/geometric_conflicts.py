"""Which signal groups cross, told from the lines of their moves alone, for topologies that come without a matrix."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.signals.topology import SignalConnection, SignalLane

Metres = npt.NDArray[np.float64]

_METRES_PER_DEGREE = 111_195.0
_BEHIND_M = 10.0  # of the lane that a move leads into: moves meet there, people cross there
_POINTS = np.linspace(0.0, 1.0, 13)


def conflicts_of(lanes: Sequence[SignalLane], connections: Sequence[SignalConnection]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of groups, smaller number first, of which a move of one crosses or meets one of the other.

    Moves of the same approach never conflict. A move's line is a curve from its stop line to the lane it leads into,
    and the first ten metres of that lane.
    """
    by_id = {lane.id: lane for lane in lanes}
    moves = [move for move in connections if move.group is not None and {move.from_lane, move.to_lane} <= set(by_id)]
    if not moves:
        return ()
    origin = by_id[moves[0].from_lane].line[0]
    lines = {move.id: _line(by_id[move.from_lane], by_id[move.to_lane], origin) for move in moves}
    pairs: set[tuple[int, int]] = set()
    for a, b in combinations(moves, 2):
        if a.group is None or b.group is None or a.group == b.group or _beside(a, b, by_id):
            continue
        if lines[a.id].intersects(lines[b.id]):
            pairs.add((min(a.group, b.group), max(a.group, b.group)))
    return tuple(sorted(pairs))


def _beside(a: SignalConnection, b: SignalConnection, lanes: Mapping[int, SignalLane]) -> bool:
    one, other = lanes[a.from_lane], lanes[b.from_lane]
    return one.approach == other.approach and ("pedestrian" in one.vehicles) == ("pedestrian" in other.vehicles)


def _line(start: SignalLane, end: SignalLane, origin: tuple[float, float]) -> shapely.LineString:
    inward, outward = _plane(start, origin), _plane(end, origin)
    if start.id == end.id:  # a crosswalk
        return shapely.LineString(inward)
    a, b = inward[0], outward[0]
    reach = float(np.hypot(*(b - a))) / 2.0
    bend_a, bend_b = a + reach * _unit(inward[0] - inward[1]), b - reach * _unit(outward[1] - outward[0])
    t = _POINTS[:, None]
    curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * bend_a + 3 * (1 - t) * t**2 * bend_b + t**3 * b
    return shapely.LineString(np.vstack([curve, b + _BEHIND_M * _unit(outward[1] - outward[0])]))


def _plane(lane: SignalLane, origin: tuple[float, float]) -> Metres:
    scale = _METRES_PER_DEGREE * np.array([np.cos(np.radians(origin[1])), 1.0])
    return np.asarray((np.array(lane.line) - np.array(origin)) * scale)


def _unit(vector: Metres) -> Metres:
    length = float(np.hypot(*vector))
    return vector / length if length else vector
