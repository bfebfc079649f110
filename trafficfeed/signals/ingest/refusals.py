"""What the door refused or marked: counted by rule and source, with the last example of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from trafficfeed.findings import Finding, Severity

_SOURCES: Final = 1000  # counted apart; the rest together, so that forged names fill no memory
_OTHERS: Final = "other sources"


class Rule(StrEnum):
    """Why an event was refused or marked; the name is stable."""

    UNKNOWN_INTERSECTION = "signal.intersection"
    UNKNOWN_GROUP = "signal.group"
    TIME_ZONE = "signal.time.zone"
    TIME_PAST = "signal.time.past"
    TIME_FUTURE = "signal.time.future"
    CLOCK_OFF = "signal.clock.off"
    CLOCK_SETTLING = "signal.clock.settling"
    DUPLICATE = "signal.duplicate"
    FLOOD = "signal.flood"
    CONTRADICTION = "signal.contradiction"
    TOO_LATE = "signal.late"
    IMPOSSIBLE_END = "signal.end"
    ILLEGAL_TRANSITION = "signal.transition"
    CONFLICTING_GREEN = "signal.conflict"
    MALFORMED = "signal.malformed"
    SILENT = "signal.silent"


_MENDS: Final[Mapping[Rule, str]] = {
    Rule.UNKNOWN_INTERSECTION: "map the sender's id to an intersection of the topology, or build the topology anew",
    Rule.UNKNOWN_GROUP: "compare the sender's groups with the topology's; build it anew if the junction was rebuilt",
    Rule.TIME_ZONE: "send times with their offset from UTC",
    Rule.TIME_PAST: "set the controller's clock and its zone",
    Rule.TIME_FUTURE: "set the controller's clock and its zone",
    Rule.CLOCK_OFF: "set the controller's clock; until then the estimated offset is taken away",
    Rule.CLOCK_SETTLING: "nothing to do if it passes within a minute; else the clock or the line jumps about",
    Rule.FLOOD: "find out why the sender repeats itself",
    Rule.CONTRADICTION: "a sender must not show two aspects of one group at one instant",
    Rule.IMPOSSIBLE_END: "look at how the sender writes TimeMarks: tenths of a second in the UTC hour",
    Rule.ILLEGAL_TRANSITION: "look for lost messages, or a group that is mapped to the wrong lamps",
    Rule.CONFLICTING_GREEN: "look at the junction, then at the mapping of its groups",
    Rule.MALFORMED: "compare the sender's format with the one set for it",
    Rule.SILENT: "look at the line to the sender",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """How often a rule met a source, and its last case."""

    count: int
    first_at: datetime
    last_at: datetime
    where: str
    message: str


class Refusals:
    """Counts by rule and source; bounded memory whatever is sent."""

    def __init__(self) -> None:
        self._met: dict[tuple[Rule, str], Refused] = {}
        self._sources: set[str] = set()

    def add(self, rule: Rule, source: str, at: datetime, where: str, message: str, count: int = 1) -> None:
        """Count `count` more cases; `where` and `message` describe the last of them."""
        source = self._counted(source)
        met = self._met.get((rule, source))
        self._met[rule, source] = (
            replace(met, count=met.count + count, last_at=at, where=where, message=message)
            if met
            else Refused(count=count, first_at=at, last_at=at, where=where, message=message)
        )

    def count(self, rule: Rule, source: str | None = None) -> int:
        """Return how often a rule was met, by one source or by all."""
        return sum(met.count for (of, who), met in self._met.items() if of is rule and source in (None, who))

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each rule and source, by name."""
        return tuple(
            Finding(
                rule=rule.value,
                severity=Severity.INFO if rule is Rule.DUPLICATE else Severity.WARNING,
                message=met.message,
                where=f"{source}: {met.where}" if met.where else source,
                mend=_MENDS.get(rule, ""),
                detail={"count": met.count, "first": met.first_at.isoformat(), "last": met.last_at.isoformat()},
            )
            for (rule, source), met in sorted(self._met.items())
        )

    def _counted(self, source: str) -> str:
        if source in self._sources:
            return source
        if len(self._sources) >= _SOURCES:
            return _OTHERS
        self._sources.add(source)
        return source
