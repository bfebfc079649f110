"""What an elevation model must be: heights in metres, none absurd, no holes where water would seem to vanish."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyproj
from scipy import ndimage

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.findings import Finding, Severity

Values = npt.NDArray[np.float64]

UNITS: Final = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "us-ft": 1200 / 3937}
"""Metres in a unit of height. Source: the international foot (1959), the US survey foot (NIST, until 2022)."""

_WRITTEN: Final = {
    "m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "cm": "cm", "centimetre": "cm", "dm": "dm",
    "mm": "mm", "ft": "ft", "foot": "ft", "feet": "ft", "international foot": "ft", "us-ft": "us-ft",
    "us survey foot": "us-ft", "ussft": "us-ft", "us_survey_foot": "us-ft", "foot_us": "us-ft", "ftus": "us-ft",
}  # fmt: skip
_LOWEST_M, _HIGHEST_M = -450.0, 9000.0  # the shore of the Dead Sea, Mount Everest
_STEEPEST = 1.0  # half of all cells steeper than 45°: no city, but centimetres or feet read as metres
_LOOKED_AT = 1_000_000  # cells whose slopes tell of all
_COARSE_M = 10.0  # a street is not much wider


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Cells without height, enclosed by cells with one: their number, and one of them (flat index)."""

    cells: int
    at: int


def metres_in(unit: str | None, *, written: str, crs: pyproj.CRS, file: str) -> tuple[float, list[Finding]]:
    """Return the metres in a unit of the file's heights, and what is to be said about it.

    Parameters
    ----------
    unit
        As the city states it, one of `UNITS`; None where it does not.
    written
        As the file writes it, "" for nothing.
    crs
        The file's; a compound one states the unit of its vertical axis.
    file
        For messages.

    Raises
    ------
    ScenarioInvalid
        If the unit is unknown, or stated differently, or the file counts in feet and does not say of its heights.
    """
    vertical = [axis.unit_name for axis in crs.axis_info[2:]]
    said = written or (vertical[0] if vertical else "")
    known = _WRITTEN.get(said.strip().lower())
    if said and known is None and unit is None:
        raise ScenarioInvalid(f"{file} says its heights are in {said!r}: state `dem_unit`, one of {', '.join(UNITS)}")
    if unit is not None:
        if known is not None and known != unit:
            raise ScenarioInvalid(f"{file} says its heights are in {said}, you say {unit}: correct one of them")
        return UNITS[unit], []
    if known is not None:
        return UNITS[known], [] if known == "m" else [_said("terrain.unit", f"heights in {said} are made metres")]
    if crs.is_projected and crs.axis_info[0].unit_name not in ("metre", "meter"):
        raise ScenarioInvalid(
            f"{file} lies in {crs.name}, which counts in {crs.axis_info[0].unit_name}, and does not say the unit of "
            f"its heights: state `dem_unit`, one of {', '.join(UNITS)}"
        )
    return 1.0, [_said("terrain.unit", f"{file} does not say the unit of its heights: metres are taken")]


def refuse_absurd(values: Values, *, place: "Placed", file: str) -> None:
    """Raise ScenarioInvalid where heights cannot be: outside -450 to 9000 m, infinite, or none at all."""
    absurd = (values < _LOWEST_M) | (values > _HIGHEST_M)
    if absurd.any():
        found, counts = np.unique(values[absurd], return_counts=True)
        first = place(int(np.flatnonzero(absurd.ravel())[0]))
        raise ScenarioInvalid(
            f"{file}: {absurd.sum():,} cells ({_percent(absurd.mean())}) have no height that a place can have, most "
            f"often {found[counts.argmax()]:g} m, the first at {first}: declare that value as NODATA, or state "
            "`dem_unit` where the heights are not in metres"
        )
    if np.isnan(values).all():
        raise ScenarioInvalid(f"{file} has no heights at the city: all cells are NODATA")


def refuse_cliffs(height_m: Values, cell_x_m: float, cell_y_m: float, *, file: str) -> None:
    """Raise ScenarioInvalid where half of the ground is steeper than 45°: the unit of height is wrong."""
    thin = max(1, round((height_m.size / _LOOKED_AT) ** 0.5))
    rises = np.concatenate(
        [
            (np.abs(np.diff(height_m[::thin], axis=1)[:, ::thin]) / cell_x_m).ravel(),
            (np.abs(np.diff(height_m[:, ::thin], axis=0)[::thin]) / cell_y_m).ravel(),
        ]
    )
    rises = rises[~np.isnan(rises)]
    if len(rises) and float(np.median(rises)) > _STEEPEST:
        raise ScenarioInvalid(
            f"{file}: half of the ground is steeper than {np.degrees(np.arctan(np.median(rises))):.0f}°: "
            'state the unit of its heights, `dem_unit = "cm"` or "ft" for instance'
        )


def doubts(height_m: Values, cell_m: float, *, whole: bool) -> list[Finding]:
    """Return what a usable model cannot tell: cells or heights too coarse, or ground without relief."""
    found = []
    if cell_m > _COARSE_M:
        found.append(_doubt("terrain.coarse_cells", f"cells of {cell_m:.0f} m do not show a street", "1 to 5 m"))
    if whole:
        found.append(
            _doubt("terrain.coarse_heights", "heights are whole numbers: 15 cm of water are less", "heights to 1 cm")
        )
    if np.nanmax(height_m) - np.nanmin(height_m) < 0.01:
        found.append(_doubt("terrain.flat", "all of the ground has one height: it has no hollows", "the real one"))
    return found


def holes_in(height_m: Values) -> tuple[npt.NDArray[np.int32], list[Hole]]:
    """Return a label for each cell of a hole (0 elsewhere), and the holes, by label from 1.

    A hole is enclosed: cells without height that reach the grid's border are outside the model, where it ends.
    """
    missing = np.isnan(height_m)
    if not missing.any():
        return np.zeros(height_m.shape, dtype=np.int32), []
    label, count = ndimage.label(missing, structure=np.ones((3, 3)))
    rim = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    inner = np.setdiff1d(np.arange(1, count + 1), rim)
    number = np.zeros(count + 1, dtype=np.int32)
    number[inner] = np.arange(1, len(inner) + 1)
    label = number[label]
    flat = np.flatnonzero(label.ravel())
    of = label.ravel()[flat]
    first = flat[np.unique(of, return_index=True)[1]] if len(of) else flat
    sizes = np.bincount(of, minlength=len(inner) + 1)[1:]
    return label, [Hole(cells=int(n), at=int(cell)) for n, cell in zip(sizes, first, strict=True)]


def without_holes(
    height_m: Values, *, cell_m2: float, fill_m2: float, leave_open: bool, place: "Placed", file: str
) -> tuple[Values, list[Finding]]:
    """Return the heights with small holes filled where asked, and what was done.

    Parameters
    ----------
    height_m
        ``(rows, columns)``, NaN where there is none.
    cell_m2
        Area of a cell.
    fill_m2
        Holes up to this size get heights from round about; 0: none do.
    leave_open
        Whether larger ones may stay: water that reaches them is gone (ponds, harbours).
    place
        Says where a cell is.
    file
        For messages.

    Raises
    ------
    ScenarioInvalid
        If holes remain that nobody said may stay.
    """
    label, holes = holes_in(height_m)
    small = np.array([False, *(hole.cells * cell_m2 <= fill_m2 for hole in holes)])
    kept = sorted((hole for hole in holes if hole.cells * cell_m2 > fill_m2), key=lambda hole: -hole.cells)
    said = []
    if kept:
        cells = sum(hole.cells for hole in kept)
        largest = ", ".join(f"{hole.cells * cell_m2:,.0f} m² at {place(hole.at)}" for hole in kept[:3])
        what = f"{_holes(len(kept))}, {_percent(cells / height_m.size)} of the model, the largest {largest}"
        if not leave_open:
            raise ScenarioInvalid(
                f"{file} has {what}: hollows beside them would seem to drain there. Give a model without holes, or "
                "have small ones filled (`dem_fill_holes_m2`, --fill-holes), or say that they are water "
                "(`dem_open_holes = true`, --open-holes)"
            )
        said.append(_said("terrain.holes", f"{what}: left open, water that gets there is gone"))
    if small.any():
        height_m = _filled(height_m, small[label])
        filled = [hole for hole in holes if hole.cells * cell_m2 <= fill_m2]
        share = _percent(sum(hole.cells for hole in filled) / height_m.size)
        where = ", ".join(place(hole.at) for hole in filled[:3])
        said.append(
            _said(
                "terrain.holes_filled", f"{_holes(len(filled))}, {share} of the model, filled from round about: {where}"
            )
        )
    return height_m, said


class Placed:
    """Says where a cell of a grid is, as ``lon,lat``: given the function from flat indices."""

    def __init__(self, transform: Any, crs: pyproj.CRS, columns: int) -> None:
        self._transform, self._columns = transform, columns
        self._back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def __call__(self, cell: int) -> str:
        """Return the position of the cell with a flat index."""
        row, column = divmod(cell, self._columns)
        lon, lat = self._back.transform(*(self._transform @ (column + 0.5, row + 0.5)))
        return f"{lon:.5f},{lat:.5f}"


def _filled(height_m: Values, where: npt.NDArray[np.bool_]) -> Values:
    from rasterio.fill import fillnodata

    filled = fillnodata(
        np.nan_to_num(height_m, nan=0.0).astype(np.float32),
        mask=~np.isnan(height_m),
        max_search_distance=float(max(height_m.shape)),
    )
    return np.where(where, filled.astype(np.float64), height_m)


def _holes(count: int) -> str:
    return "1 hole" if count == 1 else f"{count} holes"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if share >= 0.0001 else "less than 0.01 %"


def _said(rule: str, message: str) -> Finding:
    return Finding(rule=rule, severity=Severity.INFO, message=message)


def _doubt(rule: str, message: str, better: str) -> Finding:
    return Finding(rule=rule, severity=Severity.WARNING, message=message, mend=f"use a model with {better}")
