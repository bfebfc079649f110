"""Virtual signals: a junction that the police directs for a while; go and stop by approach, as an officer enters them.

What is published of one is advisory and never counts down: a person decides when it ends. A virtual signal is an
immutable value; each step gives the next version, or refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final

from trafficfeed.errors import OrderConflict, OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import Intersection

LONGEST: Final = timedelta(hours=12)


class Say(StrEnum):
    """What the officer says to an approach."""

    GO = "go"
    STOP = "stop"


# Go is permissive: nothing guards a stream that a person waves on. What nobody has spoken of is not known.
_SHOWN: Final = {Say.GO: Aspect.PERMISSIVE_GREEN, Say.STOP: Aspect.STOP_AND_REMAIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualApproach:
    """An arm of the junction, numbered from 1 clockwise from north; `groups` are its signal groups."""

    id: int
    name: str
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualJunction:
    """Where a virtual signal stands.

    `intersection` is what is published: the real one, where a signalised junction is directed, else one made of the
    road graph. `conflicts` are pairs of approaches (a < b) that must not go together.
    """

    intersection: Intersection
    approaches: tuple[VirtualApproach, ...]
    conflicts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said to an approach, and since when, aware UTC."""

    say: Say
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSignal:
    """A junction under an authority's hand until `expires_at`, or until it `ended_at`.

    `said` is by approach; whoever is not in it has been told nothing. `version` counts the steps, from 1; `changed_at`
    is when the last was taken. All times are aware UTC. `advisory` is always true: no lamp stands behind it.
    """

    id: str
    authority: str
    reason: str
    junction: VirtualJunction
    made_at: datetime
    changed_at: datetime
    expires_at: datetime
    said: Mapping[int, Said] = field(default_factory=dict)
    version: int = 1
    ended_at: datetime | None = None

    @property
    def advisory(self) -> bool:
        """True."""
        return True

    @property
    def over_at(self) -> datetime:
        """When it is over, or will be by itself."""
        return self.expires_at if self.ended_at is None else min(self.ended_at, self.expires_at)

    def is_live(self, as_of: datetime) -> bool:
        """Whether it holds at an instant (aware); it does not at `over_at` itself."""
        return as_of < self.over_at


def made(
    id: str,
    junction: VirtualJunction,
    *,
    authority: str,
    reason: str,
    as_of: datetime,
    expires_at: datetime,
    says: Mapping[int, Say] | None = None,
    longest: timedelta = LONGEST,
) -> VirtualSignal:
    """Return a new virtual signal.

    Parameters
    ----------
    id
        The authority's own.
    junction
        As `virtual_junction` finds it.
    authority, reason
        Who directs the traffic, and why.
    as_of, expires_at
        Aware: now, and when it ends by itself.
    says
        What is said to approaches already; none: all are unavailable until an officer speaks.
    longest
        Latest end, from now.

    Raises
    ------
    OrderInvalid
        If it would not end in time, or says go to approaches that cross; the findings say why.
    """
    faults = [*_faults_of_end(as_of, expires_at, longest), *faults_of(junction, says or {})]
    _refuse(id, faults)
    return VirtualSignal(
        id=id,
        authority=authority,
        reason=reason,
        junction=junction,
        made_at=as_of,
        changed_at=as_of,
        expires_at=expires_at,
        said={approach: Said(say=say, since=as_of) for approach, say in sorted((says or {}).items())},
    )


def told(
    signal: VirtualSignal,
    says: Mapping[int, Say],
    *,
    as_of: datetime,
    expires_at: datetime | None = None,
    longest: timedelta = LONGEST,
) -> VirtualSignal:
    """Return the next version, in which the officer says this and nothing else; `expires_at` may be moved on with it.

    Raises
    ------
    OrderConflict
        If it has ended: nobody takes it up again unnoticed.
    OrderInvalid
        As for `made`.
    """
    _refuse_ended(signal, as_of)
    ends = signal.expires_at if expires_at is None else expires_at
    faults = [] if expires_at is None else list(_faults_of_end(as_of, ends, longest))
    _refuse(signal.id, [*faults, *faults_of(signal.junction, says)])
    said = {approach: _since(signal, approach, say, as_of) for approach, say in sorted(says.items())}
    return replace(signal, said=said, expires_at=ends, changed_at=as_of, version=signal.version + 1)


def ended(signal: VirtualSignal, *, as_of: datetime) -> VirtualSignal:
    """Return the last version, which holds no more.

    Raises
    ------
    OrderConflict
        If it has ended already.
    """
    _refuse_ended(signal, as_of)
    return replace(signal, ended_at=as_of, changed_at=as_of, version=signal.version + 1)


def faults_of(junction: VirtualJunction, says: Mapping[int, Say]) -> list[Finding]:
    """Return what is wrong with a statement: approaches that are not there, and those that cross and both go."""
    names = {approach.id: approach.name for approach in junction.approaches}
    found = [
        _finding("approach", f"approaches.{id}", f"there is no approach {id}", f"use {', '.join(map(str, names))}")
        for id in sorted(set(says) - set(names))
    ]
    going = {id for id, say in says.items() if say is Say.GO}
    for a, b in junction.conflicts:
        if a in going and b in going:
            message = f"approach {a} ({names[a]}) and approach {b} ({names[b]}) cross, and both would go"
            found.append(_finding("conflict", f"approaches.{b}", message, f"stop {a} or {b}"))
    for one, other in combinations(junction.approaches, 2):
        if set(one.groups) & set(other.groups) and says.get(one.id) is not says.get(other.id):
            message = f"approaches {one.id} ({one.name}) and {other.id} ({other.name}) have one signal group"
            found.append(_finding("shared_group", f"approaches.{other.id}", message, "tell both the same"))
    return found


def state_of(signal: VirtualSignal, *, as_of: datetime, revision: int = 0) -> IntersectionState:
    """Return what is published at an instant (aware): each group's aspect, never with an end; ended: unavailable.

    `revision` is the message count, 0..127.
    """
    live = signal.is_live(as_of)
    approaches = signal.junction.approaches
    by_group = {group: signal.said.get(approach.id) for approach in approaches for group in approach.groups}
    source = f"virtual-signal:{signal.id}"
    groups = []
    for group in sorted(group.id for group in signal.junction.intersection.groups):
        said = by_group.get(group) if live else None
        aspect = _SHOWN[said.say] if said else Aspect.UNAVAILABLE
        since = said.since if said else None if live else signal.over_at
        groups.append(GroupState(group=group, aspect=aspect, since=since, source=source))
    place = signal.junction.intersection
    return IntersectionState(
        intersection=place.id,
        number=place.number,
        region=place.region,
        revision=revision,
        observed_at=signal.changed_at if live else max(signal.changed_at, signal.over_at),
        groups=tuple(groups),
        name=place.name,
        advisory=True,
        authority=signal.authority,
        expires_at=signal.expires_at,
    )


def _since(signal: VirtualSignal, approach: int, say: Say, as_of: datetime) -> Said:
    before = signal.said.get(approach)
    return before if before is not None and before.say is say else Said(say=say, since=as_of)


def _faults_of_end(as_of: datetime, expires_at: datetime, longest: timedelta) -> Sequence[Finding]:
    if expires_at <= as_of:
        return [_finding("expiry", "expires_at", "it would have ended before it began", "give a time that is to come")]
    if expires_at > as_of + longest:
        hours = longest.total_seconds() / 3600
        message = f"it would last longer than {hours:g} h"
        return [_finding("expiry", "expires_at", message, "give an earlier end; it can be moved on while it holds")]
    return []


def _refuse(id: str, faults: Sequence[Finding]) -> None:
    if faults:
        raise OrderInvalid(f"virtual signal {id}: {faults[0].message}; {faults[0].mend}", faults)


def _refuse_ended(signal: VirtualSignal, as_of: datetime) -> None:
    if not signal.is_live(as_of):
        over = signal.over_at.isoformat()
        raise OrderConflict(f"virtual signal {signal.id} has ended at {over}: make a new one, by another id")


def _finding(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"virtual_signal.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
