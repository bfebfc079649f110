"""What a page says of each flood site, the most urgent first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from api import wording
from api.flood_released import FRESH, Decided, Floats, FloodPicture, Place
from api.flood_wording import BASES, LEVELS, METHODS, centimetres, clock, time_ahead
from api.overview import Badge
from api.published import Record

BADGES = {
    "passed": Badge(text="Simulation passed", style="passed", explanation="Driven through SUMO, within all limits"),
    "overridden": Badge(text="Published by override", style="held", explanation="The simulation did not pass it"),
    "pending": Badge(
        text="Validation pending", style="pending", explanation="Published at once; the simulation has not spoken yet"
    ),
}
_RANK = {"closed": 0, "hazard": 1, "clear": 2}
_FLOODED_M = 0.15


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """A site in the list: everything is text for people except the depths, m, at the picture's times."""

    id: str
    number: int
    name: str
    level: str
    level_text: str
    depth: str
    depth_from: str
    to_flood: str
    to_clear: str
    basis: str
    since: str
    expected_end: str
    badge: Badge | None
    certificate: str
    order: str
    method: str
    likely_m: Floats
    worst_m: Floats


def stands(place: Place, records: Mapping[str, Sequence[Record]], now: datetime) -> Decided | None:
    """Return what holds for a site in public; None where nothing does.

    While a new decision awaits an officer the map tells of none: what its order says on the road is served on.
    """
    if place.decided is not None:
        return place.decided
    held = [one for one in records.get(place.order, ()) if one.window.contains(now) and not one.cancelled]
    if not held:
        return None
    return Decided(
        level="closed" if any(closes(one) for one in held) else "hazard",
        basis="published",
        since=min(one.window.start for one in held),
        expected_end=max(one.window.end for one in held),
        closed_to=(),
    )


def closes(record: Record) -> bool:
    """Tell whether a record closes its road, to some vehicles at least."""
    return record.rule.get("kind") in {"closure", "vehicles"}


def views_of(
    picture: FloodPicture, records: Mapping[str, Sequence[Record]], now: datetime, zone: ZoneInfo
) -> list[SiteView]:
    """Return all sites: closed ones first, then those with water, the deepest first, then those it comes to soonest.

    Parameters
    ----------
    records
        The released road records by order.
    """
    held = {place.id: stands(place, records, now) for place in picture.places}
    ordered = sorted(picture.places, key=lambda place: _urgency(place, held[place.id], picture, now))
    return [_view(place, held[place.id], number, picture, now, zone) for number, place in enumerate(ordered, 1)]


def _urgency(
    place: Place, held: Decided | None, picture: FloodPicture, now: datetime
) -> tuple[int, float, float, float, str, str]:
    level = held.level if held is not None else "clear"
    depth = float(np.nan_to_num(picture.series(place, now)[0]))
    soon = tuple(place.to_flood_s) if place.to_flood_s is not None else (np.inf,) * 3
    return (_RANK.get(level, 1), -round(depth, 2), soon[1], soon[0], place.name, place.id)


def _view(
    place: Place, held: Decided | None, number: int, picture: FloodPicture, now: datetime, zone: ZoneInfo
) -> SiteView:
    likely, worst = picture.series(place, now), picture.series(place, now, worst=True)
    level = held.level if held is not None else "clear"
    to_flood, to_clear = times_ahead(place, picture, now, depth_m=float(likely[0]))
    return SiteView(
        id=place.id,
        number=number,
        name=place.name,
        level=level,
        level_text=LEVELS.get(level, level),
        depth=centimetres(float(likely[0])),
        depth_from=depth_source(place, picture, now),
        to_flood=to_flood,
        to_clear=to_clear,
        basis="" if held is None or level == "clear" else BASES.get(held.basis, held.basis),
        since="" if held is None or level == "clear" else clock(held.since, zone, now=now),
        expected_end=_end(held, now, zone),
        badge=BADGES.get(place.validation, BADGES["pending"]) if place.validation else None,
        certificate=place.certificate,
        order=place.order,
        method=METHODS.get(place.method, place.method),
        likely_m=likely,
        worst_m=worst,
    )


def times_ahead(place: Place, picture: FloodPicture, now: datetime, *, depth_m: float) -> tuple[str, str]:
    """Return when 15 cm are reached, and when it is below for good; "" where there is no such time ahead."""
    if picture.issued_at is None:
        return "", ""
    passed = now - picture.issued_at
    is_flooded = depth_m >= _FLOODED_M
    flood = "" if is_flooded else time_ahead("15 cm", place.to_flood_s, passed)
    comes = bool(flood) and place.to_flood_s is not None and bool(np.isfinite(place.to_flood_s[1]))
    clear = time_ahead("Clear", place.to_clear_s, passed) if is_flooded or comes else ""
    if is_flooded and not clear and place.to_clear_s is not None:
        clear = "Not clear within the forecast"
    return flood, clear


def depth_source(place: Place, picture: FloodPicture, now: datetime) -> str:
    """Return what the depth now rests on."""
    seen = place.observed
    if seen is not None and now - seen.at <= FRESH:
        return f"measured {wording.age((now - seen.at).total_seconds())}"
    silent = "" if seen is None else f"; last measured {centimetres(seen.depth_m)} {_age(now - seen.at)}"
    if picture.issued_at is None or place.depths is None:
        return f"no fresh reading, no forecast{silent}"
    return f"forecast{silent}"


def _age(gone: timedelta) -> str:
    return wording.age(gone.total_seconds())


def _end(held: Decided | None, now: datetime, zone: ZoneInfo) -> str:
    end = None if held is None else held.expected_end
    return "" if end is None or end <= now else clock(end, zone, now=now)


def summary_of(views: Sequence[SiteView]) -> str:
    """Return the state of the city in a sentence or two."""
    closed, wet = (sum(view.level == level for view in views) for level in ("closed", "hazard"))
    coming = sum(bool(view.to_flood) and view.level == "clear" for view in views)
    parts = [f"{_places(closed)} closed for water"] if closed else []
    parts += [f"{_places(wet)} with water on the road"] if wet else []
    said = (", ".join(parts) or "No road is closed or warned of for water") + "."
    return f"{said} Water may come to {_places(coming)}{' more' if parts else ''}." if coming else said


def _places(count: int) -> str:
    return f"{count} place{'s' if count > 1 else ''}"
