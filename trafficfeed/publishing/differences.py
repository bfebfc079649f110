"""Two releases side by side, for a person: records added, removed and changed, and which of their fields."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trafficfeed.errors import FeedNonConformant
from trafficfeed.publishing.tombstones import tombstones_in

_NESTED: Final = ("order", "rule", "lanes", "contact", "certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of a record that differs; None where it was, or is, not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChange:
    """A record of one release or both.

    `facts` are its native properties, as they are in the later release that has it. `fields` are those that differ,
    none where the record was added or removed. `reason` says why a removed one is gone, where the feed says so.
    """

    id: str
    facts: Mapping[str, Any]
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What differs between two releases, each sorted by id; `same` counts the records that do not."""

    added: tuple[RecordChange, ...]
    removed: tuple[RecordChange, ...]
    changed: tuple[RecordChange, ...]
    same: int


def differences(before: bytes, after: bytes) -> Differences:
    """Compare two native documents, `before` the older.

    Raises
    ------
    FeedNonConformant
        If one is not a native document.
    """
    old, new = _records(before), _records(after)
    reasons = {stone.id: stone.reason for stone in tombstones_in(json.loads(after))}
    changed = [
        RecordChange(id=name, facts=_properties(new[name]), fields=tuple(_changes(old[name], new[name])))
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    return Differences(
        added=tuple(RecordChange(id=name, facts=_properties(new[name])) for name in sorted(new.keys() - old.keys())),
        removed=tuple(
            RecordChange(id=name, facts=_properties(old[name]), reason=reasons.get(name, ""))
            for name in sorted(old.keys() - new.keys())
        ),
        changed=tuple(changed),
        same=len(old.keys() & new.keys()) - len(changed),
    )


def in_words(value: Any, *, limit: int = 120) -> str:
    """Return a field's value as a person reads it: a line as the number of its points, much text cut short."""
    if value is None:
        return "—"
    if isinstance(value, dict) and "coordinates" in value:
        return f"line of {len(value['coordinates'])} points"
    if isinstance(value, dict) and value and all(isinstance(text, str) for text in value.values()):
        text = "; ".join(f"{key}: {text}" for key, text in value.items())
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _records(document: bytes) -> dict[str, dict[str, Any]]:
    try:
        return {feature["id"]: feature for feature in json.loads(document)["features"]}
    except (ValueError, KeyError, TypeError) as error:
        raise FeedNonConformant(f"this is no native document that can be compared: {error!r}") from error


def _properties(feature: Mapping[str, Any]) -> dict[str, Any]:
    found = feature.get("properties")
    return dict(found) if isinstance(found, dict) else {}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    before, after = _fields(old), _fields(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield FieldChange(field=name, before=before.get(name), after=after.get(name))


def _fields(feature: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields by name, one level deep where an object's parts change apart: ``lanes.closed``."""
    found = {"geometry": feature.get("geometry")}
    for name, value in _properties(feature).items():
        if name in _NESTED and isinstance(value, dict):
            found |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            found[name] = value
    return found
