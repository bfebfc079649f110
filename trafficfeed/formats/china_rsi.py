"""China's C-V2X Road Side Information: one message a record and UTC year, as UPER in a JSON document.

Source: YD/T 3709-2020 and T/CSAE 53-2020, public structure (`asn1/rsi.asn`). Event codes are those of GB/T 29100; the
table is the deployer's own and comes with the feed: none is known or made up here, and without it nothing is exported.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from math import ceil
from typing import Any, Final

from trafficfeed.closures.orders import Closure, LanesClosed, Reason, SpeedLimit
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.asn1 import codec
from trafficfeed.formats.china_rsi_reading import read_rsi
from trafficfeed.formats.feed_info import FeedInfo, utc_text
from trafficfeed.formats.json_documents import as_collection, as_json
from trafficfeed.formats.standard import Fragment, Standard
from trafficfeed.windows import Window

FILE_NAME: Final = "rsi.json"
FORMAT: Final = "trafficfeed-rsi/1"
MESSAGE: Final = "MessageFrame"
MAX_PATHS: Final = 8
MAX_POINTS: Final = 32  # of one path
SCALE: Final = 10_000_000  # 1e-7 degrees

_MAX_TEXT_BYTES = 512
_LANE_WIDTH_M = 3.5
_OFFSETS = (("1", 12), ("2", 14), ("3", 16), ("4", 18), ("5", 22), ("6", 24))  # position-LL1 … and their bits
_URGENT = (Reason.EMERGENCY, Reason.ACCIDENT, Reason.FLOODING)
_MINUTE = timedelta(minutes=1)


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the messages of `event`: one for each UTC year that it touches, none where it was cancelled.

    Raises
    ------
    FeedNonConformant
        If there is no event code for it, its line is too long for eight paths of 32 points, or its text has characters
        that GB 2312 lacks and there is no other language.
    """
    if event.cancelled:
        return ()
    code = _event_code(event, feed)
    return tuple(
        Fragment.of(event, as_json(_message(event, feed, code, part, name)), id=name) for part, name in _by_year(event)
    )


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the JSON document of the messages.

    Raises
    ------
    FeedNonConformant
        If the feed has no table of event codes.
    """
    _require_codes(feed)
    head = {
        "format": FORMAT,
        "encoding": "YD/T 3709-2020 MessageFrame, unaligned PER, base64",
        "published": utc_text(publication_time),
        "publisher": feed.publisher,
        "licence": feed.licence,
        "attribution": feed.attribution,
        "datum": "wgs84",
        "area": list(feed.bounds) if feed.bounds else None,
        "tombstones": [
            {"id": gone.id, "reason": gone.reason, "at": utc_text(gone.at)}
            for gone in sorted(feed.tombstones, key=lambda gone: gone.id)
        ],
    }
    return as_collection({key: value for key, value in head.items() if value is not None}, "messages", fragments)


def _message(event: RoadEvent, feed: FeedInfo, code: int, part: Window, name: str) -> dict[str, Any]:
    uper: bytes = codec("rsi").encode(MESSAGE, ("rsiFrame", _rsi(event, feed, code, part)))
    return {
        "id": name,
        "record": event.id,
        "version": event.order_version,
        "year": part.start.year,
        "start": utc_text(part.start),
        "end": utc_text(part.end),
        "end_is_estimate": event.end_is_estimate,
        "validation": event.validation.value,
        "certificate": event.certificate.href if event.certificate else None,
        "event_type": code,
        "uper": b64encode(uper).decode(),
    }


def _rsi(event: RoadEvent, feed: FeedInfo, code: int, part: Window) -> dict[str, Any]:
    """Return the message as asn1tools takes it.

    `moy` is the clock of the unit that sends it, which fills it in. A vehicle knows an event by sender and `rteId`; one
    byte cannot tell the events of a city apart, so `id` is of the record: a unit that sends it on sets both.
    """
    points = [_units(point) for point in event.coordinates]
    return {
        "msgCnt": event.order_version % 128,
        "id": sha256(event.id.encode()).digest()[:8],
        "refPos": {"long": points[0][0], "lat": points[0][1]},
        "rtes": [
            {
                "rteId": 0,
                "eventType": code,
                "eventSource": "government",
                "eventPos": {"offsetLL": _offset(points[0], points[0])},
                "description": _description(event, feed),
                "timeDetails": _times(event, part),
                "priority": bytes([_priority(event) << 5]),
                "referencePaths": _paths(event, points),
            }
        ],
    }


def _times(event: RoadEvent, part: Window) -> dict[str, Any]:
    new_year = datetime(part.start.year, 1, 1, tzinfo=UTC)
    last = (datetime(part.start.year + 1, 1, 1, tzinfo=UTC) - new_year) // _MINUTE - 1
    details: dict[str, Any] = {
        "startTime": (part.start - new_year) // _MINUTE,
        "endTime": min(ceil((part.end - new_year) / _MINUTE), last),
    }
    return details | ({"endTimeConfidence": "unavailable"} if event.end_is_estimate else {})


def _by_year(event: RoadEvent) -> Iterator[tuple[Window, str]]:
    """Cut the window at each New Year of UTC, as a minute of the year has no year; give each part an id that stays."""
    start, end = event.window.start.astimezone(UTC), event.window.end.astimezone(UTC)
    cuts = [datetime(year, 1, 1, tzinfo=UTC) for year in range(start.year + 1, end.year + 1)]
    for a, b in pairwise([start, *cuts, end]):
        if a < b:
            yield Window(start=a, end=b), event.id if a == start else f"{event.id}.y{a.year}"


def _paths(event: RoadEvent, points: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Cut a line into consecutive paths; each begins with the last point of the one before it."""
    step = MAX_POINTS - 1
    cut = [points[at : at + MAX_POINTS] for at in range(0, max(len(points) - 1, 1), step)]
    if len(cut) > MAX_PATHS:
        message = f"its line has {len(points)} points, RSI holds {MAX_PATHS * step + 1}"
        raise _refusal("path", event.id, message, "split the measure in two")
    radius_dm = round(10 * _LANE_WIDTH_M * max(event.lanes_total, 1))  # the line may run along either kerb
    return [
        {"activePath": [{"offsetLL": _offset(point, points[0])} for point in path], "pathRadius": radius_dm}
        for path in cut
    ]


def _offset(point: tuple[int, int], reference: tuple[int, int]) -> tuple[str, dict[str, int]]:
    lon, lat = point[0] - reference[0], point[1] - reference[1]
    for number, bits in _OFFSETS:
        half = 1 << (bits - 1)
        if -half <= min(lon, lat) and max(lon, lat) < half:
            return f"position-LL{number}", {"lon": lon, "lat": lat}
    return "position-LatLon", {"lon": point[0], "lat": point[1]}


def _units(point: tuple[float, float]) -> tuple[int, int]:
    return round(point[0] * SCALE), round(point[1] * SCALE)


def _priority(event: RoadEvent) -> int:
    """Return the level, 0 to 7, the most urgent: ours, as the standard ranks nothing by kind."""
    if event.reason in _URGENT:
        return 7
    if isinstance(event.rule, Closure):
        return 5
    return 4 if isinstance(event.rule, LanesClosed) else 1 if isinstance(event.rule, SpeedLimit) else 3


def _description(event: RoadEvent, feed: FeedInfo) -> tuple[str, Any]:
    """Return street and title in the first language that can be written: the feed's, Chinese, English, the others."""
    for text in _texts(event, feed):
        if text.isascii():
            return "textString", text[:_MAX_TEXT_BYTES]
        encoded = _gb2312(text)
        if encoded is not None:
            return "textGB2312", encoded
    message = f"no title can be written in GB 2312 ({', '.join(sorted(event.title))})"
    raise _refusal("text", event.id, message, "write the rare characters otherwise, or add a title in English")


def _texts(event: RoadEvent, feed: FeedInfo) -> Iterator[str]:
    def rank(language: str) -> tuple[int, str]:
        primary = language.split("-")[0]
        wished = (language == feed.language, primary == feed.language.split("-")[0], primary == "zh", primary == "en")
        return wished.index(True) if any(wished) else len(wished), language

    for language in sorted(event.title, key=rank):
        title = " ".join(event.title[language].split())
        if event.street:
            yield f"{event.street} {title}"
        yield title


def _gb2312(text: str) -> bytes | None:
    """Return a text in GB 2312, cut to 512 bytes between two characters; None where it has others."""
    try:
        characters = [character.encode("gb2312") for character in text]
    except UnicodeEncodeError:
        return None
    encoded = b"".join(characters)
    while len(encoded) > _MAX_TEXT_BYTES:
        encoded = encoded[: -len(characters.pop())]
    return encoded


def _event_code(event: RoadEvent, feed: FeedInfo) -> int:
    codes = _require_codes(feed)
    reason, rule = event.reason.value, event.rule.kind
    for key in (f"{reason}.{rule}", reason, rule):
        if key in codes:
            return codes[key]
    mend = f'add "{reason}.{rule}", {reason} or {rule} to the table, or take rsi off the partner'
    raise _refusal("event_code", event.id, f"the table of event codes has none for {reason}.{rule}", mend)


def _require_codes(feed: FeedInfo) -> Mapping[str, int]:
    if not feed.event_codes:
        message = "there is no table of GB/T 29100 event codes, and none is made up"
        raise _refusal("event_code", "event_codes", message, "give event_codes in partners.toml (docs/feeds.md)")
    return feed.event_codes


def _refusal(rule: str, where: str, message: str, mend: str) -> FeedNonConformant:
    finding = Finding(rule=f"rsi.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
    return FeedNonConformant(f"RSI cannot be exported: {message} ({where}); {mend}", [finding])


STANDARD = Standard(
    name="rsi",
    title="C-V2X RSI: road side messages for vehicles, UPER in JSON",
    file_name=FILE_NAME,
    media_type="application/json",
    fragments=fragments,
    assemble=assemble,
    read=read_rsi,
)
encode = STANDARD.encode
