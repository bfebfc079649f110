"""What carries live signals from who makes them to who sends them out: in this process, unless a broker is set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import encode, group_value
from trafficfeed.signals.live import Change
from trafficfeed.signals.states import GroupState, IntersectionState

NATIVE: Final = "json"
_NO_GROUPS: Final = b',"groups":[]}'

Encode = Callable[[IntersectionState, datetime], bytes]
"""Writes a state as it is sent at an instant."""


class Fragments:
    """Each lamp's part of our own JSON, written when it changes: a message puts those of its lamps together."""

    def __init__(self) -> None:
        self._written: dict[str, dict[int, tuple[GroupState, bytes]]] = {}

    def message(self, state: IntersectionState, groups: Sequence[GroupState], at: datetime) -> bytes:
        """Return an intersection with some of its groups, as it is sent at an instant."""
        written = self._written.setdefault(state.intersection, {})
        parts = []
        for group in groups:
            known = written.get(group.group)
            if known is None or known[0] is not group:
                known = written[group.group] = (group, as_json(group_value(group, at)))
            parts.append(known[1])
        head = encode(replace(state, groups=()), at=at)
        labels = b',"simulated":true' if state.simulated else b""
        return head.removesuffix(_NO_GROUPS) + labels + b',"groups":[' + b",".join(parts) + b"]}"


class Update:
    """The new state of one intersection; each of its messages is encoded once, however many are sent it."""

    __slots__ = ("_encoded", "_fragments", "change", "made_at")

    def __init__(self, change: Change, made_at: datetime, fragments: Fragments) -> None:
        self.change = change
        self.made_at = made_at
        self._fragments = fragments
        self._encoded: dict[str, bytes] = {}

    @property
    def state(self) -> IntersectionState:
        """The whole of it."""
        return self.change.state

    @property
    def id(self) -> str:
        """The intersection's public id."""
        return self.change.state.intersection

    @property
    def delta(self) -> bytes:
        """Our own JSON, with the groups that have changed alone."""
        state, changed = self.change.state, self.change.groups
        if len(changed) == len(state.groups):
            return self.whole
        groups = [group for group in state.groups if group.group in changed]
        return self.encoded("", lambda state, at: self._fragments.message(state, groups, at))

    @property
    def whole(self) -> bytes:
        """Our own JSON, with all groups."""
        return self.encoded(NATIVE, lambda state, at: self._fragments.message(state, state.groups, at))

    def encoded(self, format: str, encode: Encode) -> bytes:
        """Return the state in a format; `encode` is asked at the first time only."""
        if format not in self._encoded:
            self._encoded[format] = encode(self.state, self.made_at)
        return self._encoded[format]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was published at one instant (aware UTC), at most one update an intersection."""

    made_at: datetime
    updates: Sequence[Update]


class Bus(Protocol):
    """A way for batches, from one publisher to any number of listeners, in order."""

    def publish(self, batch: Batch) -> None:
        """Send a batch; does not wait for anybody."""

    def close(self) -> None:
        """Let go; what was published has been sent or is lost."""


class LocalBus:
    """The bus within a process: a listener is called at once, on the publisher's thread, and must be quick."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Batch], None]] = []

    def subscribe(self, listener: Callable[[Batch], None]) -> Callable[[], None]:
        """Have `listener` called with each batch; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, batch: Batch) -> None:
        """Call the listeners."""
        for listener in self._listeners:
            listener(batch)

    def close(self) -> None:
        """Forget the listeners."""
        self._listeners.clear()
