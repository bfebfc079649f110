"""What the pages say: the released records grouped by order, now and next, in the city's time and language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from api import wording
from api.published import Record
from api.schematic import LineKind, MapLine
from trafficfeed.windows import Window

_MOST_TIMES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A verdict in two words, and the class that colours it."""

    text: str
    style: str  # "passed" | "pending" | "held"
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the simulation found, in words."""

    certificate_id: str
    report: str
    delay: str
    delay_range: str
    emergency: str
    runs: int
    cut_off: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureView:
    """One restriction of an order: what, where, when, with which exceptions."""

    rule: str
    exceptions: str
    until: str
    streets: Sequence[tuple[str, str, str]]  # street, from and to, direction
    times: Sequence[str]
    more_times: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One order on the page; `number` is its disc on the map."""

    number: int
    id: str
    is_now: bool
    kind: LineKind
    title: str
    language: str
    title_en: str
    description: str
    reason: str
    headline: str
    where: str
    rules: str
    exceptions: str
    next_times: Sequence[str]
    badge: Badge
    effect: Effect | None
    measures: Sequence[MeasureView]
    authority: str
    contact: str
    contact_email: str


def map_kind(record: Record, now: datetime) -> LineKind:
    """Return how a record is drawn at `now`."""
    if not record.window.contains(now):
        return LineKind.NEXT
    return LineKind.CLOSED if wording.is_closure(record.rule) else LineKind.RESTRICTED


def orders_of(
    records: Sequence[Record], *, titles: Mapping[str, Mapping[str, str]], now: datetime, zone: ZoneInfo, language: str
) -> list[OrderView]:
    """Group what holds at `now` or later by order: what holds first, then by the next start.

    `titles` are the orders' own, by id; a record may have its measure's instead.
    """
    coming = sorted((r for r in records if r.window.end > now and not r.cancelled), key=lambda r: r.order_id)
    groups = [list(group) for _, group in groupby(coming, key=lambda r: r.order_id)]
    groups.sort(key=lambda group: _rank(group, now))
    return [
        _order(number, group, titles.get(group[0].order_id) or group[0].title, now, zone, language)
        for number, group in enumerate(groups, start=1)
    ]


def map_lines(records: Sequence[Record], orders: Sequence[OrderView], *, now: datetime) -> list[MapLine]:
    """Return the lines of the map: of each place what holds now, else the next time only."""
    numbers = {order.id: order for order in orders}
    best: dict[tuple[str, str, str, Any], Record] = {}
    for record in sorted(records, key=lambda r: r.window.start):
        if record.window.end > now and not record.cancelled and record.order_id in numbers:
            best.setdefault((record.order_id, record.street, record.compass, tuple(record.coordinates)), record)
    return [
        MapLine(
            coordinates=record.coordinates,
            kind=map_kind(record, now),
            number=numbers[record.order_id].number,
            title=f"{numbers[record.order_id].number}. {record.street}: {wording.rule_text(record.rule)}",
        )
        for record in best.values()
    ]


def _rank(group: Sequence[Record], now: datetime) -> tuple[bool, datetime, str]:
    is_now = any(r.window.contains(now) for r in group)
    instant = min(r.window.end if is_now else r.window.start for r in group if r.window.contains(now) or not is_now)
    return not is_now, instant, group[0].order_id


def _order(
    number: int, group: Sequence[Record], titles: Mapping[str, str], now: datetime, zone: ZoneInfo, language: str
) -> OrderView:
    held = [r for r in group if r.window.contains(now)]
    shown = held or [r for r in group if r.window.start == min(g.window.start for g in group)]
    first = group[0]
    title, title_language = wording.text_in(titles, language)
    description, _ = wording.text_in(first.description, language)
    title_en = titles.get("en", "")
    times = _times([r for r in group if r not in shown], zone, now)
    return OrderView(
        number=number,
        id=first.order_id,
        is_now=bool(held),
        kind=min((map_kind(r, now) for r in shown), key=list(LineKind).index),
        title=title,
        language=title_language,
        title_en=title_en if title_en != title else "",
        description=description if description != title else "",
        reason=first.reason.replace("_", " "),
        headline=_headline(shown, bool(held), zone, now),
        where=_where(shown),
        rules=wording.rules_text(r.rule for r in shown),
        exceptions=_exceptions(shown),
        next_times=times,
        badge=_badge(group),
        effect=_effect(group),
        measures=_measures(group, zone, now, language=language, order_title=title),
        authority=first.authority,
        contact=first.contact_name,
        contact_email=first.contact_email,
    )


def _headline(shown: Sequence[Record], is_now: bool, zone: ZoneInfo, now: datetime) -> str:
    """Return until when it holds, or from when to when it will."""
    last = max(shown, key=lambda r: r.window.end)
    if not is_now:
        window = Window(start=shown[0].window.start, end=last.window.end)
        return wording.span(window, zone, now=now, estimate=last.end_is_estimate)
    earliest, latest = min(r.window.end for r in shown), last.window.end
    about = "about " if last.end_is_estimate else ""
    if earliest != latest:
        opening = wording.moment(earliest, zone, now=now)
        return f"until {about}{wording.moment(latest, zone, now=now)}; parts reopen from {opening}"
    return f"until {about}{wording.moment(latest, zone, now=now)}"


def _where(shown: Sequence[Record]) -> str:
    streets = list(dict.fromkeys(r.street for r in shown if r.street))
    if len(streets) == 1 and len({frozenset((r.from_street, r.to_street)) for r in shown}) == 1:
        return ", ".join(part for part in (streets[0], _between(shown[0])) if part)
    if not streets:
        return f"{len(shown)} unnamed street{'s' if len(shown) > 1 else ''}"
    named = ", ".join(streets[:4])
    return named + (f" and {len(streets) - 4} more streets" if len(streets) > 4 else "")


def _exceptions(shown: Sequence[Record]) -> str:
    """Return who may pass everywhere, and who only in parts: a ring that lets residents in says nothing of the next."""
    everyone = list(dict.fromkeys(name for r in shown for name in r.exceptions))
    always = [name for name in everyone if all(name in r.exceptions for r in shown)]
    partly = wording.exceptions_text(name for name in everyone if name not in always)
    texts = (wording.exceptions_text(always), f"in parts {partly}" if partly else "")
    return "; ".join(text for text in texts if text)


def _times(records: Sequence[Record], zone: ZoneInfo, now: datetime) -> list[str]:
    windows = sorted({(r.window, r.end_is_estimate) for r in records})
    return [wording.span(window, zone, now=now, estimate=estimate) for window, estimate in windows]


def _measures(
    group: Sequence[Record], zone: ZoneInfo, now: datetime, *, language: str, order_title: str
) -> list[MeasureView]:
    ordered = sorted(group, key=lambda r: (r.measure_id, r.window.start, r.street, r.compass))
    views = []
    for _, own in groupby(ordered, key=lambda r: r.measure_id):
        records = list(own)
        first = records[0]
        times = _times(records, zone, now)
        until, _ = wording.text_in(first.until, language)
        measure_title, _ = wording.text_in(first.title, language)
        views.append(
            MeasureView(
                title=measure_title if measure_title != order_title else "",
                rule=wording.rule_text(first.rule),
                exceptions=wording.exceptions_text(first.exceptions),
                until=until,
                streets=_streets(records),
                times=times[:_MOST_TIMES],
                more_times=max(0, len(times) - _MOST_TIMES),
            )
        )
    return views


def _streets(records: Sequence[Record]) -> list[tuple[str, str, str]]:
    """Return street, ends and direction, the two directions of one stretch as one line."""
    found: dict[tuple[str, frozenset[str]], tuple[str, set[str]]] = {}
    for record in records:
        ends = frozenset(end for end in (record.from_street, record.to_street) if end)
        _, directions = found.setdefault((record.street, ends), (_between(record), set()))
        directions.add(record.compass)
    return [
        (street or "unnamed street", between, "both directions" if len(directions) > 1 else min(directions))
        for (street, _), (between, directions) in sorted(found.items(), key=lambda item: (not item[0][0], item[0][0]))
    ]


def _between(record: Record) -> str:
    ends = [end for end in (record.from_street, record.to_street) if end]
    return f"at {ends[0]}" if len(ends) == 1 else " to ".join(ends)


def _badge(group: Sequence[Record]) -> Badge:
    said = {r.validation for r in group}
    if "overridden" in said:
        return Badge(
            text="Published by override",
            style="held",
            explanation="The simulation did not pass it; an officer published it all the same, and gave a reason",
        )
    if said == {"passed"}:
        return Badge(
            text="Simulation passed", style="passed", explanation="Driven through SUMO and found within all limits"
        )
    return Badge(
        text="Validation pending", style="pending", explanation="Published at once; the simulation has not spoken yet"
    )


def _effect(group: Sequence[Record]) -> Effect | None:
    found: Mapping[str, Any] = next((r.certificate for r in group if r.certificate), {})
    if not found:
        return None
    low, high = found.get("delay_low_s"), found.get("delay_high_s")
    certificate_id = str(found.get("certificate_id", ""))
    return Effect(
        certificate_id=certificate_id,
        report=f"/v1/certificates/{certificate_id}/report",
        delay=wording.seconds(found.get("delay_per_vehicle_s")),
        delay_range=f"{wording.seconds(low)} to {wording.seconds(high)}" if None not in (low, high) else "",
        emergency=wording.seconds(found.get("emergency_delay_s"), missing="none driven"),
        runs=int(found.get("seeds") or 0),
        cut_off=int(found.get("cut_off") or 0),
    )
