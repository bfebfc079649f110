"""Signal scores in the object store: a Parquet file a day and process, which add up; and the log of demotions.

Under ``signals/scores/``::

    2026-11-22/<process>.parquet         a row for each group and horizon
    2026-11-22/<process>.changes.jsonl   a line for each demotion and promotion of that day
    demoted.json                         the groups that may not count down now, and what took it from them

Each process writes its own files over and over while the day lasts; one that starts anew in the day writes others.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.accuracy.demotion import DemotionChange
from trafficfeed.signals.accuracy.tally import COUNTED, HORIZON_NAMES, Tally
from trafficfeed.signals.accuracy.watch import GroupDay, Snapshot, of_days
from trafficfeed.signals.events import GroupKey
from trafficfeed.store.objects import ObjectStore

FOLDER: Final = "signals/scores"
_DEMOTED: Final = f"{FOLDER}/demoted.json"
_COLUMNS: Final = ("intersection", "group", "horizon", *COUNTED, "runs", "lost")


class SignalScores:
    """The kept scores of a city.

    Parameters
    ----------
    objects
        Where they are kept.
    process
        Names the files of this process; another for each start.
    """

    def __init__(self, objects: ObjectStore, process: str = "scores") -> None:
        self._objects = objects
        self._process = process

    def save(self, scores: Snapshot, zone: tzinfo) -> None:
        """Write all that a process holds in memory (`Accuracy.snapshot`); `zone` is the city's.

        Raises
        ------
        SourceUnavailable
            If the store refuses; what was written before stands.
        """
        for day in sorted({own.day for own in scores.tallies}):
            own_day = {own.key: tally for own, tally in scores.tallies.items() if own.day == day}
            self._objects.write(self._path(day, "parquet"), _as_parquet(own_day))
        for day in sorted({change.at.astimezone(zone).date() for change in scores.changes}):
            lines = [json.dumps(_plain(one)) for one in scores.changes if one.at.astimezone(zone).date() == day]
            self._objects.write(self._path(day, "changes.jsonl"), ("\n".join(lines) + "\n").encode())
        demoted = [_plain(change) for _, change in sorted(scores.demoted.items())]
        self._objects.write(_DEMOTED, (json.dumps(demoted) + "\n").encode())

    def tallies(self, days: Iterable[date], *, intersection: str | None = None) -> dict[GroupDay, Tally]:
        """Return the tallies of some days, those of all processes added up; of one intersection, if it is given.

        Raises
        ------
        SourceUnavailable
            If the store cannot be read.
        SourceMalformed
            If a file in it is not what `save` wrote.
        """
        return of_days(
            (GroupDay(key, day), tally)
            for day in days
            for path, data in self._read(day, ".parquet")
            for key, tally in _from_parquet(path, data, intersection)
        )

    def changes(self, days: Iterable[date]) -> tuple[DemotionChange, ...]:
        """Return the demotions and promotions of some days, oldest first; raises as `tallies`."""
        found = [
            _change(path, json.loads(line))
            for day in days
            for path, data in self._read(day, ".changes.jsonl")
            for line in data.splitlines()
        ]
        return tuple(sorted(found, key=lambda change: (change.at, change.key)))

    def demoted(self) -> tuple[DemotionChange, ...]:
        """Return what took the countdown from the groups that may not count down now; raises as `tallies`."""
        data = self._objects.read(_DEMOTED)
        return tuple(_change(_DEMOTED, one) for one in json.loads(data)) if data else ()

    def _path(self, day: date, ending: str) -> str:
        return f"{FOLDER}/{day.isoformat()}/{self._process}.{ending}"

    def _read(self, day: date, ending: str) -> Iterator[tuple[str, bytes]]:
        for path in self._objects.list(f"{FOLDER}/{day.isoformat()}"):
            if path.endswith(ending) and (data := self._objects.read(path)) is not None:
                yield path, data


def _as_parquet(tallies: Mapping[GroupKey, Tally]) -> bytes:
    import pyarrow as pa  # 0.2 s, which nobody on the way of an order check should pay
    import pyarrow.parquet as pq

    rows = [
        (key.intersection, key.group, name, *tally.at(k), *((tally.runs, tally.lost) if k == 0 else (0, 0)))
        for key, tally in sorted(tallies.items())
        for k, name in enumerate(HORIZON_NAMES)
    ]
    columns = zip(*rows, strict=True)
    table = pa.table({name: pa.array(values) for name, values in zip(_COLUMNS, columns, strict=True)})
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()


def _from_parquet(path: str, data: bytes, intersection: str | None) -> Iterator[tuple[GroupKey, Tally]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        wanted = None if intersection is None else [("intersection", "=", intersection)]
        rows = pq.read_table(io.BytesIO(data), columns=list(_COLUMNS), filters=wanted).to_pylist()
        by_key: dict[GroupKey, Tally] = {}
        for row in rows:
            tally = by_key.setdefault(GroupKey(row["intersection"], row["group"]), Tally())
            tally.add(HORIZON_NAMES.index(row["horizon"]), [row[name] for name in COUNTED])
            tally.runs += row["runs"]
            tally.lost += row["lost"]
    except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise SourceMalformed(f"{path} holds no signal scores: {error}; remove it, its day is lost") from error
    yield from by_key.items()


def _plain(change: DemotionChange) -> dict[str, Any]:
    return {
        "intersection": change.key.intersection,
        "group": change.key.group,
        "demoted": change.demoted,
        "at": change.at.isoformat(),
        "countdowns": change.countdowns,
        "within_1s": change.within_1s,
    }


def _change(path: str, value: Any) -> DemotionChange:
    try:
        return DemotionChange(
            key=GroupKey(value["intersection"], value["group"]),
            demoted=value["demoted"],
            at=datetime.fromisoformat(value["at"]),
            countdowns=value["countdowns"],
            within_1s=value["within_1s"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SourceMalformed(f"{path} holds no demotions: {error!r}; remove it") from error
