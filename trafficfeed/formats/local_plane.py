"""Centimetres east and north of a reference point, as MAP node lists count them."""

from collections.abc import Sequence
from math import cos, radians, sin, sqrt

import numpy as np
import numpy.typing as npt

Centimetres = npt.NDArray[np.int64]

_SEMI_MAJOR_M = 6_378_137.0  # WGS-84
_ECCENTRICITY_SQUARED = 6.694379990141e-3


def to_centimetres(line: Sequence[tuple[float, float]], reference: tuple[float, float]) -> Centimetres:
    """Return EPSG:4326 lon, lat points as ``(n, 2)`` centimetres east, north of `reference` (lon, lat)."""
    degrees = np.array(line, dtype=np.float64).reshape(-1, 2) - np.array(reference)
    return np.asarray(np.rint(degrees * _cm_per_degree(reference[1])), dtype=np.int64)


def to_lonlat(points: Centimetres, reference: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the inverse of `to_centimetres`, rounded to seven decimals."""
    degrees = np.round(np.array(reference) + points / _cm_per_degree(reference[1]), 7)
    return [(float(lon), float(lat)) for lon, lat in degrees]


def _cm_per_degree(latitude: float) -> npt.NDArray[np.float64]:
    """Return centimetres in a degree of longitude and of latitude on the ellipsoid, at `latitude` (degrees)."""
    bend = 1.0 - _ECCENTRICITY_SQUARED * sin(radians(latitude)) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / bend**1.5
    parallel_m = _SEMI_MAJOR_M / sqrt(bend) * cos(radians(latitude))
    return np.array([parallel_m, meridian_m]) * radians(1.0) * 100.0
