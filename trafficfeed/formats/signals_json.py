"""Our own JSON of lamp states: absolute UTC times, one object an intersection, the same facts giving the same bytes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signal_times import told
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.states import GroupState, IntersectionState

FILE_NAME: Final = "signals.json"
FORMAT: Final = "trafficfeed-signals/1"
MEDIA_TYPE: Final = "application/json"


class Forecasts(StrEnum):
    """What the forecasts in a document about the past are."""

    PUBLISHED = "as published"
    WORKED_OUT = "worked out anew"  # from what was known by then; not always what was published
    NOT_KEPT = "not kept"


def encode(state: IntersectionState, *, at: datetime | None = None, forecasts: Forecasts | None = None) -> bytes:
    """Return one intersection as a JSON object; `at` is when it is sent (aware), by default when it was observed.

    `forecasts` says of a state of the past what its forecasts are.
    """
    said = {} if forecasts is None else {"forecasts": forecasts.value}
    return as_json(value_of(state, at=at) | said)


def encode_all(states: Iterable[IntersectionState], *, publication_time: datetime, city: str = "") -> bytes:
    """Return a snapshot of many intersections, sorted by id; `publication_time` is aware."""
    ordered = sorted(states, key=lambda state: state.intersection)
    head = {"format": FORMAT, "city": city, "published_at": utc_millis(publication_time)}
    return as_json(head | {"intersections": [value_of(one, at=publication_time) for one in ordered]}) + b"\n"


def value_of(state: IntersectionState, *, at: datetime | None = None) -> dict[str, Any]:
    """Return what `encode` writes. Only what is so is said: no ``stale``, ``simulated``, ``advisory`` of false."""
    moment = at or state.observed_at
    value: dict[str, Any] = {
        "id": state.intersection,
        "number": state.number,
        "region": state.region,
        "revision": state.revision,
        "observed_at": utc_millis(state.observed_at),
    }
    if state.name:
        value["name"] = state.name
    if state.simulated:
        value["simulated"] = True
    if state.advisory:
        value |= {"advisory": True, "authority": state.authority}
        if state.expires_at is not None:
            value["expires_at"] = utc_millis(state.expires_at)
    value["groups"] = [group_value(group, moment) for group in state.groups]
    return value


def group_value(group: GroupState, at: datetime) -> dict[str, Any]:
    """Return one group as JSON says it; ``likely_end`` only where its seconds may be counted down."""
    value: dict[str, Any] = {"group": group.group, "aspect": group.aspect.value}
    if group.since is not None:
        value["since"] = utc_millis(group.since)
    if group.source:
        value["source"] = group.source
    if group.simulated:
        value["simulated"] = True
    if group.stale:
        value["stale"] = True
    end = told(group, at)
    if end is None or group.forecast is None:
        return value
    forecast: dict[str, Any] = {"method": group.forecast.method.value, "min_end": utc_millis(end.earliest)}
    if end.likely is not None:
        forecast["likely_end"] = utc_millis(end.likely)
    elif (expected := _expected(group, at)) is not None:
        forecast["expected_end"] = utc_millis(expected)
    if end.latest is not None:
        forecast["max_end"] = utc_millis(end.latest)
    for key, quantile in (("p10", group.forecast.p10), ("p90", group.forecast.p90)):
        if quantile is not None and quantile >= at:
            forecast[key] = utc_millis(quantile)
    forecast["countdown_allowed"] = end.likely is not None
    if group.forecast.next_aspect is not None:
        forecast["next_aspect"] = group.forecast.next_aspect.value
    return value | {"forecast": forecast}


def _expected(group: GroupState, at: datetime) -> datetime | None:
    """Return where in its interval an actuated green most likely ends: of use to software, never to count down to."""
    said = group.forecast
    if said is None or said.method is not Method.ACTUATION or said.likely_end is None or said.likely_end < at:
        return None
    return said.likely_end


@lru_cache(maxsize=65_536)  # most groups show the same as in the message before
def utc_millis(moment: datetime) -> str:
    """Return an aware moment in UTC with milliseconds, e.g. ``2026-05-01T11:59:50.200Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
