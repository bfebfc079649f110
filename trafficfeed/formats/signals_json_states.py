"""Our JSON of one intersection read back to the state that it was made from: for processes that pass it on."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.states import GroupState, IntersectionState


class _Forecast(BaseModel):
    method: Method
    min_end: AwareDatetime | None = None
    likely_end: AwareDatetime | None = None
    expected_end: AwareDatetime | None = None
    max_end: AwareDatetime | None = None
    p10: AwareDatetime | None = None
    p90: AwareDatetime | None = None
    countdown_allowed: bool = False
    next_aspect: Aspect | None = None


class _Group(BaseModel):
    group: Annotated[int, Field(ge=1, le=255)]
    aspect: Aspect
    since: AwareDatetime | None = None
    source: str = ""
    simulated: bool = False
    stale: bool = False
    forecast: _Forecast | None = None


class _Intersection(BaseModel):
    id: Annotated[str, Field(min_length=1)]
    number: Annotated[int, Field(ge=0, le=65_535)]
    region: Annotated[int, Field(ge=0, le=65_535)]
    revision: Annotated[int, Field(ge=0, le=127)]
    observed_at: AwareDatetime
    name: str = ""
    advisory: bool = False
    authority: str = ""
    expires_at: AwareDatetime | None = None
    groups: list[_Group]


def read_state(data: bytes) -> IntersectionState:
    """Return the state; written again (`signals_json.encode`), it gives the same bytes.

    What is not written is not known: how many cases a forecast rests on, its median, and when it was made.

    Raises
    ------
    SourceMalformed
        If it is no such JSON, or a time has no zone.
    """
    try:
        one = _Intersection.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the top"
        raise SourceMalformed(f"this is no JSON of one intersection's lamps: {first['msg']} at {where}") from error
    return IntersectionState(
        intersection=one.id,
        number=one.number,
        region=one.region,
        revision=one.revision,
        observed_at=one.observed_at,
        groups=tuple(_group(one.id, group, one.observed_at) for group in one.groups),
        name=one.name,
        advisory=one.advisory,
        authority=one.authority,
        expires_at=one.expires_at,
    )


def _group(intersection: str, one: _Group, observed_at: datetime) -> GroupState:
    return GroupState(
        group=one.group,
        aspect=one.aspect,
        since=one.since,
        source=one.source,
        simulated=one.simulated,
        stale=one.stale,
        forecast=None if one.forecast is None else _forecast(intersection, one, one.forecast, observed_at),
    )


def _forecast(intersection: str, group: _Group, said: _Forecast, observed_at: datetime) -> Forecast:
    return Forecast(
        key=GroupKey(intersection, group.group),
        aspect=group.aspect,
        since=group.since or observed_at,
        made_at=observed_at,
        method=said.method,
        min_end=said.min_end,
        likely_end=said.likely_end or said.expected_end,
        max_end=said.max_end,
        p10=said.p10,
        p90=said.p90,
        countdown_allowed=said.countdown_allowed,
        next_aspect=said.next_aspect,
    )
