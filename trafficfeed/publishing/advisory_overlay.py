"""Virtual signals laid over the live lamps: where people direct the traffic, their word is what is published."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.publishing.bus import Batch, Bus, Fragments, Update
from trafficfeed.signals.live import HEARTBEAT_S, Change, Reason
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Intersection
from trafficfeed.signals.virtual import VirtualSignal, state_of

_REVISIONS: Final = 128
_HEARTBEAT: Final = timedelta(seconds=HEARTBEAT_S)


class AdvisoryOverlay:
    """A bus between the hub and the one that listeners are on; everything on one thread.

    While a virtual signal holds at an intersection, what the hub says of it is kept back; when it is over, the newest
    of that is published at once, or, where no lamp is, that nothing is known. Message counts go on without a gap.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._fragments = Fragments()
        self._signals: dict[str, VirtualSignal] = {}  # by intersection
        self._held: dict[str, Update] = {}
        self._told: dict[str, tuple[IntersectionState, datetime]] = {}
        self._lamps: dict[str, IntersectionState] = {}
        self._shift: dict[str, int] = {}

    @property
    def intersections(self) -> dict[str, Intersection]:
        """The intersections that people direct now, by public id."""
        return {id: one.junction.intersection for id, one in self._signals.items()}

    def still_holding(self, now: datetime) -> dict[str, VirtualSignal]:
        """Return those that were shown and have not ended, for when nothing newer can be read."""
        return {id: one for id, one in self._signals.items() if one.is_live(now)}

    def publish(self, batch: Batch) -> None:
        """Pass on what the hub publishes, but for the intersections that people direct."""
        if not self._signals and not self._shift:
            self._remember(batch)
            self._bus.publish(batch)
            return
        updates = []
        for update in batch.updates:
            if update.id in self._signals:
                self._held[update.id] = update
            else:
                updates.append(self._renumbered(update, batch.made_at))
        self._remember(batch)
        if updates:
            self._bus.publish(replace(batch, updates=updates))

    def close(self) -> None:
        """Close the bus beneath."""
        self._bus.close()

    def show(self, signals: Mapping[str, VirtualSignal], now: datetime) -> None:
        """Publish what has changed: `signals` are those that hold at `now` (aware UTC), by intersection.

        One that has ended is published as unavailable, or gives way to the lamps; one that has not is told again each
        ten seconds. Ask as often as an end may be late.
        """
        over = {id: one for id, one in self._signals.items() if id not in signals}
        self._signals = dict(signals)
        updates = [self._given_back(id, one, now) for id, one in sorted(over.items())]
        updates += [update for id, one in sorted(signals.items()) if (update := self._news(id, one, now)) is not None]
        if updates:
            self._bus.publish(Batch(made_at=now, updates=updates))

    def _news(self, id: str, signal: VirtualSignal, now: datetime) -> Update | None:
        """Return what is to be told of a signal that holds, None where it was told lately and has not changed."""
        before, told_at = self._told.get(id, (None, now))
        state = state_of(signal, as_of=now, revision=self._next(id))
        same = before is not None and replace(state, revision=before.revision) == before
        if same and now - told_at < _HEARTBEAT:
            return None
        return self._telling(state, now, Reason.HEARTBEAT if same else Reason.CHANGE)

    def _given_back(self, id: str, signal: VirtualSignal, now: datetime) -> Update:
        """Return what is told when a signal is over: what the lamp shows, if there is one."""
        held = self._held.pop(id, None)
        lamp = held.state if held is not None else self._lamps.get(id)
        if lamp is None:
            over = replace(signal, ended_at=min(signal.over_at, now))
            return self._telling(state_of(over, as_of=now, revision=self._next(id)), now, Reason.CHANGE)
        following = self._next(id)
        self._shift[id] = (following - lamp.revision) % _REVISIONS
        del self._told[id]
        return self._update(replace(lamp, revision=following), now, Reason.CHANGE)

    def _telling(self, state: IntersectionState, now: datetime, reason: Reason) -> Update:
        self._told[state.intersection] = (state, now)
        return self._update(state, now, reason)

    def _update(self, state: IntersectionState, now: datetime, reason: Reason) -> Update:
        groups = tuple(group.group for group in state.groups)
        return Update(Change(state=state, groups=groups, reason=reason), now, self._fragments)

    def _next(self, id: str) -> int:
        """Return the message count that follows what was published of an intersection last."""
        if id in self._told:
            return (self._told[id][0].revision + 1) % _REVISIONS
        lamp = self._lamps.get(id)
        return 0 if lamp is None else (lamp.revision + self._shift.get(id, 0) + 1) % _REVISIONS

    def _remember(self, batch: Batch) -> None:
        self._lamps.update((update.id, update.state) for update in batch.updates)

    def _renumbered(self, update: Update, at: datetime) -> Update:
        shift = self._shift.get(update.id, 0)
        if not shift:
            return update
        revision = (update.state.revision + shift) % _REVISIONS
        change = replace(update.change, state=replace(update.state, revision=revision))
        return Update(change, at, self._fragments)
