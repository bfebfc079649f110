"""What every format's reader makes of a document: the few facts that the semantic rules look at.

A reader (``native_reading``, ``wzdx_reading``, ``cifs_reading``, ``datex2_reading``, ``cap_reading``) takes bytes and
gives a `Feed`. It fills what its standard has and leaves the rest at its default: a rule says nothing about what a
standard has no place for. It never judges: texts stay as they are written, what is absent is None, and what has the
wrong type is passed on for the rules to name. It raises `FeedNonConformant` only where the bytes are not a document of
that standard at all (`refuse`).

``path`` is always a path into the document that a person can follow: ``features[3].properties.start`` in JSON,
``incidents/incident[3]/starttime`` in XML (JSON counts from 0, XPath from 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity

Stated = tuple[str, Any]
"""A path into the document, and the text that stands there; None where it is absent."""


_HUGE = 1e9  # neither infinite nor too long for a float


class Clock(StrEnum):
    """How a standard wants its times written."""

    UTC = "utc"  # RFC 3339 with Z: native, WZDx
    UTC_ADVISED = "utc-advised"  # an offset, best Z: DATEX II
    OFFSET = "offset"  # any offset, Z included, but there must be one: CIFS
    NUMERIC = "numeric"  # numeric offset, -00:00 for UTC, neither Z nor fractions: CAP


class Shape(StrEnum):
    """What coordinates draw."""

    LINE = "line"  # along roads, in the direction of travel
    POINTS = "points"  # places: no length, no direction (WZDx MultiPoint, DATEX PointLocation)
    AREA = "area"  # a ring, its last point the first again (CAP polygon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Coordinates of a record and where they stand.

    `coordinates` are lon, lat in whatever order the document has them: a reader of a standard with latitude first
    (CIFS, DATEX posList, CAP) turns each pair and says `latitude_first`, so that messages speak the document's order.
    Text that is no number stays text; a last number without a partner is a coordinate of one number.
    `is_detour` marks the way round; its faults weigh less, it may be drawn by hand.
    """

    path: str
    coordinates: tuple[Any, ...]
    is_detour: bool = False
    shape: Shape = Shape.LINE
    latitude_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """One lane as a record has it: its number as written (text or number), whether it is shut, and WZDx ``type``."""

    path: str
    number: Any
    closed: bool
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a feed as its document says it: a feature, an incident, a situation record, an alert.

    Attributes
    ----------
    path, id
        Where it stands, and its own id as text ("" where it has none).
    start, end
        Of the whole period, path and text. A single listed period is the record's; a recurrence is in `schedule`.
    needs_end
        False where the standard allows this kind of record to be open (a DATEX obstruction that is no closure, a CAP
        message without ``expires``). A record that `closes` needs an end whatever this says.
    times
        Every other time it bears, by path, for the rules on offsets: those absent are left out unless the standard
        demands them.
    created, updated
        Texts; None where absent. Both also stand in `times`.
    lines
        The record's own coordinates first, then detours.
    compass
        ``northbound`` and so on; "" where the line has no direction to compare, ``undefined`` and the like pass.
    both_directions
        The record speaks for both directions of its line (CIFS ``BOTH_DIRECTIONS``).
    kind, subtype
        CIFS ``type`` and ``subtype``; WZDx ``event_type``; DATEX the class (``xsi:type`` without prefix) and its
        management or other type (``roadClosed``); CAP ``msgType``. None for a `subtype` that is absent.
    closes
        It shuts the road (all lanes, or the carriageway), as far as the standard says so.
    street, description
        None where the standard has no such field or the reader found none; "" where it is there and empty.
    impact
        WZDx ``vehicle_impact``.
    lanes, lanes_total
        The lanes it lists, and how many it says there are (None: it does not).
    schedule
        CIFS: day and text in the document's order, (("monday", "09:00-12:00"),). `schedule_path` is where.
    group
        Id of what it belongs to (CIFS ``parent_event``, DATEX situation, native order).
    links
        Kind of relation and id of other records of the *same document*; kind ``parent`` may not run in a circle.
    references
        CAP ``references``, path and text, unparsed: earlier messages, not in the document.
    version
        DATEX ``version``, native order version: path and what is written. None: the standard has none.
    status
        DATEX ``validityStatus``; CAP ``status``.
    cancelled
        It withdraws what was published.
    languages
        Languages in which it speaks, as written.
    depth
        Of water on the road, m: path and what is written; None where the record tells of none.
    native
        The properties only our own format has.
    """

    path: str
    id: str
    start: Stated
    end: Stated
    times: tuple[Stated, ...] = ()
    created: Any = None
    updated: Any = None
    lines: tuple[Line, ...] = ()
    compass: str = ""
    both_directions: bool = False
    kind: str = ""
    subtype: str | None = None
    closes: bool = False
    needs_end: bool = True
    street: str | None = None
    description: str | None = None
    impact: str = ""
    lanes: tuple[LaneState, ...] = ()
    lanes_total: int | None = None
    schedule: tuple[tuple[str, Any], ...] = ()
    schedule_path: str = ""
    group: str = ""
    links: tuple[tuple[str, str], ...] = ()
    references: Stated | None = None
    version: Stated | None = None
    status: str = ""
    cancelled: bool = False
    languages: tuple[str, ...] = ()
    depth: Stated | None = None
    native: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A document.

    Attributes
    ----------
    standard
        The name in ``formats.standards.STANDARDS``; decides which rules of one standard alone are run.
    published
        The path and text of the document's own time; None in its place where the standard demands none (CIFS JSON).
    records
        In the document's order.
    clock
        How times are to be written.
    bounds
        West, south, east, north, degrees, where the document states them.
    language
        The document's own, "" where it has none.
    datum
        wgs84, gcj02 or bd09; lines are compared with the road graph in WGS-84 only.
    tombstones
        Ids and times of records that the document says are gone.
    """

    standard: str
    published: Stated | None
    records: tuple[Record, ...]
    clock: Clock = Clock.UTC
    bounds: tuple[float, float, float, float] | None = None
    language: str = ""
    datum: str = "wgs84"
    tombstones: tuple[tuple[str, Any], ...] = ()


def is_point(point: Any) -> bool:
    """Tell whether a coordinate as written begins with two finite numbers."""
    return (
        isinstance(point, list | tuple)
        and len(point) >= 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < _HUGE for v in point[:2])
    )


def latitude_first(text: Any, *, separators: str = ", ") -> tuple[Any, ...]:
    """Return the lon, lat pairs of a text of latitudes and longitudes by turns.

    Parameters
    ----------
    text
        ``60.17 24.94 60.18 24.95`` (CIFS, DATEX posList) or ``60.17,24.94 60.18,24.95`` (CAP).
    separators
        Characters between numbers, each or several of them.
    """
    if not isinstance(text, str):
        return ()
    for mark in separators:
        text = text.replace(mark, " ")
    numbers = [_number(word) for word in text.split()]
    pairs = zip(numbers[1::2], numbers[::2], strict=False)
    return (*pairs, (numbers[-1],)) if len(numbers) % 2 else tuple(pairs)


def refuse(message: str, *, mend: str = "write it with the format's encoder") -> NoReturn:
    """Raise `FeedNonConformant` for bytes that are not a document of their standard at all."""
    finding = Finding(rule="feed.document.shape", severity=Severity.ERROR, message=message, mend=mend)
    raise FeedNonConformant(message, [finding]) from None


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word
