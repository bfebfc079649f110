"""A file of heights as it is: its values, its grid and its CRS, before anything is believed of it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.sumo_binary import forget_sumos_proj

LonLatBox = tuple[float, float, float, float]

MOST_CELLS = 40_000_000
_AREAL_ERROR = 0.01  # a CRS whose square metres are off by more is left for the city's


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Values ``(rows, columns) float64`` (NaN: none), on a grid given by an affine `transform` in `crs`.

    `unit` is what the file says of its values, "" for nothing; `whole` that they are integers.
    """

    values: npt.NDArray[np.float64]
    transform: Any
    crs: pyproj.CRS
    unit: str = ""
    whole: bool = False

    @property
    def fits(self) -> bool:
        """Whether the grid is north-up in a metric CRS that is true to area."""
        t = self.transform
        return bool(t.b == 0 and t.d == 0 and t.a > 0 and t.e < 0) and is_metric(self.crs, self._middle())

    def _middle(self) -> tuple[float, float]:
        rows, columns = self.values.shape
        x, y = self.transform @ (columns / 2, rows / 2)
        lon, lat = pyproj.Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True).transform(x, y)
        return float(lon), float(lat)


def read_grid(path: Path, *, crs: str | None, box: LonLatBox | None, margin_m: float) -> Grid:
    """Read the first band of `path`, the part round `box` where one is given.

    Parameters
    ----------
    path
        GeoTIFF, ESRI ASCII grid, or what else GDAL reads.
    crs
        Of a file that states none (no .asc does). A file that states another one is refused.
    box
        West, south, east, north, EPSG:4326: the city; None: the whole file.
    margin_m
        How much beyond the box is read, m: what drains into the city.

    Raises
    ------
    SourceUnavailable
        If the file is not there.
    SourceMalformed
        If it is no raster of one band of real numbers.
    ScenarioInvalid
        If its CRS is missing, unknown or contradicted, or it lies elsewhere than the city, or is too large.
    """
    with _opened(path) as source:
        stated = _crs_of(source, crs, path)
        window = _window(source, stated, box, margin_m, path)
        if window.width * window.height > MOST_CELLS:
            raise ScenarioInvalid(
                f"{path} has {window.width * window.height:,.0f} cells at the city, more than {MOST_CELLS:,}: "
                "give one of coarser cells (gdalwarp -tr 2 2 -r average)"
            )
        values = source.read(1, window=window, masked=True)
        scaled = values.astype(np.float64).filled(np.nan) * source.scales[0] + source.offsets[0]
        return Grid(
            values=scaled,
            transform=source.window_transform(window),
            crs=stated,
            unit=source.units[0] or "",
            whole=bool(np.issubdtype(values.dtype, np.integer)) and source.scales[0] == 1,
        )


def warped(grid: Grid, crs: str) -> Grid:
    """Return `grid` on a north-up grid of `crs`, heights interpolated linearly between its cells."""
    forget_sumos_proj()
    from rasterio.crs import CRS
    from rasterio.transform import array_bounds
    from rasterio.warp import Resampling, calculate_default_transform, reproject

    rows, columns = grid.values.shape
    source_crs, target = CRS.from_wkt(grid.crs.to_wkt()), CRS.from_user_input(crs)
    bounds = array_bounds(rows, columns, grid.transform)
    if grid.transform.b or grid.transform.d:
        corners = [grid.transform @ corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))]
        xs, ys = zip(*corners, strict=True)
        bounds = (min(xs), min(ys), max(xs), max(ys))
    transform, width, height = calculate_default_transform(source_crs, target, columns, rows, *bounds)
    values = np.full((height, width), np.nan)
    reproject(
        grid.values, values, src_transform=grid.transform, src_crs=source_crs, src_nodata=np.nan,
        dst_transform=transform, dst_crs=target, dst_nodata=np.nan, resampling=Resampling.bilinear,
    )  # fmt: skip
    return replace(grid, values=values, transform=transform, crs=pyproj.CRS.from_user_input(crs))


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """Return `crs` without its vertical part."""
    return crs.sub_crs_list[0] if crs.is_compound else crs


def is_metric(crs: pyproj.CRS, lonlat: tuple[float, float]) -> bool:
    """Return whether `crs` is projected, in metres, and true to area within a percent at `lonlat`."""
    if not crs.is_projected or any(axis.unit_name not in ("metre", "meter") for axis in crs.axis_info[:2]):
        return False
    scale = pyproj.Proj(crs).get_factors(*lonlat).areal_scale
    return bool(abs(scale - 1) <= _AREAL_ERROR)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    forget_sumos_proj()
    import rasterio

    if not path.is_file():
        raise SourceUnavailable(f"the elevation model {path} is not there: correct `dem` in [flooding] or --dem")
    try:
        with rasterio.open(path) as source:
            if source.count != 1 or np.issubdtype(np.dtype(source.dtypes[0]), np.complexfloating):
                raise SourceMalformed(
                    f"{path} has {source.count} bands of {source.dtypes[0]}: an elevation model has one, of heights"
                )
            yield source
    except rasterio.errors.RasterioError as error:
        raise SourceMalformed(f"{path} cannot be read as a raster: {error}") from error


def _crs_of(source: Any, crs: str | None, path: Path) -> pyproj.CRS:
    given = None if crs is None else _parsed(crs)
    own = None if source.crs is None else pyproj.CRS.from_wkt(source.crs.to_wkt())
    if own is None or not (own.is_projected or own.is_geographic):  # a local one says not where it is
        if given is None:
            raise ScenarioInvalid(
                f'the elevation model {path} does not say its CRS: state it, `dem_crs = "EPSG:…"` in [flooding] '
                "or --crs EPSG:…"
            )
        _refuse_degrees(source, given, path)
        return given
    if given is not None and not _same(given, own):
        raise ScenarioInvalid(
            f"the elevation model {path} says its CRS is {own.name}, you say {given.name}: "
            "take `dem_crs` or --crs out, or correct the file"
        )
    return own


def _parsed(crs: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise ScenarioInvalid(f"CRS {crs!r} of the elevation model is not known: give e.g. EPSG:32635") from error


def _same(a: pyproj.CRS, b: pyproj.CRS) -> bool:
    one, other = horizontal(a), horizontal(b)
    known = one.to_epsg()
    return one.equals(other, ignore_axis_order=True) or (known is not None and known == other.to_epsg())


def _refuse_degrees(source: Any, crs: pyproj.CRS, path: Path) -> None:
    """Notice a grid of degrees that somebody calls metric, or the other way round."""
    west, south, east, north = source.bounds
    degrees = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90 and abs(source.transform.a) < 0.1
    if degrees and crs.is_projected:
        raise ScenarioInvalid(f"the elevation model {path} lies at {west:.4f},{south:.4f}: degrees, not {crs.name}")
    if crs.is_geographic and max(abs(west), abs(east)) > 360:
        raise ScenarioInvalid(f"the elevation model {path} lies at {west:.0f},{south:.0f}: no degrees of {crs.name}")


def _window(source: Any, crs: pyproj.CRS, box: LonLatBox | None, margin_m: float, path: Path) -> Any:
    from rasterio.windows import Window, from_bounds

    whole = Window(0, 0, source.width, source.height)
    if box is None or source.transform.b or source.transform.d or source.transform.e >= 0:
        return whole
    lat = np.radians((box[1] + box[3]) / 2)
    east, north = margin_m / (111_320.0 * max(float(np.cos(lat)), 0.01)), margin_m / 111_320.0
    wide = (box[0] - east, box[1] - north, box[2] + east, box[3] + north)
    west_x, south_y, east_x, north_y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(
        *wide, densify_pts=21
    )
    bounds = source.bounds
    if west_x >= bounds.right or east_x <= bounds.left or south_y >= bounds.top or north_y <= bounds.bottom:
        back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        lon, lat_there = back.transform((bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2)
        raise ScenarioInvalid(
            f"the elevation model {path} lies at {lon:.3f},{lat_there:.3f} by {crs.name}, not at the city "
            f"({(box[0] + box[2]) / 2:.3f},{(box[1] + box[3]) / 2:.3f}): is the CRS right?"
        )
    part = from_bounds(west_x, south_y, east_x, north_y, source.transform).intersection(whole)
    first_column, first_row = math.floor(part.col_off), math.floor(part.row_off)
    columns, rows = math.ceil(part.col_off + part.width), math.ceil(part.row_off + part.height)
    return Window(first_column, first_row, columns - first_column, rows - first_row).intersection(whole)
