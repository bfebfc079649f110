"""Transparent map tiles of the water on the roads, for any slippy map: web Mercator, 256 pixels, PNG.

Lines are drawn where the water stands, coloured and as thick as it is deep; dry roads are left out, roads of which
nothing is known are grey.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from api.flood_released import Floats, FloodPicture
from trafficfeed.pipeline.flood_measures import DEPTH_CLASSES_M

SIZE: Final = 256
ZOOMS: Final = range(6, 20)
"""Below it a city is a few pixels, above it a road fills the tile."""
COLOURS: Final = ((106, 174, 224), (47, 128, 189), (11, 74, 140), (12, 18, 48))
"""Of the depth classes from 10 cm on: one blue, light to dark, as in `web/flood.css`."""
UNKNOWN: Final = (91, 98, 103)
_FINER: Final = 2  # drawn so much larger, so that edges are smooth
_HIGHEST_LAT: Final = 85.0511
_MARGIN: Final = 16.0 / SIZE  # a line beside the tile may reach into it


@dataclass(frozen=True, kw_only=True)
class _Laid:
    """The wet stretches on the unit square of web Mercator: points, and each one's ``(n, 4)`` bounds."""

    lines: Sequence[Floats]
    bounds: Floats


def mercator(lonlat: npt.ArrayLike) -> Floats:
    """Return ``(n, 2)`` places of ``(n, 2)`` WGS-84 lon, lat on the unit square, from its north-west corner.

    Source: OGC 17-083r4, annex D.1, WebMercatorQuad.
    """
    points = np.atleast_2d(np.asarray(lonlat, dtype=np.float64))
    lat = np.radians(np.clip(points[:, 1], -_HIGHEST_LAT, _HIGHEST_LAT))
    return np.column_stack([(points[:, 0] + 180.0) / 360.0, 0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)])


def draw_tile(picture: FloodPicture, depths_m: Floats, z: int, x: int, y: int) -> bytes:
    """Draw a tile.

    Parameters
    ----------
    depths_m
        ``(n_segments,)`` depth of each of the picture's segments, m; NaN: not known.
    z, x, y
        Zoom, column from the west and row from the north.
    """
    laid = _laid(picture)
    scale = 2.0**z
    low, high = np.array([x, y]) - _MARGIN, np.array([x, y]) + 1 + _MARGIN
    inside = (laid.bounds[:, 2:] * scale >= low).all(axis=1) & (laid.bounds[:, :2] * scale <= high).all(axis=1)
    wet = np.isnan(depths_m) | (depths_m >= DEPTH_CLASSES_M[0])
    shown = np.flatnonzero(inside & wet)
    if not len(shown):
        return _blank()
    order = shown[np.argsort(np.nan_to_num(depths_m[shown], nan=-1.0), kind="stable")]
    strokes = [((laid.lines[n] * scale - (x, y)) * SIZE * _FINER, float(depths_m[n])) for n in order]
    return _drawn(strokes, z)


def _laid(picture: FloodPicture) -> _Laid:
    """Return where the picture's stretches lie, worked out once for a release."""
    found: _Laid | None = picture.derived.get("tiles")
    if found is None:
        lines = [mercator(one.wet) for one in picture.segments]
        bounds = [np.concatenate([line.min(axis=0), line.max(axis=0)]) for line in lines]
        found = picture.derived["tiles"] = _Laid(lines=lines, bounds=np.array(bounds).reshape(-1, 4))
    return found


def _drawn(strokes: Sequence[tuple[Floats, float]], z: int) -> bytes:
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (SIZE * _FINER, SIZE * _FINER), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for points, depth_m in strokes:
        rank = 0 if np.isnan(depth_m) else int(np.searchsorted(DEPTH_CLASSES_M, depth_m + 1e-9, side="right"))
        colour = UNKNOWN if rank == 0 else COLOURS[rank - 1]
        width = round(_width(rank, z) * _FINER)
        flat = [(float(px), float(py)) for px, py in points]
        pen.line(flat, fill=(*colour, 255), width=width, joint="curve")
        for px, py in (flat[0], flat[-1]):
            pen.ellipse((px - width / 2, py - width / 2, px + width / 2, py + width / 2), fill=(*colour, 255))
    return _png(image.resize((SIZE, SIZE), Image.Resampling.BOX))


def _width(rank: int, z: int) -> float:
    """Return how thick a depth class is drawn, pixels: thinner where the city is small."""
    return (2.0, 4.0, 5.5, 7.0, 8.5)[rank] * min(max((z - 6) / 9.0, 0.35), 1.3)


@lru_cache(maxsize=1)
def _blank() -> bytes:
    from PIL import Image

    return _png(Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0)))


def _png(image: "object") -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)  # type: ignore[attr-defined]
    return out.getvalue()
