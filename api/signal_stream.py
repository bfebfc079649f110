"""The stream of live signals: a snapshot, then what has changed; each message is encoded once for all clients."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import utc_millis
from trafficfeed.publishing.bus import Update
from trafficfeed.publishing.signal_board import SignalBoard, Wanted

MOST_CLIENTS: Final = 1000
_PIECE: Final = 100  # intersections in an event: a slow line takes it within the send timeout


class SignalStream:
    """What clients wait for. Nothing is queued for anybody: who was slow gets the updates that are kept since then."""

    def __init__(self, board: SignalBoard, started: datetime) -> None:
        """Number the events from this start of the process on, so that those of another are told apart."""
        self.board = board
        self.clients = 0
        self._run = format(int(started.timestamp() * 1000), "x")

    async def events(self, wanted: Wanted = None, last_event_id: str | None = None) -> AsyncIterator[bytes]:
        """Give a client its events: ``hello``, ``snapshot`` unless it has what went before, and ``delta`` for ever.

        Parameters
        ----------
        wanted
            Intersections by id; None: all.
        last_event_id
            What the client was sent last, by this process or another.
        """
        self.clients += 1
        try:
            board = self.board
            known = self._number(last_event_id)
            resuming = known is not None and board.since(known, wanted) is not None
            yield _event("hello", as_json({"run": self._run, "resumed": resuming, "intersections": _count(wanted)}))
            if known is None or not resuming:
                known = board.newest
                for piece in self._snapshot(wanted):
                    yield piece
            while True:
                await board.beyond(known)
                updates = board.since(known, wanted)
                known, since = board.newest, known
                if updates is None:  # it was so slow that what it misses is gone
                    for piece in self._snapshot(wanted):
                        yield piece
                elif len(updates) > _PIECE:
                    for piece in self._pieces("delta", updates, known):
                        yield piece
                elif updates:
                    yield self._delta(updates, since, wanted)
        finally:
            self.clients -= 1

    def _delta(self, updates: Sequence[Update], since: int, wanted: Wanted) -> bytes:
        number = self.board.newest
        return self.board.frame((since, wanted), lambda: self._piece("delta", updates, number, {}))

    def _snapshot(self, wanted: Wanted) -> list[bytes]:
        number, updates = self.board.newest, self.board.of(wanted)
        make = lambda: b"\0".join(self._pieces("snapshot", updates, number))  # noqa: E731
        return self.board.frame(("snapshot", wanted), make).split(b"\0")

    def _pieces(self, event: str, updates: Sequence[Update], number: int) -> list[bytes]:
        """Return events of so many intersections at most; who has the last one has all, and its id says so."""
        starts = range(0, max(len(updates), 1), _PIECE)
        last = starts[-1]
        return [
            self._piece(
                event,
                updates[start : start + _PIECE],
                number if start == last else None,
                {} if start == last else {"more": True},
            )
            for start in starts
        ]

    def _piece(self, event: str, updates: Sequence[Update], number: int | None, head: dict[str, Any]) -> bytes:
        at = self.board.made_at
        told = {"at": utc_millis(at) if at else None, **head}
        items = b",".join(update.whole if event == "snapshot" else update.delta for update in updates)
        data = as_json(told)[:-1] + b',"intersections":[' + items + b"]}"
        return _event(event, data, None if number is None else f"{self._run}-{number}")

    def _number(self, last_event_id: str | None) -> int | None:
        run, _, number = (last_event_id or "").partition("-")
        return int(number) if run == self._run and number.isdecimal() and len(number) < 19 else None


def _event(name: str, data: bytes, id: str | None = None) -> bytes:
    return (f"id: {id}\n" if id else "").encode() + b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def _count(wanted: Wanted) -> int | None:
    return None if wanted is None else len(wanted)
