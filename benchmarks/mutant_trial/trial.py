"""Every mutant of every standard, held against our rules and against the official schema."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import hypot
from pathlib import Path

from benchmarks.mutant_trial.editing import editor
from benchmarks.mutant_trial.mutants import ABOUT_AREAS, MUTANTS
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.records import Record, Shape, is_point
from trafficfeed.formats.rules.times import instant
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.schema_checks import schema_findings

FORMATS = ("native", "wzdx", "cifs", "cifs-json", "datex2", "cap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one mutant: the rules that caught it; whether the official schema passes it (None: no such)."""

    mutant: str
    standard: str
    rules: tuple[str, ...]
    schema_passes: bool | None

    @property
    def caught(self) -> bool:
        """Whether our rules found it."""
        return bool(self.rules)


class Unsound(Exception):
    """A document that is wrong before anything was done to it, or has no record to work on."""


def outcomes_of(
    events: Iterable[RoadEvent],
    *,
    graph: RoadGraph,
    feed: FeedInfo,
    published: datetime,
    schemas: Path | None = None,
    formats: Sequence[str] = FORMATS,
) -> list[Outcome]:
    """Return what becomes of every mutant of the documents of `events`; formats that none of them has are left out."""
    known, found = tuple(events), []
    for name in formats:
        data = STANDARDS[name].encode(known, publication_time=published, feed=feed)
        record = _most_telling(semantics.read(name, data).records, area=name == "cap")
        if record is None:
            continue
        as_of = _middle(record)
        if errors := errors_in(semantics.check(name, data, graph=graph, previous=data, as_of=as_of)):
            raise Unsound(f"{name} is wrong as it is: {errors[0]}")
        if schemas and errors_in(schema_findings(name, data, schemas) or ()):
            raise Unsound(f"{name} does not hold against its schema as it is")
        for mutant, change in MUTANTS.items():
            if name == "cap" and mutant not in ABOUT_AREAS:
                continue
            opened = editor(name, data, record.id)
            change(opened, name)
            wrong = opened.data()
            errors = errors_in(semantics.check(name, wrong, graph=graph, previous=data, as_of=as_of))
            by_schema = schema_findings(name, wrong, schemas) if schemas else None
            found.append(
                Outcome(
                    mutant=mutant,
                    standard=name,
                    rules=tuple(dict.fromkeys(error.rule for error in errors)),
                    schema_passes=None if by_schema is None else not by_schema,
                )
            )
    return found


def as_table(outcomes: Sequence[Outcome]) -> str:
    """Return outcomes as a table in Markdown: the rule that caught a mutant, and in bold what a schema would pass."""
    standards = list(dict.fromkeys(outcome.standard for outcome in outcomes))
    cells = {(outcome.mutant, outcome.standard): _cell(outcome) for outcome in outcomes}
    lines = [f"| mutant | {' | '.join(standards)} |", f"|---{'|---' * len(standards)}|"]
    rows = ([mutant, *(cells.get((mutant, name), "–") for name in standards)] for mutant in MUTANTS)
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _cell(outcome: Outcome) -> str:
    caught = f"`{outcome.rules[0].removeprefix('feed.')}`" if outcome.rules else "**not caught**"
    schema = {None: "no schema", True: "**schema passes**", False: "schema too"}[outcome.schema_passes]
    return f"{caught}, {schema}"


def _most_telling(records: Sequence[Record], *, area: bool) -> Record | None:
    """Return the closure whose line bends most, so that its end points alone are another line."""
    fit = [record for record in records if record.lines and instant(record.start[1]) and instant(record.end[1])]
    fit = [record for record in fit if all(map(is_point, record.lines[0].coordinates)) and not record.cancelled]
    if area:
        return next((record for record in fit if record.lines[0].shape is Shape.AREA), None)
    closing = [record for record in fit if record.closes and record.kind not in ("detour", "turn_ban")]
    return max(closing, key=_bend, default=None)


def _bend(record: Record) -> float:
    points = [point[:2] for point in record.lines[0].coordinates]
    length = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))
    return length / max(hypot(points[-1][0] - points[0][0], points[-1][1] - points[0][1]), 1e-9) if points else 0.0


def _middle(record: Record) -> datetime:
    start, end = instant(record.start[1]), instant(record.end[1])
    assert start and end
    return start + (end - start) / 2
