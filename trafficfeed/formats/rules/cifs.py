"""Waze CIFS: subtypes match types, texts say something, schedules can come true."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Record
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant

_CIFS = ("cifs", "cifs-json")
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KEYS = ("everyday", *_WEEK)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)
_DAY = 24 * 60
_SHORTEST = 2
_STARTS = MappingProxyType(
    {
        "ACCIDENT": "ACCIDENT_",
        "CONSTRUCTION": "",
        "HAZARD": "HAZARD_",
        "ROAD_CLOSED": "ROAD_CLOSED_",
        "POLICE": "POLICE_",
        "CHIT_CHAT": "",
        "JAM": "JAM_",
    }
)


@rule("cifs.type", *_CIFS, mend="use one of the specification's types")
def has_a_known_type(yard: Yardstick) -> Iterator[Fault]:
    """An incident has one of the types that Waze knows.

    Source: CIFS specification, type; cifsv2.xsd (there is no schema for the JSON form).
    """
    for record in yard.feed.records:
        if record.kind not in _STARTS:
            yield Fault(record.path, f"{record.kind!r} is no type of incident")


@rule("cifs.subtype", *_CIFS, mend="take a subtype that begins with the type, or none")
def subtype_matches_type(yard: Yardstick) -> Iterator[Fault]:
    """The subtype belongs to the type.

    Source: CIFS specification, subtype ("must match the value provided in the type tag"); cifsv2.xsd allows any pair.
    """
    for record in yard.feed.records:
        stem = _STARTS.get(record.kind)
        if record.subtype and stem is not None and not (stem and str(record.subtype).startswith(stem)):
            yield Fault(record.path, f"{record.subtype} is no subtype of {record.kind}")


@rule("cifs.text", *_CIFS, mend="write what a driver should read, and the street's name or number")
def says_something(yard: Yardstick) -> Iterator[Fault]:
    """Description and street have at least two characters.

    Source: CIFS specification, street and description; cifsv2.xsd, street (minLength 2; it passes a description of
    one character, which tells a driver nothing).
    """
    for record in yard.feed.records:
        for name, text in (("description", record.description), ("street", record.street)):
            if len((text or "").strip()) < _SHORTEST:
                yield Fault(record.path, f"the {name} is {text!r}" if text is not None else f"has no {name}")


@rule("cifs.lanes", *_CIFS, mend="leave the lanes out of a full closure, or make it a HAZARD")
def closes_all_lanes_or_lists_them(yard: Yardstick) -> Iterator[Fault]:
    """A ``ROAD_CLOSED`` lists no lanes: it is for closures of all of them.

    Source: cifsv2.xsd, lanes and lane_impact ("only if the incident doesn't entail a full road closure").
    """
    for record in yard.feed.records:
        if record.kind == "ROAD_CLOSED" and record.lanes:
            yield Fault(record.lanes[0].path, "lists lanes of a road that is closed")


@rule("cifs.schedule.order", *_CIFS, mend="write everyday, or the days from monday to sunday")
def schedule_follows_the_week(yard: Yardstick) -> Iterator[Fault]:
    """The days of a schedule are known, come in the order of the week, and do not stand beside ``everyday``.

    Source: cifsv2.xsd, schedule (a sequence from everyday to sunday); the JSON form is read alike.
    """
    for record in yard.feed.records:
        days = [day for day, _ in record.schedule]
        unknown = [day for day in days if day not in _KEYS]
        if unknown:
            yield Fault(record.schedule_path, f"{unknown[0]!r} is no day")
        elif days != sorted(days, key=_KEYS.index):
            yield Fault(record.schedule_path, f"the days stand as {', '.join(days)}")
        elif "everyday" in days and len(days) > 1:
            yield Fault(record.schedule_path, "has single days beside everyday", Severity.WARNING)


@rule("cifs.schedule.hours", *_CIFS, mend="write 22:00-23:59 on one day and 00:00-05:00 on the next")
def hours_lie_within_a_day(yard: Yardstick) -> Iterator[Fault]:
    """Hours of a schedule are times of that day, end after they start and do not overlap: nights are cut at midnight.

    Source: cifsv2.xsd, schedule: hours are listed by weekday, so that an end before its start is on no day (the schema
    checks the pattern of digits alone).
    """
    for record in yard.feed.records:
        for day, text in record.schedule:
            spans = _spans(text)
            if spans is None:
                yield Fault(f"{record.schedule_path}.{day}", f"{str(text)[:60]!r} is no list of hours")
            elif any(end <= start or end > _DAY for start, end in spans):
                yield Fault(f"{record.schedule_path}.{day}", f"{text} does not end on the day it starts")
            elif any(b[0] < a[1] for a, b in pairwise(sorted(spans))):
                yield Fault(f"{record.schedule_path}.{day}", f"{text} overlaps itself")


@rule("cifs.schedule.days", *_CIFS, severity=Severity.WARNING, mend="name days that lie between start and end")
def schedule_can_come_true(yard: Yardstick) -> Iterator[Fault]:
    """Every day of a schedule comes up between start and end, on the clock of their offset.

    Source: an incident whose schedule names no day of its period is never in force; no schema compares the two.
    """
    for record in yard.feed.records:
        days = _days_of(record)
        missing = [day for day, _ in record.schedule if day in _WEEK and day not in days]
        if days and missing:
            yield Fault(f"{record.schedule_path}.{missing[0]}", f"there is no {missing[0]} between start and end")


RULES = (
    has_a_known_type, subtype_matches_type, says_something, closes_all_lanes_or_lists_them,
    schedule_follows_the_week, hours_lie_within_a_day, schedule_can_come_true,
)  # fmt: skip


def _spans(text: Any) -> list[tuple[int, int]] | None:
    parts = [part.strip() for part in text.rstrip(",").split(",")] if isinstance(text, str) else [""]
    found = [_SPAN.fullmatch(part) for part in parts]
    minutes = [tuple(map(int, match.groups())) for match in found if match]
    if len(minutes) < len(found) or any(hour > 24 or minute > 59 for m in minutes for hour, minute in (m[:2], m[2:])):
        return None
    return [(a * 60 + b, c * 60 + d) for a, b, c, d in minutes]


def _days_of(record: Record) -> set[str]:
    start, end = instant(record.start[1]), instant(record.end[1])
    if not record.schedule or start is None or end is None or not start < end:
        return set()
    if end - start >= timedelta(days=7):
        return set(_WEEK)
    days = (end.date() - start.date()).days
    return {_WEEK[(start.weekday() + n) % 7] for n in range(days + 1)}
