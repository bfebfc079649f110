"""Addresses of lamp sources as the setting writes them: read, checked, and never repeated with their passwords."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trafficfeed.errors import ScenarioInvalid

SETTING: Final = "TRAFFICFEED_SIGNALS"
OFF: Final = "off"
ALONE: Final = frozenset({"http", "virtual"})
CARRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "udp": ("spatem", "j2735"),
    "mqtt": ("json", "spatem", "j2735", "hires"),
    "mqtts": ("json", "spatem", "j2735", "hires"),
}
_KINDS: Final = (
    "off, http, virtual, spatem+udp://HOST:PORT, j2735+udp://HOST:PORT, mqtt://HOST:PORT/TOPIC, "
    "hires+mqtt://HOST:PORT/TOPIC, gat1049://USER:PASSWORD@HOST:PORT"
)
_PASSWORD: Final = re.compile(r"//([^:@]*):.*@")
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_GAT: Final[Mapping[str, tuple[str, ...] | None]] = {"edition": ("1.0", "2.0"), "green": ("22", "23"), "zone": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAddress:
    """One source. `carrier` is http, virtual, udp, mqtt, mqtts or gat1049; `messages` what it brings.

    `shown` is the address as it may be logged. `options` are those of GA/T 1049: edition, green, zone.
    """

    carrier: str
    shown: str
    messages: str = "json"
    host: str = ""
    port: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def read_addresses(setting: str) -> tuple[SourceAddress, ...]:
    """Return the sources of a setting, several by commas; a comma within one is written %2C.

    Raises
    ------
    ScenarioInvalid
        If one cannot be used; says which, why, and what to write.
    """
    names = [name.strip() for name in setting.split(",") if name.strip()]
    if not names:
        raise ScenarioInvalid(f"{SETTING} is empty: set {_KINDS}; or several by commas")
    if OFF in names and len(names) > 1:
        raise ScenarioInvalid(f"{SETTING} has off beside others: set off alone, or leave it out")
    found = tuple(_address(name) for name in names if name != OFF)
    for k, one in enumerate(found):
        if one in found[:k]:
            raise ScenarioInvalid(f"{SETTING} names {one.shown} twice: leave one out")
    return found


def _address(name: str) -> SourceAddress:
    if name in ALONE:
        return SourceAddress(carrier=name, shown=name)
    shown = _PASSWORD.sub(r"//\1@", name)
    try:
        parts = urlsplit(name)
        port = parts.port
    except ValueError as error:
        why = "it is no address; ports go up to 65535, and : / @ in a name or password are written %3A %2F %40"
        raise _unusable(shown, why) from error
    messages, plus, carrier = parts.scheme.rpartition("+")
    if parts.scheme == "gat1049":
        return _signal_system(parts, port, shown)
    if carrier not in CARRIED or (plus and messages not in CARRIED[carrier]) or (not plus and carrier == "udp"):
        raise _unusable(shown, "there is no such kind of source")
    if parts.query or parts.fragment:
        raise _unusable(shown, "it takes no options behind ? or #; # within a topic is written %23")
    if carrier == "udp":
        if not port or parts.path.strip("/"):
            raise _unusable(shown, "it has to be HOST:PORT, the address to listen at (0.0.0.0 for all) and a port")
        return SourceAddress(
            carrier=carrier, shown=shown, messages=messages, host=parts.hostname or "127.0.0.1", port=port
        )
    if not parts.hostname:
        raise _unusable(shown, "it names no broker")
    topic = unquote(parts.path.lstrip("/"))
    if not topic and messages not in ("", "json"):
        raise _unusable(shown, "it has to say the topic, behind the port and /")
    return SourceAddress(
        carrier=carrier,
        shown=shown,
        messages=messages or "json",
        host=parts.hostname,
        port=port or _PORTS[carrier],
        user=_part(parts.username),
        password=_part(parts.password),
        path=topic or "signals/states/#",
    )


def _signal_system(parts: SplitResult, port: int | None, shown: str) -> SourceAddress:
    if not parts.hostname or not port:
        raise _unusable(shown, "it has to name the signal system's HOST:PORT")
    if not parts.username or parts.password is None:
        raise _unusable(shown, "it has to say as whom to log in: USER:PASSWORD@ before the host")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key, value in options.items():
        allowed = _GAT.get(key, ())
        if allowed is not None and value not in allowed:
            known = "edition=1.0 or 2.0, green=22 or 23 (which code of edition 1.0 is green), zone=Asia/Shanghai"
            raise _unusable(shown, f"{key}={value} is no option; there are {known}")
    try:
        ZoneInfo(options.get("zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _unusable(shown, f"{options['zone']!r} is no time zone") from error
    return SourceAddress(
        carrier="gat1049",
        messages="gat1049",
        shown=shown,
        host=parts.hostname,
        port=port,
        user=_part(parts.username),
        password=_part(parts.password),
        options=options,
    )


def _part(text: str | None) -> str | None:
    return unquote(text) if text else None


def _unusable(shown: str, why: str) -> ScenarioInvalid:
    return ScenarioInvalid(f"{SETTING}: {shown!r} is no source: {why}. Set {_KINDS}; or several by commas")
