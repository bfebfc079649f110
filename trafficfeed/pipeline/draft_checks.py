"""The semantic rules on what is new in a draft: checked as one document, halved until the faulty orders are found."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from trafficfeed.findings import Finding, errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.standard import Fragment
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.served import Key
from trafficfeed.pipeline.variants import Variant

Fragments = Mapping[Key, Sequence[Fragment]]
"""What each order version adds to one document."""


def errors_by_order(
    fragments: Fragments, variant: Variant, *, graph: RoadGraph, as_of: datetime
) -> dict[Key, tuple[Finding, ...]]:
    """Return the errors that the rules find in the document of some orders, by the order that has them.

    A rule of the document as a whole, which no part of it breaks by itself, is charged to all the orders of the
    smallest part that does.
    """
    added = {key: found for key, found in fragments.items() if found}
    errors = _errors(added, variant, graph, as_of) if added else ()
    if not errors:
        return {}
    if len(added) == 1:
        return dict.fromkeys(added, errors)
    keys = sorted(added)
    halves = (keys[: len(keys) // 2], keys[len(keys) // 2 :])
    found: dict[Key, tuple[Finding, ...]] = {}
    for half in halves:
        found |= errors_by_order({key: added[key] for key in half}, variant, graph=graph, as_of=as_of)
    return found or dict.fromkeys(added, errors)


def _errors(fragments: Fragments, variant: Variant, graph: RoadGraph, as_of: datetime) -> tuple[Finding, ...]:
    document = variant.standard.assemble(in_order(fragments.values()), as_of, variant.info)
    return tuple(errors_in(_check(variant, document, graph)))


def _check(variant: Variant, document: bytes, graph: RoadGraph) -> tuple[Finding, ...]:
    on_graph = graph if variant.info.datum == "wgs84" else None  # shifted lines lie on no road of ours
    if variant.standard.name == "native":
        return semantics.check_native(document, graph=on_graph)
    if variant.standard.name == "wzdx":
        return semantics.check_wzdx(document, graph=on_graph)
    return ()


def in_order(groups: Iterable[Sequence[Fragment]]) -> list[Fragment]:
    """Return all fragments by id."""
    return sorted((fragment for group in groups for fragment in group), key=lambda fragment: fragment.id)
