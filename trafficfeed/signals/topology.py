"""The static side of a signalised junction: intersection → lanes → connections → signal groups → movements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Manoeuvre(StrEnum):
    """What a connection does at the junction. Source: SUMO's connection directions, MAP ``AllowedManeuvers``."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    U_TURN = "u-turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLane:
    """A lane at a junction. `line` is EPSG:4326 lon, lat **away from the stop line** (as MAP node lists run).

    `id` counts from 1 within the intersection (MAP ``LaneID``). `approach` numbers the arms, ingress and egress apart.
    """

    id: int
    ingress: bool
    approach: int
    street: str
    line: Sequence[tuple[float, float]]
    width_m: float = 3.2
    speed_limit_mps: float | None = None
    vehicles: Sequence[str] = ("passenger",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConnection:
    """A controlled move from an ingress lane to an egress lane; `group` None where no signal rules it."""

    id: int
    from_lane: int
    to_lane: int
    manoeuvre: Manoeuvre
    group: int | None
    length_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalGroup:
    """Streams that share one aspect. `id` is 1..255 (MAP ``SignalGroupID``); `stop_line` lon, lat of its first lane.

    `approaches` and `manoeuvres` describe it for people: ("Mannerheimintie", northbound, straight).
    """

    id: int
    name: str
    street: str
    compass: str
    manoeuvres: Sequence[Manoeuvre]
    stop_line: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a plan in which every group keeps its aspect: `aspects` by group id; for actuated plans min and max."""

    aspects: Mapping[int, str]
    duration_s: float
    min_s: float
    max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPlan:
    """Stages, cycle and offset. `fixed` where every stage has one duration, so that its ends can be promised.

    A stage begins at second `offset_s` + sum of those before it, modulo `cycle_s`, of the city's local midnight.
    """

    id: str
    stages: Sequence[Stage]
    cycle_s: float
    offset_s: float = 0.0
    fixed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Intersection:
    """A signalised junction.

    `id` is stable and public (OSM node or the authority's own name, never a SUMO id); `number` is its 16-bit MAP
    ``IntersectionID``, `region` the authority's. `conflicts` holds the pairs of groups (a < b) that must never be green
    (protected) together. `revision` counts changes of this intersection's content (MAP ``MsgCount``, 0..127).
    """

    id: str
    number: int
    region: int
    name: str
    lonlat: tuple[float, float]
    lanes: Sequence[SignalLane]
    connections: Sequence[SignalConnection]
    groups: Sequence[SignalGroup]
    conflicts: Sequence[tuple[int, int]]
    plans: Sequence[SignalPlan] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A city's intersections by id. `version` is the content's hash; `source` says what it was built from."""

    city: str
    version: str
    source: str
    made_at: datetime
    intersections: Mapping[str, Intersection] = field(default_factory=dict)
