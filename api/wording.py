"""How a page puts things: times in the city's zone, rules, verdicts and ages in plain words."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trafficfeed.windows import Window

_CLASSES = {
    "passenger": "cars",
    "bus": "buses",
    "coach": "coaches",
    "delivery": "delivery vehicles",
    "emergency": "emergency vehicles",
    "authority": "authority vehicles",
    "custom1": "permit holders",
}
_EXEMPTIONS = {
    "emergency": "emergency vehicles",
    "bus": "buses",
    "taxi": "taxis",
    "delivery": "deliveries",
    "bicycle": "bicycles",
    "residents": "residents",
    "permit": "permit holders",
}
_SAME_YEAR = timedelta(days=300)
_LIMITS = {"max_weight_t": "t", "max_height_m": "m high", "max_width_m": "m wide", "max_length_m": "m long"}


def text_in(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return the text in `language`, else in English, else in the first there is, with the language it is in."""
    for wanted in (language, language.split("-")[0], "en"):
        if wanted in texts:
            return texts[wanted], wanted
    return next(((text, tag) for tag, text in sorted(texts.items())), ("", language))


def moment(instant: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """Return the wall time with its weekday; the year only where it is far off; the zone where the hour repeats."""
    local = instant.astimezone(zone)
    year = "" if abs(instant - now) < _SAME_YEAR else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {_clock(local)}"


def span(window: Window, zone: ZoneInfo, *, now: datetime, estimate: bool = False) -> str:
    """Return the window as wall times: the day once where it begins and ends on one day."""
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    about = "about " if estimate else ""
    if start.date() == end.date():
        return f"{moment(start, zone, now=now)} – {about}{_clock(end)}"
    return f"{moment(start, zone, now=now)} – {about}{moment(end, zone, now=now)}"


def _clock(local: datetime) -> str:
    """Return hours and minutes, with the zone's abbreviation in an hour that a DST change repeats or skips round."""
    other = local.replace(fold=1 - local.fold)
    ambiguous = other.utcoffset() != local.utcoffset()
    return f"{local:%H:%M} {local:%Z}" if ambiguous else f"{local:%H:%M}"


def age(seconds: float) -> str:
    """Return an age in words, in the largest unit that says enough."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def rule_text(rule: Mapping[str, Any]) -> str:
    """Return what a rule means for a driver."""
    kind = rule.get("kind")
    if kind == "vehicles":
        return _vehicles(rule)
    if kind == "lanes_closed":
        lanes = [str(lane) for lane in rule.get("lanes", ())]
        return f"{'Lane' if len(lanes) == 1 else 'Lanes'} {_join(lanes)} closed (1 is at the kerb)"
    if kind == "speed_limit":
        return f"Speed limit {rule.get('limit_kmh')} km/h"
    if kind == "metering":
        return f"Metered: {rule.get('flow_vph', 0):g} vehicles an hour"
    said = {"closure": "Closed", "one_way": "One way", "turn_ban": "No turn", "hazard": "Drive with care"}
    return said.get(str(kind), "Restricted")


def rules_text(rules: Iterable[Mapping[str, Any]]) -> str:
    """Return several rules in one sentence, each once."""
    return _sentence(list(dict.fromkeys(rule_text(rule) for rule in rules)))


def is_closure(rule: Mapping[str, Any]) -> bool:
    """Tell whether nobody but the exempt gets through."""
    return rule.get("kind") == "closure"


def exceptions_text(exceptions: Iterable[str]) -> str:
    """Return who may pass all the same, or ""."""
    return _join([_EXEMPTIONS.get(name, name) for name in exceptions])


def seconds(value: float | None, *, missing: str = "–") -> str:
    """Return a delay with its sign, to a tenth of a second below ten; `missing` where there is none."""
    if value is None:
        return missing
    rounded = round(value, 1 if abs(value) < 9.95 else 0)
    return f"{rounded:+.{1 if abs(value) < 9.95 else 0}f} s".replace("-", "−") if rounded else "0.0 s"


def _vehicles(rule: Mapping[str, Any]) -> str:
    parts = []
    if rule.get("only"):
        parts.append(f"Only {_join([_class(name) for name in rule['only']])}")
    if rule.get("banned"):
        parts.append(f"No {_join([_class(name) for name in rule['banned']], last='or')}")
    parts += [f"No vehicle over {rule[name]:g} {unit}" for name, unit in _LIMITS.items() if rule.get(name)]
    if rule.get("permit"):
        parts.append(f"Only with permit: {rule['permit']}")
    return _sentence(parts) or "Restricted for some vehicles"


def _sentence(parts: list[str]) -> str:
    return "; ".join(part if n == 0 else part[:1].lower() + part[1:] for n, part in enumerate(parts))


def _class(name: str) -> str:
    return _CLASSES.get(name, f"{name}s")


def _join(words: list[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def size(count: int) -> str:
    """Return a number of bytes in kB or MB."""
    return (
        f"{count / 1e6:.1f} MB"
        if count >= 1e6
        else f"{count / 1e3:.0f} kB"
        if count >= 1e4
        else f"{count / 1e3:.1f} kB"
    )
