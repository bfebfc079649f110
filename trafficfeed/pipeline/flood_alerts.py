"""Alerts for places that flood where the network has no road: told as an area, as no road can be closed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.orders import Closure, Hazard, Reason
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.flooding.decisions import Decision, Level
from trafficfeed.flooding.sites import Site
from trafficfeed.formats.flood_text import languages_for, messages, titles, until_texts
from trafficfeed.pipeline.flood_measures import (
    Issuer,
    depth_class,
    facts_of,
    order_id_of,
    place_name,
    roads_on,
    site_area,
    telling_depth,
    water_of,
)
from trafficfeed.pipeline.flood_orders import issuer_of
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.windows import Window

_STEP: Final = timedelta(minutes=30)
_AHEAD: Final = timedelta(minutes=15)
_LOOK_BACK: Final = timedelta(days=7)


def alerts_of(
    sites: Iterable[Site],
    decisions: Mapping[str, Decision],
    *,
    ground: Ground,
    settings: Settings,
    database: Database,
    as_of: datetime,
) -> tuple[RoadEvent, ...]:
    """Return an event of an area for each site without roads that is flooded, or was until lately.

    They are made for CAP alone: they have no road. What a message says changes only where a road's record would, and an
    end that nobody knows moves on in steps of half an hour.

    Parameters
    ----------
    decisions
        The newest by site.
    as_of
        Aware: now.
    """
    keep = timedelta(seconds=settings.keep_ended_s)
    issuer = issuer_of(ground, settings)
    found = []
    for site in sites:
        decision = decisions.get(site.id)
        if decision is None or decision.awaits_approval or roads_on(site, ground.graph):
            continue
        is_over = decision.level is Level.CLEAR
        if is_over and decision.since <= as_of - keep:
            continue
        told = _tellings(database, issuer.city, site.id, decision)
        if told:
            area, name = site_area(site, ground.graph), place_name(site, ground.graph)
            found.append(_event(told, issuer, area, name, as_of, over=decision.since if is_over else None))
    return tuple(found)


def _tellings(database: Database, city: str, site: str, decision: Decision) -> list[Decision]:
    """Return the decisions of a site's last episode that said something new, oldest first."""
    with database.reading() as connection:
        log = FloodDecisions(connection, city)
        recent = log.between(decision.since - _LOOK_BACK, decision.decided_at + timedelta(microseconds=1), site=site)
    made = [entry.decision for entry in recent if entry.decision.episode and not entry.decision.awaits_approval]
    if not made:
        return []
    told: list[Decision] = []
    for one in made:
        if one.episode == made[-1].episode and (not told or _gist(told[-1]) != _gist(one)):
            told.append(one)
    return told


def _gist(decision: Decision) -> tuple[object, ...]:
    depth_m = telling_depth(decision)
    return decision.level, decision.basis, None if depth_m is None else depth_class(depth_m)


def _event(
    told: Sequence[Decision], issuer: Issuer, area: tuple[tuple[float, float], ...], name: str, as_of: datetime,
    *, over: datetime | None,
) -> RoadEvent:  # fmt: skip
    first, last = told[0], told[-1]
    start, updated = _second(first.decided_at), _second(over or last.decided_at)
    end = max(_end(last, issuer, as_of, over), start + timedelta(seconds=1))
    languages = languages_for(issuer.language)
    facts = facts_of(last, name, issuer, end)
    order_id = order_id_of(first.episode)
    return RoadEvent(
        id=f"{order_id}.water.area.p1",
        order_id=order_id,
        order_version=len(told),
        measure_id="water",
        title=titles(facts, languages),
        description=messages(facts, languages),
        reason=Reason.FLOODING,
        rule=Closure() if last.level is Level.CLOSED else Hazard(),
        exceptions=(),
        street=name,
        from_street="",
        to_street="",
        compass="northbound",  # CAP has no directions
        coordinates=area,
        lanes_total=0,
        lanes_closed=(),
        window=Window(start=start, end=end),
        end_is_estimate=over is None,
        authority=issuer.authority,
        contact_name=issuer.contact_name,
        contact_email=issuer.contact_email,
        timezone=issuer.timezone,
        created=start,
        updated=updated,
        cancelled=over is not None,
        until=until_texts(languages),
        areas=(area,),
        water=water_of(last, issuer, sill_m=0.0, closed_to=tuple(last.closed_to), end=end, method="", area=area),
    )


def _end(last: Decision, issuer: Issuer, as_of: datetime, over: datetime | None) -> datetime:
    """Return when it ends: when it did, or what is expected, moved on while that is near or past."""
    if over is not None:
        return _second(over)
    end = _second(last.expected_end or last.decided_at + issuer.unknown_end)
    late = as_of + _AHEAD - end
    return end if late <= timedelta(0) else end + (late // _STEP + 1) * _STEP


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
