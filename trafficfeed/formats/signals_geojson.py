"""A snapshot of all lamps as GeoJSON: a point at each stop line, in the datum of the map that it is for."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import Forecasts, group_value, utc_millis
from trafficfeed.network.datums import convert, known
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Intersection, SignalGroup

FILE_NAME: Final = "signals.geojson"
MEDIA_TYPE: Final = "application/geo+json"
DATUMS: Final = ("wgs84", "gcj02", "bd09")

_DECIMALS = 7


def encode_all(
    states: Iterable[IntersectionState],
    *,
    intersections: Mapping[str, Intersection],
    publication_time: datetime,
    datum: str = "wgs84",
    forecasts: Forecasts | None = None,
) -> bytes:
    """Return the snapshot; states of intersections that the topology does not hold are left out.

    Parameters
    ----------
    states
        In any order; features are sorted by intersection and group.
    intersections
        The topology's, EPSG:4326 lon, lat.
    publication_time
        Aware.
    datum
        ``wgs84``, ``gcj02`` or ``bd09``: that of the coordinates written, declared in the document.
    forecasts
        Of a snapshot of the past: what its forecasts are.

    Raises
    ------
    ScenarioInvalid
        If the datum is unknown.
    """
    known(datum)
    rows = [
        (state, groups[shown.group], shown)
        for state in sorted(states, key=lambda state: state.intersection)
        if state.intersection in intersections
        for groups in [{group.id: group for group in intersections[state.intersection].groups}]
        for shown in state.groups
        if shown.group in groups
    ]
    places = np.array([group.stop_line for _, group, _ in rows], dtype=np.float64).reshape(-1, 2)
    moved = np.round(convert(places, source="wgs84", target=datum), _DECIMALS).tolist()
    features = [
        _feature(state, group, group_value(shown, publication_time), at)
        for (state, group, shown), at in zip(rows, moved, strict=True)
    ]
    head = {
        "type": "FeatureCollection",
        "datum": datum,
        "published_at": utc_millis(publication_time),
        "simulated": any(state.simulated for state, _, _ in rows),
    }
    said = {} if forecasts is None else {"forecasts": forecasts.value}
    return as_json(head | said | {"features": features}) + b"\n"


def _feature(state: IntersectionState, group: SignalGroup, value: dict[str, Any], at: list[float]) -> dict[str, Any]:
    advisory = {"advisory": True, "authority": state.authority} if state.advisory else {}
    return {
        "type": "Feature",
        "id": f"{state.intersection}/{group.id}",
        "geometry": {"type": "Point", "coordinates": at},
        "properties": {
            "intersection": state.intersection,
            "intersection_name": state.name,
            "name": group.name,
            "compass": group.compass,
            "manoeuvres": [manoeuvre.value for manoeuvre in group.manoeuvres],
            "observed_at": utc_millis(state.observed_at),
            **advisory,
            **value,
        },
    }
