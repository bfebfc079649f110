"""All that was heard, for good: an append-only file an hour, that a killed process leaves readable, for `?as_of=`."""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent

_FIELDS: Final = (
    *("kind", "intersection", "group", "aspect", "observed_us", "received_us", "source"),
    *("raw_observed_us", "sequence", "announced_us", "simulated"),
)
_KNOWN: Final = "known"  # the newest of a group when the hour's file began
_HEARD: Final = "heard"
_ASIDE: Final = "aside"  # heard too, and not shown: a second source, or older than what was known
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NAME: Final = "%Y-%m-%dT%H.jsonl"
_ASPECTS: Final = tuple(Aspect)
_FEW: Final = 20  # names that are looked for in a line
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EventLog:
    """Lamp events in the order in which they were received, one JSON array a line, times in microseconds since 1970.

    A file holds what was received in one UTC hour; it begins with the newest event of each group, so that what was
    known at an instant is in one file. A line is written whole or, when the process is killed at it, cut off and
    dropped at the next start. One process writes; any may read. Without a folder it is kept in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file: int | None = None
        self._hour = ""
        self._until = _EPOCH
        self._memory: dict[str, list[bytes]] = {}
        self._newest: dict[GroupKey, LampEvent] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if segments := self._segments():
                _drop_torn_line(folder / segments[-1])
                for segment in segments[-2:]:  # the last may lack its beginning
                    self._know(self._newest, segment, None)

    def append(self, events: Iterable[LampEvent], aside: Iterable[LampEvent] = ()) -> None:
        """Write events, in the order given; they are in the operating system's hands when this returns.

        `aside` are those that were not shown: they are replayed only to who asks for them, and are not what was known.
        """
        lines: list[bytes] = []
        for kind, event in chain(((_HEARD, one) for one in events), ((_ASIDE, one) for one in aside)):
            if event.received_at >= self._until:
                self._write(lines)
                lines = []
                self._begin(event.received_at)
            lines.append(_line(kind, event))
            if kind == _HEARD:
                _keep_newest(self._newest, event)
        self._write(lines)

    def newest(self) -> Mapping[GroupKey, LampEvent]:
        """Return of each group the event observed last."""
        return self._newest

    def known_at(self, as_of: datetime) -> dict[GroupKey, LampEvent]:
        """Return what was known of each group at an instant, aware UTC: of all received, the event observed last."""
        name = as_of.astimezone(UTC).strftime(_NAME)
        past = [segment for segment in self._segments() if segment <= name]
        known: dict[GroupKey, LampEvent] = {}
        for segment in past[-1:]:
            self._know(known, segment, as_of)
        return known

    def replay(
        self,
        since: datetime,
        until: datetime,
        intersections: Collection[str] | None = None,
        *,
        aside: bool = False,
    ) -> Iterator[LampEvent]:
        """Yield what was received in [since, until), in the order in which it was; of some intersections or all.

        With `aside` also what was kept and not shown.
        """
        kinds = {_HEARD, _ASIDE} if aside else {_HEARD}
        first, last = (at.astimezone(UTC).strftime(_NAME) for at in (since, until))
        for segment in self._segments():
            if not first <= segment <= last:
                continue
            for kind, event in self._read(segment, intersections):
                wanted = intersections is None or event.key.intersection in intersections
                if kind in kinds and since <= event.received_at < until and wanted:
                    yield event

    def since_when(self, until: datetime, *, longest: timedelta, most_bytes: int) -> datetime:
        """Return from when on to replay, so that no more is read: whole hours' files back from `until`, one at least.

        What is kept in memory is not limited by size.
        """
        since = until - longest
        left = most_bytes
        for segment in reversed(self._segments()):
            begin = datetime.strptime(segment, _NAME).replace(tzinfo=UTC)
            if begin >= until or self._folder is None:
                continue
            left -= (self._folder / segment).stat().st_size
            if left < 0:
                return max(since, begin)
            if begin <= since:
                break
        return since

    def forget(self, before: datetime) -> int:
        """Delete the hours that ended before an instant; return how many."""
        name = before.astimezone(UTC).strftime(_NAME)
        old = [segment for segment in self._segments()[:-1] if segment < name]
        for segment in old:
            self._memory.pop(segment, None)
            if self._folder is not None:
                (self._folder / segment).unlink(missing_ok=True)
        return len(old)

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._hour, self._until = None, "", _EPOCH

    def _segments(self) -> list[str]:
        if self._folder is None:
            return sorted(self._memory)
        return sorted(path.name for path in self._folder.glob("*.jsonl"))

    def _begin(self, at: datetime) -> None:
        """Open the file of an instant's hour, never one before the last: receipt only goes on."""
        self.close()
        segments = self._segments()
        hour = max([at.astimezone(UTC).strftime(_NAME), *segments[-1:]])
        if self._folder is None:
            is_new = hour not in segments
            self._memory.setdefault(hour, [])
        else:
            self._file = os.open(self._folder / hour, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            is_new = os.fstat(self._file).st_size == 0
        self._hour, self._until = hour, datetime.strptime(hour, _NAME).replace(tzinfo=UTC) + timedelta(hours=1)
        if is_new:
            heading = json.dumps({"fields": _FIELDS}).encode() + b"\n"
            self._write([heading, *(_line(_KNOWN, event) for event in self._newest.values())])

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        if self._file is None:
            self._memory[self._hour].extend(lines)
            return
        rest = memoryview(b"".join(lines))
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _know(self, known: dict[GroupKey, LampEvent], segment: str, as_of: datetime | None) -> None:
        for kind, event in self._read(segment):
            if kind == _ASIDE:
                continue
            if as_of is None or event.received_at <= as_of:
                _keep_newest(known, event)

    def _read(self, segment: str, named: Collection[str] | None = None) -> Iterator[tuple[str, LampEvent]]:
        """Yield a file's events; with names, lines that hold none of them are passed over without being read."""
        marks = None if named is None or len(named) > _FEW else [_encode(name).encode() for name in named]
        if self._folder is None:
            yield from map(_event, self._memory[segment][1:])
            return
        path = self._folder / segment
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if number == 1 or not line.endswith(b"\n"):
                    continue  # the heading, or a line that is being written
                if marks is not None and not any(mark in line for mark in marks):
                    continue
                try:
                    yield _event(line)
                except (ValueError, TypeError, IndexError) as broken:
                    text = f"{path}, line {number}: no lamp event ({broken}); move the file away to go on without it"
                    raise SourceMalformed(text) from broken


def _keep_newest(known: dict[GroupKey, LampEvent], event: LampEvent) -> None:
    last = known.get(event.key)
    if last is None or event.observed_at >= last.observed_at:
        known[event.key] = event


def _line(kind: str, event: LampEvent) -> bytes:
    announced = event.announced
    row = (
        *(kind, *event.key, event.aspect.number, _us(event.observed_at), _us(event.received_at), event.source),
        _us(event.raw_observed_at) if event.raw_observed_at else None,
        event.sequence,
        [_us(at) if at else None for at in (announced.min_end, announced.likely_end, announced.max_end)]
        if announced
        else None,
        event.simulated,
    )
    return _encode(row).encode() + b"\n"


def _event(line: bytes) -> tuple[str, LampEvent]:
    row: list[Any] = json.loads(line)
    kind, intersection, group, aspect, observed, received, source, raw, sequence, announced, simulated = row
    return kind, LampEvent(
        key=GroupKey(intersection, group),
        aspect=_ASPECTS[aspect],
        observed_at=_at(observed),
        received_at=_at(received),
        source=source,
        raw_observed_at=None if raw is None else _at(raw),
        sequence=sequence,
        announced=_announced(announced),
        simulated=simulated,
    )


def _announced(ends: list[int | None] | None) -> AnnouncedEnd | None:
    if ends is None:
        return None
    low, likely, high = (None if end is None else _at(end) for end in ends)
    return AnnouncedEnd(min_end=low, likely_end=likely, max_end=high)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _at(us: int) -> datetime:
    return _EPOCH + us * _MICROSECOND


def _drop_torn_line(path: Path) -> None:
    """Cut off what follows the last whole line: the process was killed while it wrote."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        at = size
        while at > 0:
            start = max(0, at - 65536)
            file.seek(start)
            found = file.read(at - start).rfind(b"\n")
            if found >= 0:
                at = start + found + 1
                break
            at = start
        if at < size:
            file.truncate(at)
