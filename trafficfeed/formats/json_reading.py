"""JSON as it may come from anybody: parsed without a crash, and taken apart without trusting its types."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trafficfeed.formats.records import refuse


def read_json(data: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises
    ------
    FeedNonConformant
        If it is no JSON, or no object.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        refuse(f"the document is not JSON ({error})")
    if not isinstance(document, dict):
        refuse("the document is not a JSON object")
    return document


def read_collection(data: bytes) -> dict[str, Any]:
    """Return a FeatureCollection, parameters and errors as for `read_json`."""
    document = read_json(data)
    if not isinstance(document.get("features"), list):
        refuse("the document is not a FeatureCollection")
    return document


def features(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and feature of a collection."""
    for number, feature in enumerate(document["features"]):
        yield f"features[{number}]", mapping(feature)


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a value as text, "" where it is absent."""
    return "" if value is None else str(value)


def coordinates(geometry: Any) -> tuple[Any, ...]:
    """Return the coordinates of a GeoJSON geometry as they are written, none of anything else."""
    found = mapping(geometry).get("coordinates")
    return tuple(found) if isinstance(found, list) else ()
