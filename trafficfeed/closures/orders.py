"""The authored object: an order, its measures, where and when they hold.

The same dataclasses are the schema of YAML/JSON files, API bodies and store rows: `closures.document` parses bytes
into them (pydantic over standard dataclasses) and writes them back.

Words: Order, Measure, Restriction as in D-TRO / DATEX II TrafficRegulation / WZDx (docs/orders.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from trafficfeed.network.vehicle_classes import VehicleClass

Identifier = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$", description="lower-case letters, digits and . _ -"),
]
MeasureId = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$", description="like an order's id, but without dots")
]
_Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Text = Annotated[
    Mapping[_Language, Annotated[str, Field(min_length=1, max_length=5000, pattern=r"\S")]], Field(min_length=1)
]
"""Text by BCP 47 language tag, e.g. ``{"en": "Concert", "fi": "Konsertti"}``."""

_TIME_PATTERN = r"^20\d{2}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?$"


def _as_written(value: object) -> datetime:
    # pydantic would take a bare date as midnight and a number as Unix seconds: neither is what an officer means
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.match(_TIME_PATTERN, value):
        raise ValueError("not a date with a time of this century")
    return datetime.fromisoformat(value)


WallTime = Annotated[
    datetime, BeforeValidator(_as_written), WithJsonSchema({"type": "string", "pattern": _TIME_PATTERN})
]
"""Wall-clock time of the order's zone, or with an offset; 2000 to 2099."""
LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
"""EPSG:4326 lon, lat."""

_STRICT = ConfigDict(extra="forbid")


class Reason(StrEnum):
    """Why the order is made; decides which standards may carry it (WZDx takes only works)."""

    ROADWORKS = "roadworks"
    PUBLIC_EVENT = "public_event"
    SPORT = "sport"
    EMERGENCY = "emergency"
    ACCIDENT = "accident"
    FLOODING = "flooding"
    SECURITY = "security"
    TRAFFIC_MANAGEMENT = "traffic_management"
    OTHER = "other"


class Direction(StrEnum):
    """Which carriageway of a matched street; forward is the order in which the place is written."""

    BOTH = "both"
    FORWARD = "forward"
    BACKWARD = "backward"


class Exemption(StrEnum):
    """Who may pass all the same."""

    EMERGENCY = "emergency"
    BUS = "bus"
    TAXI = "taxi"
    DELIVERY = "delivery"
    BICYCLE = "bicycle"
    RESIDENTS = "residents"
    PERMIT = "permit"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetSection:
    """A street by name, from junction to junction."""

    __pydantic_config__ = _STRICT
    kind: Literal["street"] = "street"
    street: Annotated[str, Field(min_length=1)]
    between: Annotated[
        tuple[str, str] | None, Field(description="names of the two cross streets; none: the whole street")
    ] = None
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """A line drawn along the street, in the direction of travel where `direction` is forward."""

    __pydantic_config__ = _STRICT
    kind: Literal["line"] = "line"
    coordinates: Annotated[tuple[LonLat, ...], Field(min_length=2, max_length=5000)]
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A polygon: every street inside it, or only those that cross its boundary inward.

    `holes` are left out, so nested rings are areas whose hole is the next ring in.
    """

    __pydantic_config__ = _STRICT
    kind: Literal["area"] = "area"
    ring: Annotated[tuple[LonLat, ...], Field(min_length=4, max_length=5000)]
    holes: tuple[Annotated[tuple[LonLat, ...], Field(min_length=4)], ...] = ()
    select: Literal["inside", "entering"] = "inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """OSM ways by id, as far as the network has them; forward is the way's own direction."""

    __pydantic_config__ = _STRICT
    kind: Literal["ways"] = "ways"
    ids: Annotated[tuple[int, ...], Field(min_length=1)]
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points on the streets meant (a gate, an underpass): the edge or edges at each of them."""

    __pydantic_config__ = _STRICT
    kind: Literal["points"] = "points"
    coordinates: Annotated[tuple[LonLat, ...], Field(min_length=1)]
    direction: Direction = Direction.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A move at a junction, from one street into another, by names."""

    __pydantic_config__ = _STRICT
    kind: Literal["turn"] = "turn"
    from_street: Annotated[str, Field(min_length=1)]
    to_street: Annotated[str, Field(min_length=1)]
    near: Annotated[LonLat | None, Field(description="a point at the junction, where the streets meet twice")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Directed edges of the city's network by their ids: exact, for orders that a program writes.

    The ids are the network's own and are never published. A network that is built anew may have others.
    """

    __pydantic_config__ = _STRICT
    kind: Literal["edges"] = "edges"
    ids: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, max_length=2000)]


Place = Annotated[StreetSection | DrawnLine | Area | Ways | Points | Turn | Edges, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Closed to all but the exempt."""

    __pydantic_config__ = _STRICT
    kind: Literal["closure"] = "closure"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanesClosed:
    """Some lanes closed; 1 is the kerbside lane."""

    __pydantic_config__ = _STRICT
    kind: Literal["lanes_closed"] = "lanes_closed"
    lanes: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleRestriction:
    """No entry for certain classes, or for vehicles over a weight, height, width or length, or without a permit.

    Give `only` (all others are kept out: a bus-only street is ``only: [bus]``) or `banned`, or a limit.
    """

    __pydantic_config__ = _STRICT
    kind: Literal["vehicles"] = "vehicles"
    banned: tuple[VehicleClass, ...] = ()
    only: tuple[VehicleClass, ...] = ()
    max_weight_t: Annotated[float | None, Field(gt=0, le=200)] = None
    max_height_m: Annotated[float | None, Field(gt=0, le=20)] = None
    max_width_m: Annotated[float | None, Field(gt=0, le=20)] = None
    max_length_m: Annotated[float | None, Field(gt=0, le=100)] = None
    permit: Annotated[str | None, Field(description="the permit without which nobody enters")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedLimit:
    """A temporary speed limit."""

    __pydantic_config__ = _STRICT
    kind: Literal["speed_limit"] = "speed_limit"
    limit_kmh: Annotated[int, Field(ge=5, le=130)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """Traffic only in the `forward` direction of the place; the other direction is closed."""

    __pydantic_config__ = _STRICT
    kind: Literal["one_way"] = "one_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBan:
    """A move that is not allowed; the place is a `Turn`."""

    __pydantic_config__ = _STRICT
    kind: Literal["turn_ban"] = "turn_ban"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """Metered ("drip") release: at most so many vehicles an hour pass."""

    __pydantic_config__ = _STRICT
    kind: Literal["metering"] = "metering"
    flow_vph: Annotated[float, Field(gt=0, le=4000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """Nothing is forbidden: there is something on the road (`water` of the measure says how deep), drive with care."""

    __pydantic_config__ = _STRICT
    kind: Literal["hazard"] = "hazard"


Rule = Annotated[
    Closure | LanesClosed | VehicleRestriction | SpeedLimit | OneWay | TurnBan | Metering | Hazard,
    Field(discriminator="kind"),
]


class Wader(StrEnum):
    """Vehicles by how much standing water they bear."""

    SMALL = "small"
    LARGE = "large"
    FOUR_WHEEL_DRIVE = "four_wheel_drive"
    EMERGENCY = "emergency"


class WaterBasis(StrEnum):
    """What is said of the water rests on."""

    OBSERVED = "observed"
    FORECAST = "forecast"
    OFFICER = "officer"


_Depth = Annotated[float, Field(ge=0, le=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Water:
    """Water on the road of a measure.

    `depth_m` is the observed depth, or the P50 of the forecast, above the lowest point of the measure's roads; `p10_m`
    and `p90_m` the band of what is expected while the measure holds; None where nothing can be said. `passable` are
    the vehicles that still pass at its P90 (where there is none, at its depth). `speed_kmh` is the speed at which a
    car still holds the road. `chance` is that of a depth at which the road is closed. `area` is the ground that the
    water may cover, for alerts, EPSG:4326 lon, lat. `method` says how it is known, `note` what a reader must know of
    the source: "synthetic".
    """

    __pydantic_config__ = _STRICT
    basis: WaterBasis
    valid_from: Annotated[WallTime, Field(description="since when it has been as told")]
    valid_until: Annotated[WallTime | None, Field(description="when it is expected to be gone")] = None
    depth_m: _Depth | None = None
    p10_m: _Depth | None = None
    p90_m: _Depth | None = None
    chance: Annotated[float | None, Field(ge=0, le=1)] = None
    speed_kmh: Annotated[float | None, Field(ge=0, le=130)] = None
    passable: Annotated[tuple[Wader, ...], Field(description="vehicles that still pass")] = ()
    closed_to: Annotated[tuple[Wader, ...], Field(description="vehicles that are kept out")] = ()
    site: Annotated[str, Field(max_length=100, description="id of the place where the water gathers")] = ""
    method: Annotated[str, Field(max_length=100)] = ""
    note: Annotated[str, Field(max_length=500)] = ""
    area: Annotated[tuple[LonLat, ...], Field(max_length=500, description="a closed ring; empty: none is known")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From one wall-clock time to another in the order's zone.

    A time without offset is wall time of the order's zone; one with an offset is taken as it is, and must be used in
    the hour that a DST change repeats. `end` may be missing only where `until` says what ends it, and then
    `estimated_end` must be given.
    """

    __pydantic_config__ = _STRICT
    start: Annotated[WallTime, Field(description="when it begins")]
    end: Annotated[WallTime | None, Field(description="when it ends; an overnight end is on the next day")] = None
    until: Annotated[Text | None, Field(description="a condition that ends it: until the crowd has left")] = None
    estimated_end: Annotated[WallTime | None, Field(description="when the condition is expected to be met")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A period that repeats: `first` is the first occurrence, `rrule` an RFC 5545 rule in wall time of the zone."""

    __pydantic_config__ = _STRICT
    first: Period
    rrule: Annotated[str, Field(description="e.g. FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20261231T235959")]
    except_dates: Annotated[
        tuple[str, ...], Field(max_length=1000, description="local dates on which it does not start, as 2026-12-24")
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a measure holds: periods and recurrences, less the brief re-openings."""

    __pydantic_config__ = _STRICT
    periods: Annotated[tuple[Period, ...], Field(max_length=1000, description="listed one by one")] = ()
    recurrences: Annotated[tuple[Recurrence, ...], Field(max_length=50, description="by a rule")] = ()
    reopenings: Annotated[
        tuple[Period, ...], Field(max_length=1000, description="brief openings inside the periods")
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One restriction of an order at one place."""

    __pydantic_config__ = _STRICT
    id: MeasureId
    rule: Annotated[Rule, Field(description="what is not allowed")]
    where: Annotated[tuple[Place, ...], Field(min_length=1, max_length=200, description="all of these places")]
    when: Annotated[Schedule, Field(description="periods, recurrences and re-openings")]
    exceptions: Annotated[tuple[Exemption, ...], Field(description="who may pass all the same")] = (
        Exemption.EMERGENCY,
    )
    title: Annotated[Text | None, Field(description="where it differs from the order's")] = None
    detour: Annotated[DrawnLine | None, Field(description="the signed detour, where there is one")] = None
    water: Annotated[Water | None, Field(description="the water on the road, where that is why")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who decides."""

    __pydantic_config__ = _STRICT
    name: Annotated[str, Field(min_length=1)]
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to ask."""

    __pydantic_config__ = _STRICT
    name: Annotated[str, Field(min_length=1)]
    email: Annotated[str | None, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an authority decides: who, why, which measures, where, when, with which exceptions."""

    __pydantic_config__ = _STRICT
    id: Annotated[Identifier, Field(description="the authority's own; it stays when the order changes")]
    city: Annotated[str, Field(min_length=1, description="name of the city folder, e.g. helsinki")]
    authority: Authority
    legal_basis: Annotated[str, Field(min_length=1, description="the law that it rests on")]
    reason: Annotated[Reason, Field(description="why; decides which standards may carry it")]
    contact: Contact
    title: Annotated[Text, Field(description="by language tag (BCP 47)")]
    timezone: Annotated[str, Field(description="IANA zone of all times without offset")]
    measures: Annotated[tuple[Measure, ...], Field(min_length=1, max_length=500)]
    description: Annotated[Text | None, Field(description="by language tag")] = None
    informed_share: Annotated[float, Field(ge=0, le=1, description="drivers who know before they set out")] = 0.5
    planned_event: Annotated[str | None, Field(description="id of the planned event that it serves")] = None
    links: Annotated[Mapping[str, str], Field(description="web addresses by name")] = field(default_factory=dict)


class OrderState(StrEnum):
    """An order's lifecycle."""

    DRAFT = "draft"
    CHECKED = "checked"
    SIMULATED = "simulated"
    APPROVED = "approved"
    PUBLISHED = "published"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"
