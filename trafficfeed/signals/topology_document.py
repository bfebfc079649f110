"""The topology as JSON, out and in, and the hash that names its version."""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC
from hashlib import sha256
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.topology import Intersection, SignalPlan, Topology

FORMAT: Final = "trafficfeed-topology/1"


def content_hash(intersections: Iterable[Intersection]) -> str:
    """Return the sha256 (hex) of intersections, revisions left out; the order they come in does not matter."""
    content = [asdict(replace(one, revision=0)) for one in sorted(intersections, key=lambda one: one.id)]
    return sha256(_compact(content).encode()).hexdigest()


def to_json(topology: Topology) -> bytes:
    """Return the topology as JSON; the same topology always gives the same bytes."""
    head = {
        "format": FORMAT,
        "city": topology.city,
        "version": topology.version,
        "source": topology.source,
        "made_at": topology.made_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    intersections = {id: asdict(topology.intersections[id]) for id in sorted(topology.intersections)}
    return (_compact(head | {"intersections": intersections}) + "\n").encode()


def from_json(data: bytes) -> Topology:
    """Return the topology that `to_json` wrote.

    Raises
    ------
    SourceMalformed
        If it is not one, is cut short, or its version is not the hash of its content.
    """
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise SourceMalformed(f"this is no {FORMAT} document: give one that `trafficfeed` wrote")
        read = _topologies().validate_python(document)
    except (ValidationError, ValueError) as error:
        raise SourceMalformed(f"the topology cannot be read: {error}") from error
    topology = replace(read, intersections={id: _frozen(one) for id, one in read.intersections.items()})
    if content_hash(topology.intersections.values()) != topology.version:
        raise SourceMalformed("the topology's version is not the hash of its content: take the released file unchanged")
    return topology


def _topologies() -> TypeAdapter[Topology]:
    return TypeAdapter(Topology)


def _frozen(one: Intersection) -> Intersection:
    """Return an intersection with tuples where JSON gave lists."""
    return replace(
        one,
        lanes=tuple(replace(lane, line=tuple(lane.line), vehicles=tuple(lane.vehicles)) for lane in one.lanes),
        connections=tuple(one.connections),
        groups=tuple(replace(group, manoeuvres=tuple(group.manoeuvres)) for group in one.groups),
        conflicts=tuple(one.conflicts),
        plans=tuple(_frozen_plan(plan) for plan in one.plans),
    )


def _frozen_plan(plan: SignalPlan) -> SignalPlan:
    return replace(plan, stages=tuple(plan.stages))


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True)
