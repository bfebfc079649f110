"""Interventions as plain JSON values and back, as a certificate keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trafficfeed.errors import SourceMalformed
from trafficfeed.simulation.certificate import plain
from trafficfeed.simulation.interventions import (
    EdgeClosure,
    FlowMetering,
    Intervention,
    LaneClosure,
    SpeedChange,
    TurnClosure,
)

_KINDS: Mapping[str, type[Intervention]] = {
    kind.__name__: kind for kind in (EdgeClosure, LaneClosure, SpeedChange, TurnClosure, FlowMetering)
}


def interventions_document(interventions: Sequence[Intervention]) -> list[dict[str, Any]]:
    """Return `interventions` as plain JSON values, each with its `kind`, in a stable order."""
    documents = [{"kind": type(item).__name__, **plain(asdict(item))} for item in interventions]
    return sorted(documents, key=lambda d: (d["begin_s"], d["end_s"], d["cause"], d["kind"], str(d)))


def read_interventions(documents: Sequence[Mapping[str, Any]]) -> tuple[Intervention, ...]:
    """Read what `interventions_document` made.

    Raises
    ------
    SourceMalformed
        If a kind is unknown or a field is missing or of the wrong kind.
    """
    read: list[Intervention] = []
    for document in documents:
        fields = {name: value for name, value in document.items() if name != "kind"}
        try:
            read.append(TypeAdapter(_KINDS[document["kind"]]).validate_python(fields))
        except (KeyError, ValidationError) as error:
            raise SourceMalformed(f"the certificate holds an intervention that cannot be read: {error}") from error
    return tuple(read)


def edges_touched(interventions: Sequence[Intervention]) -> set[str]:
    """Return the SUMO ids of all edges that any of `interventions` is about."""
    touched: set[str] = set()
    for item in interventions:
        if isinstance(item, LaneClosure):
            touched.add(item.edge)
        elif isinstance(item, TurnClosure):
            touched.update(edge for edge, _ in item.turns)
        else:
            touched.update(item.edges)
    return touched


def edges_closed(interventions: Sequence[Intervention]) -> set[str]:
    """Return the SUMO ids of the edges that are shut, wholly or to some."""
    return {edge for item in interventions if isinstance(item, EdgeClosure) for edge in item.edges}
