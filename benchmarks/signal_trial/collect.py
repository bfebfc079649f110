"""The past as a table to fit on: each candidate end that was weighed, what was seen of it, and whether it came."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.signal_trial.replay import Played, Slice, play
from trafficfeed.signals.prediction.analogue_sets import NEAR_S
from trafficfeed.signals.prediction.countdown_rule import COLUMNS, Choice, rule_table
from trafficfeed.signals.prediction.evidence import Evidence
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.quantiles import QuantileRule

_ROWS_AT_ONCE = 40


class Rows(NamedTuple):
    """Candidates: `instant` numbers the instants that they belong to, which stand for `seconds`; shape (rows,)."""

    things: NDArray[np.str_]
    thing: NDArray[np.int32]  # which of `things`
    instant: NDArray[np.int64]
    seconds: NDArray[np.float32]
    cycles_before: NDArray[np.int32]
    settled: NDArray[np.bool_]  # said without the rule, whose columns are 0
    right: NDArray[np.bool_]
    table: NDArray[np.float32]  # (rows, columns of the rule)

    def of(self, chosen: NDArray[np.bool_]) -> Self:
        """Return some of the rows."""
        return type(self)(self.things, *(column[chosen] for column in self[1:]))

    def save(self, path: Path) -> None:
        """Write the table."""
        np.savez(path, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as parts:
            return cls(*(parts[name] for name in cls._fields))


class _Onlooker(NamedTuple):
    """Stands in for the countdown rule, and keeps what it would have read."""

    seen: list[tuple[Evidence, NDArray[np.float32]]]

    def choose(self, evidence: Evidence, setting: NDArray[np.float64]) -> Choice:
        self.seen[:] = [(evidence, rule_table(evidence, setting).astype(np.float32))]
        n = len(evidence.at_s)
        return Choice(np.full(n, np.nan), np.zeros(n), np.zeros(n, dtype=bool))


def collect(path: Path, things: Sequence[str], workers: int = 2) -> Rows:
    """Replay all slices of some things; return every candidate of every instant that was reached."""
    table = pq.read_table(path)
    mine = np.flatnonzero(np.isin(table.column("thing").to_pylist(), list(things)))
    batches = [table.take(mine[k : k + _ROWS_AT_ONCE]).to_pylist() for k in range(0, len(mine), _ROWS_AT_ONCE)]
    numbers = {thing: k for k, thing in enumerate(things)}
    parts: list[tuple[NDArray[Any], ...]] = []
    before = 0
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(collect_rows, batches):
            for thing, instant, *columns in found:
                parts.append((np.full(len(instant), numbers[thing], np.int32), instant + before, *columns))
                before += int(instant.max(initial=-1)) + 1
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Rows(np.array(things, dtype=str), *columns)


def collect_rows(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Replay some rows of the file; for each run the thing's name and the columns of `Rows` from `instant` on."""
    found: list[tuple[Any, ...]] = []
    for row in rows:
        for record in Slice.of_row(row):
            onlooker = _Onlooker([])
            found.extend(
                (record.thing, *(_reached(run, *onlooker.seen.pop()) if onlooker.seen else _settled(run)))
                for run in play(record, GroupPredictor(onlooker, QuantileRule.plain()))  # type: ignore[arg-type]
                if run.outlook is not None
            )
    return found


def _reached(run: Played, evidence: Evidence, table: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    reached = evidence.at_s < run.lasted_s
    held = np.zeros(len(evidence.at_s), np.float32)
    held[reached] = np.diff(np.append(evidence.at_s[reached], run.lasted_s))
    rows = reached[evidence.instant]
    instant = evidence.instant[rows]
    right = np.abs(evidence.candidate_s[rows] - run.lasted_s) <= NEAR_S
    cycles = np.full(len(instant), run.cycles_before, np.int32)
    settled = np.zeros(len(instant), dtype=bool)
    return instant.astype(np.int64), held[instant], cycles, settled, right, table[rows]


def _settled(run: Played) -> tuple[NDArray[Any], ...]:
    outlook = run.outlook
    assert outlook is not None
    steps = np.flatnonzero((outlook.from_s < run.lasted_s) & (outlook.cases > 0))
    held = np.minimum(np.append(outlook.from_s[1:], np.inf), run.lasted_s)[steps] - outlook.from_s[steps]
    right = np.abs(outlook.likely_s[steps] - run.lasted_s) <= NEAR_S
    cycles = np.full(len(steps), run.cycles_before, np.int32)
    table = np.zeros((len(steps), len(COLUMNS)), np.float32)
    return steps.astype(np.int64), held.astype(np.float32), cycles, np.ones(len(steps), dtype=bool), right, table
