"""Which intersections a request of signals means: those named, or those in a box."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Query

from api.problems import Problem
from trafficfeed.publishing.signal_board import Wanted
from trafficfeed.signals.topology import Intersection

MOST_IDS: Final = 500

BoundingBox = Annotated[
    str | None,
    Query(
        description="Intersections in a box: west,south,east,north (EPSG:4326, lon, lat)",
        max_length=200,
        examples=["24.93,60.16,24.96,60.18"],
    ),
]
Ids = Annotated[
    str | None, Query(description=f"Intersections by id, {MOST_IDS} at most, separated by commas", max_length=40_000)
]


def wanted_of(known: Mapping[str, Intersection], bbox: str | None, ids: str | None) -> Wanted:
    """Return the ids of the intersections that are meant; None for all.

    Raises
    ------
    Problem
        422 where both are given, the box is none, or an id is not of this city.
    """
    if bbox is not None and ids is not None:
        raise Problem(422, "request-invalid", "Ask for `bbox` or for `ids`, not for both.")
    if ids is not None:
        return _named(known, ids)
    if bbox is None:
        return None
    west, south, east, north = _box(bbox)
    return frozenset(
        one.id for one in known.values() if west <= one.lonlat[0] <= east and south <= one.lonlat[1] <= north
    )


def _named(known: Mapping[str, Intersection], ids: str) -> frozenset[str]:
    named = frozenset(id for id in (part.strip() for part in ids.split(",")) if id)
    if not named or len(named) > MOST_IDS:
        raise Problem(422, "request-invalid", f"`ids` names {len(named)} intersections: name 1 to {MOST_IDS}.")
    if unknown := sorted(named - known.keys()):
        detail = f"There is no intersection {unknown[0]!r}: `/v1/signals` lists them."
        raise Problem(422, "request-invalid", detail, unknown=unknown[:20])
    return named


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west, south, east, north = 1.0, 0.0, 0.0, 0.0
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        detail = f"{text!r} is no box: give west,south,east,north in degrees, such as 24.93,60.16,24.96,60.18."
        raise Problem(422, "request-invalid", detail)
    return west, south, east, north
