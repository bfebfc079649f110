"""What a subject asks of a simulation, in seconds of the demand's own clock and SUMO edge ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from trafficfeed.network.vehicle_classes import VehicleClass


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeClosure:
    """Edges shut to all but `permitted` from `begin_s` until `end_s`."""

    cause: str
    edges: Sequence[str]
    permitted: frozenset[VehicleClass]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneClosure:
    """Lanes (SUMO index, 0 = kerbside) of one edge shut to all but `permitted`."""

    cause: str
    edge: str
    lanes: Sequence[int]
    permitted: frozenset[VehicleClass]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedChange:
    """A speed limit, m/s, on edges."""

    cause: str
    edges: Sequence[str]
    speed_mps: float
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnClosure:
    """Moves from edge to edge that are not allowed."""

    cause: str
    turns: Sequence[tuple[str, str]]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMetering:
    """At most `flow_vph` vehicles an hour pass each of the edges."""

    cause: str
    edges: Sequence[str]
    flow_vph: float
    begin_s: float
    end_s: float


Intervention = EdgeClosure | LaneClosure | SpeedChange | TurnClosure | FlowMetering
