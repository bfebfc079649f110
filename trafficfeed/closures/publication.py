"""An order to what is published of it: one road event for each impact, road, direction and period."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from trafficfeed.closures.access import Shut, shut_to
from trafficfeed.closures.lanes import lane_impact
from trafficfeed.closures.orders import Measure, Order
from trafficfeed.closures.published_detour import detour_of
from trafficfeed.closures.road_events import CertificateSummary, RoadEvent, Validation
from trafficfeed.closures.schedules import Occurrence, Occurrences
from trafficfeed.closures.section_line import section_line
from trafficfeed.network.matching import sections_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved, Section
from trafficfeed.network.vehicle_classes import VehicleClass

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})


def road_events(
    order: Order,
    version: int,
    resolved: Sequence[Resolved],
    occurrences: Mapping[str, Occurrences],
    *,
    graph: RoadGraph,
    certificate: CertificateSummary | None,
    validation: Validation,
    created: datetime,
    updated: datetime,
    cancelled: bool = False,
) -> tuple[RoadEvent, ...]:
    """Return the road events of `order`, sorted by id.

    Parameters
    ----------
    version
        The order's version.
    resolved
        The places of each measure on `graph`.
    occurrences
        The windows of each measure that are to be published, by measure id.
    certificate
        None while the simulation has not spoken.
    created, updated
        Aware UTC, of the order and of this version.
    """
    by_measure = {places.measure_id: places for places in resolved}
    common: dict[str, Any] = {
        "order_id": order.id,
        "order_version": version,
        "description": dict(order.description or order.title),
        "reason": order.reason,
        "authority": order.authority.name,
        "contact_name": order.contact.name,
        "contact_email": order.contact.email,
        "timezone": order.timezone,
        "created": created,
        "updated": updated,
        "cancelled": cancelled,
        "validation": validation,
        "certificate": certificate,
    }
    events = [
        event
        for measure in order.measures
        if measure.id in by_measure
        for event in _of_measure(order, measure, by_measure[measure.id], occurrences.get(measure.id, ()), graph, common)
    ]
    return tuple(sorted(events, key=lambda event: event.id))


def slug_of(street: str) -> str:
    """Return `street` as lower-case ASCII for ids: ``Eteläesplanadi`` → ``etelaesplanadi``, unnamed → ``road``.

    Letters without a decomposition (Chinese, Greek) become their code points, so that two streets stay two.
    """
    plain = unicodedata.normalize("NFKD", street.casefold().translate(_PLAIN))
    kept = "".join(
        c if c.isascii() else f"u{ord(c):x}" if c.isalnum() else "-" for c in plain if not unicodedata.combining(c)
    )
    return re.sub(r"[^a-z0-9]+", "-", kept).strip("-") or "road"


def _of_measure(
    order: Order,
    measure: Measure,
    places: Resolved,
    occurrences: Sequence[Occurrence],
    graph: RoadGraph,
    common: Mapping[str, Any],
) -> Iterator[RoadEvent]:
    sections = (*places.sections, *(_turn_section(graph, *turn) for turn in places.turns)) if occurrences else ()
    shut = shut_to(graph, measure, places, VehicleClass.PASSENGER)
    for section, name in zip(sections, _section_slugs(sections, len(places.sections)), strict=True):
        shared = {**common, **_of_section(measure, section, shut, graph)}
        for occurrence in occurrences:
            yield RoadEvent(
                **shared,
                id=f"{order.id}.{measure.id}.{name}.{occurrence.key}",
                title=dict(measure.title or order.title),
                window=occurrence.window,
                end_is_estimate=occurrence.end_is_estimate,
                until=occurrence.until,
                extra={"note": occurrence.note} if occurrence.note else {},
            )


def _of_section(measure: Measure, section: Section, shut: Shut, graph: RoadGraph) -> dict[str, Any]:
    detour = detour_of(measure, section, shut, graph)
    impact = lane_impact(graph, section.edges, measure.rule)
    return {
        "measure_id": measure.id,
        "rule": measure.rule,
        "exceptions": tuple(measure.exceptions),
        "street": section.street,
        "from_street": section.from_street,
        "to_street": section.to_street,
        "compass": section.compass,
        "coordinates": section_line(graph, section.edges),
        "lanes_total": impact.total,
        "lanes_closed": impact.closed,
        "match_confidence": section.confidence,
        "osm_ways": _osm_ways(graph, section.edges),
        "detour": detour.line if detour else None,
        "detour_streets": detour.streets if detour else (),
    }


def _section_slugs(sections: Sequence[Section], plain: int) -> list[str]:
    """Return ``street-compass`` of each section; those after `plain` are turns.

    Several pieces of one street are numbered by their cross streets, so that the order of an order's places does not
    matter.
    """
    slugs = [
        f"{slug_of(s.street)}{f'-to-{slug_of(s.to_street)}' if n >= plain else ''}-{s.compass}"
        for n, s in enumerate(sections)
    ]
    seen: Counter[str] = Counter()
    for n in sorted(range(len(sections)), key=lambda n: (sections[n].from_street, sections[n].to_street, n)):
        slug = slugs[n]
        seen[slug] += 1
        if seen[slug] > 1:
            slugs[n] = f"{slug}-{seen[slug]}"
    return slugs


def _turn_section(graph: RoadGraph, from_edge: int, to_edge: int) -> Section:
    approach = sections_of(graph, (from_edge,))[0]
    return replace(approach, edges=(from_edge, to_edge), to_street=graph.names[to_edge])


def _osm_ways(graph: RoadGraph, edges: Sequence[int]) -> tuple[tuple[int, bool], ...]:
    ways: list[tuple[int, bool]] = []
    for edge in edges:
        for link in np.flatnonzero(graph.way_edge == edge):
            way = (int(graph.way_id[link]), bool(graph.way_forward[link]))
            if not ways or ways[-1] != way:
                ways.append(way)
    return tuple(ways)
