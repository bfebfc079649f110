"""Where a network lies on the earth: its own projection read, or a stated place for one that has none.

A SUMO network holds plane coordinates; its ``<location>`` says how they came from lon, lat. Many networks say nothing
(``projParameter="!"``): they are laid, centred, at an origin that the caller states, and are marked as not located.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from trafficfeed.errors import ScenarioInvalid

SYNTHETIC_ORIGIN = (0.0, 0.0)
FloatArray = npt.NDArray[np.float64]

# SUMO's "simple" projection, metres per degree (source: eclipse-sumo GeoConvHelper::cartesian2geo)
_SIMPLE_M_PER_DEGREE_LON = 111_320.0
_SIMPLE_M_PER_DEGREE_LAT = 111_136.0
# a UTM easting and northing of this size cannot be on the earth's grid
_FARTHEST_M = 2.0e7


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLocation:
    """The ``<location>`` of a SUMO network, as written.

    `offset` was added to projected coordinates to give those in the file; `boundary` is xmin, ymin, xmax, ymax in the
    file's own coordinates; `parameter` is a PROJ string, ``!`` (no projection) or ``-`` (SUMO's simple one).
    """

    offset: tuple[float, float] = (0.0, 0.0)
    boundary: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    parameter: str = "!"

    @property
    def projected(self) -> bool:
        """Whether the file says where on the earth it lies."""
        return self.parameter not in ("", "!")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetProjection:
    """How a network's plane coordinates become EPSG:4326 lon, lat.

    `crs` is the metric CRS to use for lengths and buffers; `located` is False at a synthetic place.
    """

    crs: str
    located: bool
    offset: tuple[float, float]
    source: str

    def to_lonlat(self, xy: FloatArray) -> FloatArray:
        """Return EPSG:4326 lon, lat ``(n, 2)`` of network coordinates ``(n, 2) m``."""
        plain = np.asarray(xy, dtype=np.float64).reshape(-1, 2) - np.asarray(self.offset)
        if self.source == "-":
            lat = plain[:, 1] / _SIMPLE_M_PER_DEGREE_LAT
            return np.column_stack([plain[:, 0] / (_SIMPLE_M_PER_DEGREE_LON * np.cos(np.radians(lat))), lat])
        lon, lat = _transformer(self.source).transform(plain[:, 0], plain[:, 1], direction="INVERSE")
        return np.column_stack([lon, lat])

    def to_xy(self, lonlat: FloatArray) -> FloatArray:
        """Return network coordinates ``(n, 2) m`` of EPSG:4326 lon, lat ``(n, 2)``."""
        lonlat = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
        if self.source == "-":
            lon_m = _SIMPLE_M_PER_DEGREE_LON * np.cos(np.radians(lonlat[:, 1]))
            plain = np.column_stack([lonlat[:, 0] * lon_m, lonlat[:, 1] * _SIMPLE_M_PER_DEGREE_LAT])
        else:
            plain = np.column_stack(_transformer(self.source).transform(lonlat[:, 0], lonlat[:, 1]))
        return np.asarray(plain + np.asarray(self.offset))


def metric_crs(lon: float, lat: float) -> str:
    """Return the EPSG code of the UTM zone at `lon`, `lat` (degrees), e.g. ``EPSG:32635``."""
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return f"EPSG:{(32700 if lat < 0 else 32600) + zone}"


def proj_string(crs: str) -> str:
    """Return `crs` as the PROJ string that netconvert takes.

    Raises
    ------
    ScenarioInvalid
        If pyproj does not know `crs`, or it is not a projected CRS in metres.
    """
    parsed = checked_crs(crs)
    utm = parsed.utm_zone
    if utm:  # netconvert's PROJ has no database: say it in full
        south = " +south" if utm.endswith("S") else ""
        return f"+proj=utm +zone={utm[:-1]}{south} +ellps=WGS84 +datum=WGS84 +units=m +no_defs"
    return _quiet_proj4(parsed)


def checked_crs(crs: str) -> pyproj.CRS:
    """Return `crs` parsed.

    Raises
    ------
    ScenarioInvalid
        If pyproj does not know it, or it is not a projected CRS in metres.
    """
    try:
        parsed = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise ScenarioInvalid(f"CRS {crs!r} is not known: give a projected one in metres, e.g. EPSG:32635") from error
    if not parsed.is_projected or (parsed.axis_info and parsed.axis_info[0].unit_name not in ("metre", "meter")):
        raise ScenarioInvalid(f"CRS {crs!r} is not a projected one in metres: give e.g. EPSG:32635")
    return parsed


def locate(
    location: NetLocation, *, origin: tuple[float, float] | None = None, crs: str | None = None
) -> NetProjection:
    """Return the projection of a network.

    Parameters
    ----------
    location
        What the file says of itself.
    origin
        EPSG:4326 lon, lat on which the centre of a network *without* a projection is laid; default: 0, 0.
    crs
        Metric CRS to use for lengths; default: the UTM zone of the network's centre.

    Raises
    ------
    ScenarioInvalid
        If the projection is unknown to PROJ, or puts the network off the earth, or `origin` is no lon, lat.
    """
    if not location.projected:
        return _synthetic(location, origin=origin or SYNTHETIC_ORIGIN, crs=crs)
    west, south, east, north = location.boundary
    found = NetProjection(crs=crs or "", located=True, offset=location.offset, source=location.parameter)
    lon, lat = found.to_lonlat(np.array([[(west + east) / 2, (south + north) / 2]]))[0]
    if not (np.isfinite([lon, lat]).all() and -180 <= lon <= 180 and -90 <= lat <= 90):
        raise ScenarioInvalid(
            f"the network's projection {location.parameter!r} with netOffset {location.offset} puts it off the earth: "
            "correct its <location>, or set projParameter to '!' and give --origin"
        )
    chosen = crs or metric_crs(lon, lat)
    checked_crs(chosen)
    return NetProjection(crs=chosen, located=True, offset=location.offset, source=location.parameter)


def _synthetic(location: NetLocation, *, origin: tuple[float, float], crs: str | None) -> NetProjection:
    lon, lat = origin
    if not (-180 <= lon <= 180 and -80 <= lat <= 84):
        raise ScenarioInvalid(f"origin {lon}, {lat} is no lon, lat in degrees (latitude from -80 to 84)")
    chosen = crs or metric_crs(lon, lat)
    checked_crs(chosen)
    east, north = _transformer(chosen).transform(lon, lat)
    west_m, south_m, east_m, north_m = location.boundary
    if not all(np.isfinite(location.boundary)) or max(east_m - west_m, north_m - south_m) > _FARTHEST_M:
        raise ScenarioInvalid(f"the network's convBoundary {location.boundary} is no extent in metres")
    offset = ((west_m + east_m) / 2 - float(east), (south_m + north_m) / 2 - float(north))
    return NetProjection(crs=chosen, located=False, offset=offset, source=chosen)


def _transformer(source: Any) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs("EPSG:4326", source, always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise ScenarioInvalid(
            f"projection {source!r} is not known to PROJ: correct projParameter in the network's <location>, "
            "or set it to '!' and give --origin"
        ) from error


def _quiet_proj4(crs: pyproj.CRS) -> str:
    import warnings

    with warnings.catch_warnings():  # pyproj warns that PROJ strings lose detail; netconvert takes nothing else
        warnings.simplefilter("ignore", UserWarning)
        return str(crs.to_proj4())
