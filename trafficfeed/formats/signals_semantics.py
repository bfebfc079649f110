"""The rules of lamp states that no schema checks: times in order, nothing timed beyond a cycle, no conflicts."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.j2735_reading import read_spat_frame
from trafficfeed.formats.signal_facts import GroupFacts, SignalFacts
from trafficfeed.formats.signals_json_reading import read_signals_json
from trafficfeed.formats.spatem_reading import read_spatem
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import Intersection

_AHEAD: Final = timedelta(seconds=2)  # clocks may differ by so much
_OLDEST: Final = timedelta(hours=1)
_ROUNDED: Final = timedelta(milliseconds=200)  # times come in tenths
_FARTHEST: Final = timedelta(hours=1)
_MOST_REVISION: Final = 127

MapNumber = tuple[int, int]  # region, number


class Fault(NamedTuple):
    """One breach: where, and what is wrong."""

    where: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalYardstick:
    """What states are held against.

    `as_of` is when they came, aware; None: they are not compared with the clock. `intersections` is the topology's, by
    region and number; None: conflicts and unknown groups are not looked for. `previous` are the states before them.
    """

    as_of: datetime | None = None
    intersections: Mapping[MapNumber, Intersection] | None = None
    previous: Mapping[MapNumber, SignalFacts] = field(default_factory=dict)

    def intersection(self, one: SignalFacts) -> Intersection | None:
        """Return the topology of an intersection, None where it is not known."""
        return self.intersections.get((one.region, one.number)) if self.intersections else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRule:
    """A rule: its stable name, weight, what mends its faults, and the function that finds them in one intersection."""

    id: str
    severity: Severity
    mend: str
    faults: Callable[[SignalFacts, SignalYardstick], Iterator[Fault]]


def check(
    states: Sequence[SignalFacts],
    *,
    as_of: datetime | None = None,
    intersections: Mapping[str, Intersection] | None = None,
    previous: Sequence[SignalFacts] = (),
) -> tuple[Finding, ...]:
    """Return what is wrong with lamp states.

    Parameters
    ----------
    states
        What a message or snapshot says (`facts_of` for a state of ours).
    as_of
        When they came or are sent, aware; None: ages are not checked.
    intersections
        The topology's by id; None: conflicts are not looked for.
    previous
        The states of the same intersections just before; transitions are compared with them.
    """
    known = None if intersections is None else {(one.region, one.number): one for one in intersections.values()}
    yard = SignalYardstick(
        as_of=as_of,
        intersections=known,
        previous={(one.region, one.number): one for one in previous},
    )
    findings = [
        Finding(rule=rule.id, severity=rule.severity, message=fault.message, where=fault.where, mend=rule.mend)
        for one in states
        for rule in SIGNAL_RULES
        for fault in rule.faults(one, yard)
    ]
    return (*findings, *_repeated(states))


def check_document(
    name: str,
    data: bytes,
    *,
    as_of: datetime,
    intersections: Mapping[str, Intersection] | None = None,
    previous: bytes | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong with a document of lamp states: ``spatem``, ``j2735`` (SPaT frame) or ``signals-json``.

    Raises
    ------
    SourceMalformed
        If it cannot be read at all: cut short, or another message.
    FeedNonConformant
        If nothing reads that format.
    """
    before = () if previous is None else read(name, previous, near=as_of)
    return check(read(name, data, near=as_of), as_of=as_of, intersections=intersections, previous=before)


def read(name: str, data: bytes, *, near: datetime) -> tuple[SignalFacts, ...]:
    """Return the facts of a document; raises as `check_document`."""
    if name == "signals-json":
        return read_signals_json(data)
    readers = {"spatem": read_spatem, "j2735": read_spat_frame}
    if name not in readers:
        raise FeedNonConformant(f"nothing reads {name!r}: there are signals-json, {', '.join(readers)}")
    return readers[name](data, near=near)


def _clock(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    if one.observed_at is None:
        yield Fault(_name(one), "it has no time of its own")
    elif yard.as_of is not None and one.observed_at > yard.as_of + _AHEAD:
        yield Fault(_name(one), f"it was observed at {one.observed_at:%FT%TZ}, after {yard.as_of:%FT%TZ}")
    elif yard.as_of is not None and one.observed_at < yard.as_of - _OLDEST:
        yield Fault(_name(one), f"it was observed at {one.observed_at:%FT%TZ}, long before {yard.as_of:%FT%TZ}")


def _backwards(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    before = yard.previous.get((one.region, one.number))
    if before and before.observed_at and one.observed_at and one.observed_at < before.observed_at:
        yield Fault(_name(one), f"it was observed {before.observed_at - one.observed_at} before the state before it")


def _since(one: SignalFacts, _: SignalYardstick) -> Iterator[Fault]:
    for group in one.groups:
        if group.since and one.observed_at and group.since > one.observed_at + _ROUNDED:
            yield Fault(_name(one, group), f"it shows {group.aspect} since {group.since:%FT%TZ}, after it was observed")


def _order(one: SignalFacts, _: SignalYardstick) -> Iterator[Fault]:
    for group in one.groups:
        ends = _ends(group)
        if any(a > b for a, b in pairwise(ends)):
            told = " ≤ ".join(f"{end:%T.%f}"[:-5] for end in ends)
            yield Fault(_name(one, group), f"its ends are out of order: {told} is not so")


def _ahead(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    seen = one.observed_at or yard.as_of
    for group in one.groups:
        ends = _ends(group)
        if seen is None or not ends:
            continue
        if ends[-1] < seen - _ROUNDED or (group.countdown and _likely(group, seen) < seen - _ROUNDED):
            yield Fault(_name(one, group), "the end that it is given has passed already")
        elif ends[0] > seen + _FARTHEST:
            yield Fault(_name(one, group), f"its end is {ends[0] - seen} ahead")


def _untimed(one: SignalFacts, _: SignalYardstick) -> Iterator[Fault]:
    for group in one.groups:
        if _ends(group) and (group.stale or not group.aspect.is_timed):
            shown = "silent" if group.stale else str(group.aspect)
            yield Fault(_name(one, group), f"it is {shown}, and has an end")


def _countdown(one: SignalFacts, _: SignalYardstick) -> Iterator[Fault]:
    for group in one.groups:
        if group.countdown and (group.announced is None or group.announced.likely_end is None):
            yield Fault(_name(one, group), "it may be counted down, but to nothing")


def _conflict(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    known = yard.intersection(one)
    green = {group.group for group in one.groups if group.aspect is Aspect.PROTECTED_GREEN and not group.stale}
    for a, b in known.conflicts if known else ():
        if a in green and b in green:
            yield Fault(_name(one), f"groups {a} and {b} cross, and both have a protected green")


def _groups(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    counted = Counter(group.group for group in one.groups)
    if repeated := sorted(number for number, times in counted.items() if times > 1):
        yield Fault(_name(one), f"groups {', '.join(map(str, repeated))} are there more than once")
    known = yard.intersection(one)
    if known and (strange := sorted(set(counted) - {group.id for group in known.groups})):
        yield Fault(_name(one), f"groups {', '.join(map(str, strange))} are not in the topology")


def _revision(one: SignalFacts, _: SignalYardstick) -> Iterator[Fault]:
    if not 0 <= one.revision <= _MOST_REVISION:
        yield Fault(_name(one), f"its revision is {one.revision}")


def _transition(one: SignalFacts, yard: SignalYardstick) -> Iterator[Fault]:
    before = yard.previous.get((one.region, one.number))
    shown = {group.group: group for group in before.groups} if before else {}
    for group in one.groups:
        was = shown.get(group.group)
        if was is None or was.stale or group.stale:
            continue
        if (was.aspect.is_green and group.aspect.is_red) or (was.aspect.is_red and group.aspect.is_amber):
            yield Fault(_name(one, group), f"it goes from {was.aspect} to {group.aspect}")


def _repeated(states: Sequence[SignalFacts]) -> Iterator[Finding]:
    counted = Counter((one.region, one.number) for one in states)
    for (region, number), times in counted.items():
        if times > 1:
            yield Finding(
                rule="signals.id.unique",
                severity=Severity.ERROR,
                message=f"it is there {times} times",
                where=f"intersection {region}/{number}",
                mend="state each intersection once",
            )


def _ends(group: GroupFacts) -> list[datetime]:
    told = group.announced
    return [end for end in (told.min_end, told.likely_end, told.max_end) if end is not None] if told else []


def _likely(group: GroupFacts, otherwise: datetime) -> datetime:
    return (group.announced and group.announced.likely_end) or otherwise


def _name(one: SignalFacts, group: GroupFacts | None = None) -> str:
    intersection = one.intersection or f"{one.region}/{one.number}"
    return f"intersection {intersection}" + (f", group {group.group}" if group else "")


_E, _W = Severity.ERROR, Severity.WARNING
SIGNAL_RULES: Final = tuple(
    SignalRule(id=f"signals.{id}", severity=severity, mend=mend, faults=faults)
    for id, severity, mend, faults in (
        ("time.clock", _E, "set the controller's clock, or state UTC", _clock),
        ("time.order", _E, "drop states that come late", _backwards),
        ("time.since", _E, "state when the aspect began", _since),
        ("end.order", _E, "state earliest ≤ likely ≤ latest", _order),
        ("end.ahead", _E, "state absolute ends within the hour to come, or none", _ahead),
        ("end.untimed", _E, "give ends to green, amber and red of a live lamp alone", _untimed),
        ("end.countdown", _E, "state the likely end, or forbid the countdown", _countdown),
        ("conflict", _E, "publish neither until the controller is looked at", _conflict),
        ("group", _E, "number groups as the topology does, each once", _groups),
        ("revision", _E, "count from 0 to 127, then from 0 again", _revision),
        ("transition", _W, "look for lost messages: greens end in amber, red does not", _transition),
    )
)
