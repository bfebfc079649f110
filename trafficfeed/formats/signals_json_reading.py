"""Our JSON of lamp states read back to its facts, single intersections and snapshots alike."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trafficfeed.errors import SourceMalformed
from trafficfeed.formats.signal_facts import GroupFacts, SignalFacts
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd


class _Forecast(BaseModel):
    min_end: AwareDatetime | None = None
    likely_end: AwareDatetime | None = None
    max_end: AwareDatetime | None = None
    countdown_allowed: bool = False


class _Group(BaseModel):
    group: Annotated[int, Field(ge=1, le=255)]
    aspect: Aspect
    since: AwareDatetime | None = None
    simulated: bool = False
    stale: bool = False
    forecast: _Forecast | None = None


class _Intersection(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    number: Annotated[int, Field(ge=0, le=65_535)] = 0
    region: Annotated[int, Field(ge=0, le=65_535)] = 0
    revision: int = 0
    observed_at: AwareDatetime
    name: str = ""
    simulated: bool = False
    advisory: bool = False
    groups: Sequence[_Group]


class _Snapshot(BaseModel):
    published_at: AwareDatetime
    intersections: Sequence[_Intersection]


_DOCUMENT: TypeAdapter[_Snapshot | _Intersection] = TypeAdapter(_Snapshot | _Intersection)


def read_signals_json(data: bytes) -> tuple[SignalFacts, ...]:
    """Return the intersections of a snapshot, or the one of a single object.

    Raises
    ------
    SourceMalformed
        If it is neither, or a time has no zone.
    """
    try:
        document = _DOCUMENT.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SourceMalformed(f"this is no JSON of lamp states: {first['msg']} at {where or 'the top'}") from error
    return tuple(map(_facts, document.intersections if isinstance(document, _Snapshot) else [document]))


def _facts(one: _Intersection) -> SignalFacts:
    return SignalFacts(
        number=one.number,
        region=one.region,
        revision=one.revision,
        observed_at=one.observed_at,
        groups=tuple(_group(group) for group in one.groups),
        intersection=one.id,
        name=one.name,
        simulated=one.simulated,
        advisory=one.advisory,
        valid=not all(group.stale for group in one.groups),
    )


def _group(one: _Group) -> GroupFacts:
    return GroupFacts(
        group=one.group,
        aspect=one.aspect,
        announced=_announced(one.forecast),
        since=one.since,
        countdown=one.forecast is not None and one.forecast.countdown_allowed,
        stale=one.stale,
        simulated=one.simulated,
    )


def _announced(forecast: _Forecast | None) -> AnnouncedEnd | None:
    if forecast is None:
        return None
    return AnnouncedEnd(min_end=forecast.min_end, likely_end=forecast.likely_end, max_end=forecast.max_end)
