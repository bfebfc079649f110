"""Where along a shape its stops lie."""

from collections.abc import Sequence

import numpy as np
import shapely

from trafficfeed.network.road_graph import FloatArray

_SAME_PLACE_M = 10.0


def positions_along(line: shapely.LineString, points: Sequence[tuple[float, float]] | FloatArray) -> FloatArray:
    """Return how far along `line` each of `points` (m) lies, never before the one ahead of it; ``(n,) float64``.

    A shape may pass the same place twice: of two passes equally near, the earlier one that is still ahead is taken.
    """
    vertices = shapely.get_coordinates(line)
    start, step = vertices[:-1], np.diff(vertices, axis=0)
    length = np.hypot(*step.T)
    begins = np.append(0.0, np.cumsum(length)[:-1])
    found, least = [], 0.0
    for point in np.asarray(points, dtype=np.float64):
        share = ((point - start) * step).sum(axis=1) / np.maximum(length**2, 1e-12)
        low = np.clip((least - begins) / np.maximum(length, 1e-9), 0.0, 1.0)
        share = np.clip(share, low, 1.0)
        gap = np.hypot(*(start + share[:, None] * step - point).T)
        gap[begins + length < least] = np.inf
        near = np.flatnonzero(gap <= gap.min() + _SAME_PLACE_M)
        leap = np.flatnonzero(np.diff(near) > 1)
        pass_by = near[: leap[0] + 1] if len(leap) else near
        best = pass_by[np.argmin(gap[pass_by])]
        least = float(begins[best] + share[best] * length[best])
        found.append(least)
    return np.array(found)
