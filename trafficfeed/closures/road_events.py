"""What is published of an order: one impact, one road, one direction, one period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trafficfeed.closures.orders import Exemption, Reason, Rule, Water
from trafficfeed.windows import Window


class Validation(StrEnum):
    """Whether the simulation has spoken, and how."""

    PASSED = "passed"
    PENDING = "pending"
    OVERRIDDEN = "overridden"  # an officer published it against the verdict, with a reason in the audit log


class QueueRisk(StrEnum):
    """Whether queues fill a street and reach the junction before it: in most runs of the plan, or in none to speak of.

    Unknown where only the mesoscopic model was driven: it has no queues.
    """

    NONE = "none"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversion:
    """A street that takes traffic over: `vehicles` more in the simulated stretch than without the order."""

    street: str
    vehicles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSummary:
    """What a record carries of its certificate; the whole is served at `href`.

    `delay_per_vehicle_s` with its 95 % interval `delay_low_s`..`delay_high_s` over seed pairs, of all vehicles that
    finish in both runs; `emergency_delay_s` None where no emergency vehicle was driven. `diverted_to` are the streets
    that the detoured traffic takes, most first; `queues_on` those with a queue that spills back. `cut_off` counts
    vehicles that cannot reach their end, `cut_off_places` names what the checks found out of reach.
    """

    certificate_id: str
    verdict: str
    href: str
    seeds: int
    delay_per_vehicle_s: float | None = None
    delay_low_s: float | None = None
    delay_high_s: float | None = None
    emergency_delay_s: float | None = None
    cut_off: int = 0
    cut_off_places: Sequence[str] = ()
    diverted_to: Sequence[Diversion] = ()
    queue_risk: QueueRisk = QueueRisk.UNKNOWN
    queues_on: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadSegment:
    """A road event's part from one junction to the next, in the direction of travel.

    `key` is stable within the event's road: the OSM nodes at its ends (``n1-n2``) where the network has them, else its
    number (``s3``); never geometry, never a SUMO id. `coordinates` are EPSG:4326 lon, lat, the whole shape, and never
    close a ring: a loop is two segments. `lanes_total` and `lanes_closed` are the segment's own; 0: as the event's.
    `cars` tells whether cars may use it at all: a closed bus street is nothing that a car's navigation should look for.
    """

    key: str
    coordinates: Sequence[tuple[float, float]]
    street: str
    from_street: str = ""
    to_street: str = ""
    length_m: float = 0.0
    osm_ways: Sequence[tuple[int, bool]] = ()
    lanes_total: int = 0
    lanes_closed: Sequence[int] = ()
    cars: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitImpact:
    """A public transport route that a road event turns off its way; ids as the city's GTFS has them.

    `direction_id` None: both. `stops` are those that are not served. `shape_id` names the route's own shape; `detour`
    is the way it takes instead of a part of it, `new_shape` the whole with the detour in its place (EPSG:4326 lon,
    lat), None where it has none; `delay_s` is how much longer that takes. `trip_ids` are the trips that come by while
    the event holds, on each of `service_dates` (``YYYYMMDD``), all of one sequence of stops. `stop_span` are the
    numbers of the first and last call left out in their ``stop_times``; where every stop is served the last is None,
    and the first the next call after the detour.
    """

    route_id: str
    route_name: str
    direction_id: int | None = None
    trip_ids: Sequence[str] = ()
    stops: Sequence[str] = ()
    shape_id: str = ""
    detour: Sequence[tuple[float, float]] | None = None
    new_shape: Sequence[tuple[float, float]] | None = None
    delay_s: int = 0
    service_dates: Sequence[str] = ()
    stop_span: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadEvent:
    """One published record.

    `id` is stable: order, measure, street and compass direction, period; never geometry, never a SUMO id.
    `coordinates` are EPSG:4326 lon, lat in the direction of travel, the whole shape. `lanes_total` and
    `lanes_closed` (1 = kerbside) describe the least favourable point. `end_is_estimate` marks a conditional end.
    `detour` is a line like `coordinates`, or None, along `detour_streets` where these are known. `order_version` counts
    the order's versions. `segments` cover `coordinates` from junction to junction. `areas` are the outer rings that the
    measure's areas were drawn with. `openlr` is the binary location reference (OpenLR 1.5, base64) of the whole line,
    None where decoding does not give the same path back. `recurring` marks one occurrence of a rule that repeats.
    `water` is what stands on the road, where that is why.
    """

    id: str
    order_id: str
    order_version: int
    measure_id: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    reason: Reason
    rule: Rule
    exceptions: Sequence[Exemption]
    street: str
    from_street: str
    to_street: str
    compass: str  # "northbound" | "eastbound" | "southbound" | "westbound"
    coordinates: Sequence[tuple[float, float]]
    lanes_total: int
    lanes_closed: Sequence[int]
    window: Window
    end_is_estimate: bool
    authority: str
    contact_name: str
    contact_email: str | None
    timezone: str
    created: datetime
    updated: datetime
    cancelled: bool = False
    match_confidence: float = 1.0
    validation: Validation = Validation.PENDING
    certificate: CertificateSummary | None = None
    detour: Sequence[tuple[float, float]] | None = None
    detour_streets: Sequence[str] = ()
    osm_ways: Sequence[tuple[int, bool]] = ()  # way id, along the way's own direction
    until: Mapping[str, str] | None = None
    segments: Sequence[RoadSegment] = ()
    areas: Sequence[Sequence[tuple[float, float]]] = ()
    openlr: str | None = None
    recurring: bool = False
    transit: Sequence[TransitImpact] = ()
    water: Water | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
