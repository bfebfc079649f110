"""What a rule is: a function over a document, with its name, what mends its faults, and its source."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from inspect import cleandoc
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed, Line, Record, is_point
from trafficfeed.network.road_graph import RoadGraph

Bounds = tuple[float, float, float, float]
_PREFIX = "feed."
_MARGIN_DEGREES = 0.02  # a detour may leave the city's edge by a kilometre or two


class Fault(NamedTuple):
    """One breach: path into the document, what is wrong, and how bad where it is not the rule's own weight."""

    where: str
    message: str
    severity: Severity | None = None


class Drawn(NamedTuple):
    """A line whose coordinates are all numbers: `lonlat` is ``(n, 2) float64``, degrees."""

    record: Record
    line: Line
    lonlat: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What a document is held against.

    Attributes
    ----------
    feed
        The document itself.
    graph
        The road graph it was made on; None: lines are not compared with roads.
    bounds
        West, south, east, north of the city, degrees, in the document's datum; None: unknown.
    previous
        The document that was published before; None: unknown.
    as_of
        Aware; the time at which a record counts as active or ended. None: the document's own time.
    gone
        Ids of records, or of the road events they were made of, that the publisher took out knowingly.
    others
        Ids that are published too, but are not in this document (a part of a release).
    """

    feed: Feed
    graph: RoadGraph | None = None
    bounds: Bounds | None = None
    previous: Feed | None = None
    as_of: datetime | None = None
    gone: frozenset[str] = field(default_factory=frozenset)
    others: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def drawn(self) -> tuple[Drawn, ...]:
        """The lines that can be looked at."""
        return tuple(_drawn(self.feed))

    @cached_property
    def placed(self) -> tuple[Drawn, ...]:
        """Those of them that lie in the city: of the others the rules on directions have nothing to say."""
        return tuple(one for one in self.drawn if first_outside(one.lonlat, self.bounds) is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the semantic validator.

    Attributes
    ----------
    id
        Stable, ``feed.time.utc``; the `rule` of its findings.
    standards
        Names it is for; empty: all.
    severity
        Of its faults, unless one says otherwise.
    mend
        What the publisher should do.
    check
        The function; its docstring holds what the rule demands and its source.
    """

    id: str
    standards: tuple[str, ...]
    severity: Severity
    mend: str
    check: Callable[[Yardstick], Iterator[Fault]]

    def findings(self, yard: Yardstick) -> Iterator[Finding]:
        """Yield what breaks the rule in a document it is for."""
        if self.standards and yard.feed.standard not in self.standards:
            return
        for where, message, severity in self.check(yard):
            yield Finding(
                rule=self.id, severity=severity or self.severity, message=message, where=where, mend=self.mend
            )

    @property
    def demand(self) -> str:
        """What the rule demands, one sentence."""
        return self._text[0]

    @property
    def source(self) -> str:
        """Where that is written, or was measured."""
        return self._text[1]

    @property
    def _text(self) -> tuple[str, str]:
        whole = re.sub(r"\s+", " ", cleandoc(self.check.__doc__ or ""))
        demand, _, source = whole.partition("Source:")
        return demand.strip().rstrip("."), source.strip().rstrip(".")


def rule(
    name: str, *standards: str, mend: str, severity: Severity = Severity.ERROR
) -> Callable[[Callable[[Yardstick], Iterator[Fault]]], Rule]:
    """Make a rule of a function; `name` is its id without the prefix, `standards` those it is for (none: all)."""

    def made(check: Callable[[Yardstick], Iterator[Fault]]) -> Rule:
        return Rule(id=_PREFIX + name, standards=standards, severity=severity, mend=mend, check=check)

    return made


def first_outside(lonlat: npt.NDArray[np.float64], bounds: Bounds | None) -> int | None:
    """Return which of ``(n, 2)`` lon, lat is the first outside `bounds` (None: the Earth), None where none is."""
    west, south, east, north = bounds or (-180.0, -90.0, 180.0, 90.0)
    margin = _MARGIN_DEGREES if bounds else 0.0
    low, high = np.array([west, south]) - margin, np.array([east, north]) + margin
    inside = ((lonlat >= low) & (lonlat <= high)).all(axis=1)
    return None if inside.all() else int(np.flatnonzero(~inside)[0])


def _drawn(feed: Feed) -> Iterator[Drawn]:
    for record in feed.records:
        for line in record.lines:
            if line.coordinates and all(map(is_point, line.coordinates)):
                lonlat = np.array([point[:2] for point in line.coordinates], dtype=np.float64)
                yield Drawn(record, line, lonlat)
