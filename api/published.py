"""The records of the released native feed, as the pages read them: what is shown is what is served."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trafficfeed.errors import SourceMalformed
from trafficfeed.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One published record; the fields of `RoadEvent` that a page shows.

    `coordinates` are EPSG:4326 lon, lat. `certificate` is empty while the simulation has not spoken.
    """

    id: str
    order_id: str
    measure_id: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    rule: Mapping[str, Any]
    exceptions: Sequence[str]
    street: str
    from_street: str
    to_street: str
    compass: str
    coordinates: Sequence[tuple[float, float]]
    window: Window
    end_is_estimate: bool
    until: Mapping[str, str]
    reason: str
    authority: str
    contact_name: str
    contact_email: str
    cancelled: bool
    validation: str
    certificate: Mapping[str, Any]


def records_in(data: bytes) -> tuple[Record, ...]:
    """Return the records of a native feed, `trafficfeed.formats.native`.

    Raises
    ------
    SourceMalformed
        If it is not one.
    """
    try:
        return tuple(_record(feature) for feature in json.loads(data)["features"])
    except (ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(f"the released native feed cannot be read: {error!r}; publish it anew") from error


def _record(feature: Mapping[str, Any]) -> Record:
    facts = feature["properties"]
    contact = facts.get("contact", {})
    return Record(
        id=feature["id"],
        order_id=facts["order"]["id"],
        measure_id=facts["order"]["measure"],
        title=facts["title"],
        description=facts.get("description", {}),
        rule=facts["rule"],
        exceptions=facts.get("exceptions", ()),
        street=facts.get("street", ""),
        from_street=facts.get("from_street", ""),
        to_street=facts.get("to_street", ""),
        compass=facts.get("direction", ""),
        coordinates=[(point[0], point[1]) for point in feature["geometry"]["coordinates"]],
        window=Window(start=datetime.fromisoformat(facts["start"]), end=datetime.fromisoformat(facts["end"])),
        end_is_estimate=bool(facts.get("end_is_estimate", False)),
        until=facts.get("until", {}),
        reason=facts["reason"],
        authority=facts.get("authority", ""),
        contact_name=contact.get("name", ""),
        contact_email=contact.get("email", ""),
        cancelled=bool(facts.get("cancelled", False)),
        validation=facts["validation"],
        certificate=facts.get("certificate", {}),
    )
