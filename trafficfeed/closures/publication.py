"""An order to what is published of it: one road event for each impact, road, direction and period."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from trafficfeed.closures.access import Shut, all_shut, shut_to
from trafficfeed.closures.checks.overlap import first_overlap
from trafficfeed.closures.lanes import lane_impact
from trafficfeed.closures.orders import Area, LonLat, Measure, Order
from trafficfeed.closures.published_detour import detour_of
from trafficfeed.closures.road_events import CertificateSummary, RoadEvent, Validation
from trafficfeed.closures.schedules import Occurrences
from trafficfeed.closures.section_line import section_line
from trafficfeed.closures.segments import osm_ways_of, segments_of
from trafficfeed.network.matching import sections_of
from trafficfeed.network.openlr_reference import reference_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved, Section
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

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
    held = [
        _Held(
            measure=measure,
            places=by_measure[measure.id],
            occurrences=occurrences[measure.id],
            shut=shut_to(graph, measure, by_measure[measure.id], VehicleClass.PASSENGER),
        )
        for measure in order.measures
        if measure.id in by_measure and occurrences.get(measure.id)
    ]
    events: list[RoadEvent] = []
    for one in held:
        around = all_shut(other.shut for other in held if other is one or first_overlap(one.windows, other.windows))
        events += _of_measure(order, one, around, graph, common)
    return tuple(sorted(events, key=lambda event: event.id))


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A measure with its places, the windows to be published, and what it shuts to cars."""

    measure: Measure
    places: Resolved
    occurrences: Occurrences
    shut: Shut

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """By start."""
        return tuple(occurrence.window for occurrence in self.occurrences)

    @cached_property
    def areas(self) -> tuple[tuple[LonLat, ...], ...]:
        """The outer rings that the measure was drawn with, and that of its water, closed."""
        water = self.measure.water
        drawn = [place.ring for place in self.measure.where if isinstance(place, Area)]
        rings = [*drawn, water.area] if water is not None and water.area else drawn
        return tuple(ring if ring[0] == ring[-1] else (*ring, ring[0]) for ring in rings)


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
    held: _Held,
    around: Shut,
    graph: RoadGraph,
    common: Mapping[str, Any],
) -> Iterator[RoadEvent]:
    measure, places = held.measure, held.places
    sections = (*places.sections, *(_turn_section(graph, *turn) for turn in places.turns))
    for section, name in zip(sections, _section_slugs(sections, len(places.sections), graph), strict=True):
        shared = {**common, **_of_section(held, section, around, graph)}
        for occurrence in held.occurrences:
            yield RoadEvent(
                **shared,
                id=f"{order.id}.{measure.id}.{name}.{occurrence.key}",
                title=dict(measure.title or order.title),
                window=occurrence.window,
                end_is_estimate=occurrence.end_is_estimate,
                until=occurrence.until,
                recurring=not occurrence.listed,
                extra={"note": occurrence.note} if occurrence.note else {},
            )


def _of_section(held: _Held, section: Section, around: Shut, graph: RoadGraph) -> dict[str, Any]:
    measure = held.measure
    detour = detour_of(measure, section, held.shut, graph, around=around)
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
        "osm_ways": osm_ways_of(graph, section.edges),
        "openlr": reference_of(graph, section.edges),
        "detour": detour.line if detour else None,
        "detour_streets": detour.streets if detour else (),
        "segments": segments_of(graph, section.edges, section.street, measure.rule),
        "areas": held.areas,
        "water": measure.water,
    }


def _section_slugs(sections: Sequence[Section], plain: int, graph: RoadGraph) -> list[str]:
    """Return ``street-compass`` of each section; those after `plain` are turns.

    Several pieces of one street are numbered by their cross streets, then by their OSM ways, so that the order of an
    order's places does not matter, nor that of the network's edges.
    """
    slugs = [
        f"{slug_of(s.street)}{f'-to-{slug_of(s.to_street)}' if n >= plain else ''}-{s.compass}"
        for n, s in enumerate(sections)
    ]
    seen: Counter[str] = Counter()
    ranks = [(s.from_street, s.to_street, osm_ways_of(graph, s.edges), n) for n, s in enumerate(sections)]
    for *_, n in sorted(ranks):
        slug = slugs[n]
        seen[slug] += 1
        if seen[slug] > 1:
            slugs[n] = f"{slug}-{seen[slug]}"
    return slugs


def _turn_section(graph: RoadGraph, from_edge: int, to_edge: int) -> Section:
    approach = sections_of(graph, (from_edge,))[0]
    return replace(approach, edges=(from_edge, to_edge), to_street=graph.names[to_edge])
