"""What is published of an order: one impact, one road, one direction, one period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trafficfeed.closures.orders import Exemption, Reason, Rule
from trafficfeed.windows import Window


class Validation(StrEnum):
    """Whether the simulation has spoken, and how."""

    PASSED = "passed"
    PENDING = "pending"
    OVERRIDDEN = "overridden"  # an officer published it against the verdict, with a reason in the audit log


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSummary:
    """What a record carries of its certificate; the whole is served at `href`.

    `delay_per_vehicle_s` with its 95 % interval `delay_low_s`..`delay_high_s` over seed pairs, of all vehicles that
    finish in both runs; `emergency_delay_s` None where no emergency vehicle was driven.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadEvent:
    """One published record.

    `id` is stable: order, measure, street and compass direction, period; never geometry, never a SUMO id.
    `coordinates` are EPSG:4326 lon, lat in the direction of travel, the whole shape. `lanes_total` and
    `lanes_closed` (1 = kerbside) describe the least favourable point. `end_is_estimate` marks a conditional end.
    `detour` is a line like `coordinates`, or None, along `detour_streets` where these are known. `order_version` counts
    the order's versions.
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
    extra: Mapping[str, Any] = field(default_factory=dict)
