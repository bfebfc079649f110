"""What carries live signals from who makes them to who sends them out: in this process, unless a broker is set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import encode, group_value, utc_millis
from trafficfeed.signals.live import Change
from trafficfeed.signals.states import GroupState, IntersectionState

_NO_GROUPS: Final = b',"groups":[]}'


class _Written:
    """What has been written of an intersection: how it begins, and its lamps."""

    __slots__ = ("begins", "groups", "identity", "name")

    def __init__(self, state: IntersectionState) -> None:
        self.identity = (state.number, state.region, state.name)
        identity = {"id": state.intersection, "number": state.number, "region": state.region}
        self.begins = as_json(identity)[:-1] + b',"revision":'
        self.name = b',"name":' + as_json(state.name) if state.name else b""
        self.groups: dict[int, tuple[GroupState, bytes]] = {}


class Fragments:
    """Each lamp's part of our own JSON, written when it changes: a message puts those of its lamps together."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}

    def message(self, state: IntersectionState, groups: Sequence[GroupState], at: datetime) -> bytes:
        """Return an intersection with some of its groups, as it is sent at an instant."""
        written = self._written.get(state.intersection)
        if written is None or written.identity != (state.number, state.region, state.name):
            written = self._written[state.intersection] = _Written(state)
        parts = []
        for group in groups:
            known = written.groups.get(group.group)
            if known is None or known[0] is not group:
                known = written.groups[group.group] = (group, as_json(group_value(group, at)))
            parts.append(known[1])
        labels = b',"simulated":true' if state.simulated else b""
        return self._head(state, written, at) + labels + b',"groups":[' + b",".join(parts) + b"]}"

    @staticmethod
    def _head(state: IntersectionState, written: _Written, at: datetime) -> bytes:
        if state.advisory:
            return encode(replace(state, groups=()), at=at).removesuffix(_NO_GROUPS)
        observed_at = utc_millis(state.observed_at).encode()
        return b'%b%d,"observed_at":"%b"%b' % (written.begins, state.revision, observed_at, written.name)


class Update:
    """The new state of one intersection; each of its messages is encoded once, however many are sent it."""

    __slots__ = ("_delta", "_fragments", "_whole", "change", "made_at")

    def __init__(self, change: Change, made_at: datetime, fragments: Fragments) -> None:
        self.change = change
        self.made_at = made_at
        self._fragments = fragments
        self._delta: bytes | None = None
        self._whole: bytes | None = None

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
        if self._delta is None:
            groups = [group for group in state.groups if group.group in changed]
            self._delta = self._fragments.message(state, groups, self.made_at)
        return self._delta

    @property
    def whole(self) -> bytes:
        """Our own JSON, with all groups."""
        if self._whole is None:
            self._whole = self.whole_once()
        return self._whole

    def whole_once(self) -> bytes:
        """Return `whole`, which is not kept by this: for the only one who needs it."""
        return self._whole or self._fragments.message(self.state, self.state.groups, self.made_at)


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
