"""Map datums: WGS-84, GCJ-02 and BD-09, converted by name and exactly back; never by where a point lies.

Source: the published constants and series of GCJ-02 (Krasovsky 1940 ellipsoid over WGS-84 degrees) and BD-09; Amap's
documentation of ``/v3/assistant/coordinate/convert`` gives the points that they are tested with. The series agrees with
Amap's answers to about 5 cm. CGCS2000 (EPSG:4490) is WGS-84 to a few centimetres and taken as such.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import ScenarioInvalid

Datum = Literal["wgs84", "gcj02", "bd09"]
Points = npt.NDArray[np.float64]

DATUMS: Final[tuple[Datum, ...]] = get_args(Datum)
MAX_STEP_M: Final = 500.0  # the worst chord in China bends by 4 cm over 500 m, 16 cm over 1 km, 3.7 m over 5 km

_SEMI_MAJOR_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_ORIGIN = np.array([105.0, 35.0])  # of the series, lon, lat
_BD09_SHIFT = np.array([0.0065, 0.006])  # degrees
_BD09_WAVE = np.pi * 3000.0 / 180.0  # per degree
_TOLERANCE_DEG = 1e-12
_ACCEPTED_DEG = 1e-9  # 0.1 mm; where the last digits swing for ever, as along 105° E, this is still met
_MAX_ROUNDS = 30
_METRES_PER_DEGREE = 111_195.0


def convert(points: npt.ArrayLike, *, source: str, target: str) -> Points:
    """Return points of one datum in another.

    Parameters
    ----------
    points
        ``(n, 2)``, lon, lat, degrees.
    source, target
        ``wgs84``, ``gcj02`` or ``bd09``. The same name twice gives the same numbers; another one shifts every point,
        wherever on earth it lies: whether a map is shifted is known of the map, not of the place.

    Returns
    -------
    Points
        ``(n, 2)``, lon, lat, degrees; a new array. There and back again is exact to less than a micrometre.

    Raises
    ------
    ScenarioInvalid
        If a datum is unknown, or a point has no inverse (beyond 89° north or south, or not a number).
    """
    known(source)
    known(target)
    array = np.array(points, dtype=np.float64).reshape(-1, 2)
    if source == target or not len(array):
        return array
    gcj = array if source == "gcj02" else _FROM[source](array)
    return gcj if target == "gcj02" else _TO[target](gcj)


def densify(points: npt.ArrayLike, *, max_step_m: float = MAX_STEP_M) -> Points:
    """Return a line with points added, so that none of its steps is longer than `max_step_m`.

    Between two datums a straight line is a bent one; only the points given are moved. The old points stay as they are.

    Parameters
    ----------
    points
        ``(n, 2)``, lon, lat, degrees.
    max_step_m
        Longest step, m, on the sphere.
    """
    line = np.array(points, dtype=np.float64).reshape(-1, 2)
    if len(line) < 2:
        return line
    steps = line[1:] - line[:-1]
    middle = np.radians((line[:-1, 1] + line[1:, 1]) / 2)
    length_m = _METRES_PER_DEGREE * np.hypot(steps[:, 0] * np.cos(middle), steps[:, 1])
    parts = np.maximum(np.ceil(length_m / max_step_m), 1).astype(np.int64)
    if (parts == 1).all():
        return line
    begins = np.repeat(np.cumsum(parts) - parts, parts)
    share = (np.arange(parts.sum()) - begins) / np.repeat(parts, parts)
    inner = np.repeat(line[:-1], parts, axis=0) + share[:, None] * np.repeat(steps, parts, axis=0)
    return np.vstack([inner, line[-1:]])


def known(datum: str) -> None:
    """Raise `ScenarioInvalid` where `datum` is none of `DATUMS`."""
    if datum not in DATUMS:
        raise ScenarioInvalid(f"there is no datum {datum!r}: use {', '.join(DATUMS)}")


def box_in_datum(bounds: Sequence[float], *, source: str = "wgs84", target: str) -> tuple[float, float, float, float]:
    """Return the west, south, east, north (degrees) of a box in another datum: of its whole outline."""
    west, south, east, north = bounds
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    outline = convert(densify(corners), source=source, target=target)
    (west, south), (east, north) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
    return west, south, east, north


def _wgs84_to_gcj02(points: Points) -> Points:
    return points + _gcj02_offset(points)


def _gcj02_offset(points: Points) -> Points:
    """Return by how much GCJ-02 moves WGS-84 points, degrees."""
    x, y = (points - _ORIGIN).T
    shared = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    root = np.sqrt(np.abs(x))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += (shared + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += (shared + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    latitude = np.radians(points[:, 1])
    squared = 1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / squared**1.5
    parallel_m = _SEMI_MAJOR_M / np.sqrt(squared) * np.cos(latitude)
    return np.asarray(np.degrees(np.column_stack([east_m / parallel_m, north_m / meridian_m])), dtype=np.float64)


def _gcj02_to_bd09(points: Points) -> Points:
    lon, lat = points.T
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD09_WAVE)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD09_WAVE)
    return np.asarray(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + _BD09_SHIFT)


def _inverse(forward: Callable[[Points], Points], points: Points) -> Points:
    """Return what `forward` makes `points` of, by fixed-point iteration: each round corrects by what is still wrong."""
    found = points.copy()
    for _ in range(_MAX_ROUNDS):
        wrong = forward(found) - points
        found -= wrong
        if np.abs(wrong).max() < _TOLERANCE_DEG:
            return found
    left = np.abs(forward(found) - points).max(axis=1)
    if not (left < _ACCEPTED_DEG).all():  # also where it is NaN
        at = points[int(np.argmin(left < _ACCEPTED_DEG))].tolist()
        raise ScenarioInvalid(f"the point {at} cannot be taken back to the other datum: give lon, lat in degrees")
    return found


_FROM: Final[dict[str, Callable[[Points], Points]]] = {
    "wgs84": _wgs84_to_gcj02,
    "bd09": lambda points: _inverse(_gcj02_to_bd09, points),
}
_TO: Final[dict[str, Callable[[Points], Points]]] = {
    "wgs84": lambda points: _inverse(_wgs84_to_gcj02, points),
    "bd09": _gcj02_to_bd09,
}
