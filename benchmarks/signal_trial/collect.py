"""The past as a table to fit on: each candidate end that was weighed, what was seen of it, and whether it came."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow.compute as pc
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
    """Candidates: `instant` numbers the instants that they belong to, which stand for `seconds`; all shape (rows,)."""

    thing: NDArray[np.str_]
    instant: NDArray[np.int64]
    seconds: NDArray[np.float32]
    cycles_before: NDArray[np.int32]
    right: NDArray[np.bool_]
    table: NDArray[np.float32]  # (rows, columns of the rule)

    def of(self, chosen: NDArray[np.bool_]) -> Self:
        """Return some of the rows."""
        return type(self)(*(column[chosen] for column in self))


class _Onlooker(NamedTuple):
    """Stands in for the countdown rule, and keeps what it would have read."""

    seen: list[tuple[Evidence, NDArray[np.float32]]]

    def choose(self, evidence: Evidence, setting: NDArray[np.float64]) -> Choice:
        self.seen[:] = [(evidence, rule_table(evidence, setting).astype(np.float32))]
        n = len(evidence.at_s)
        return Choice(np.full(n, np.nan), np.zeros(n), np.zeros(n, dtype=bool))


def collect(path: Path, things: Sequence[str], workers: int = 2) -> Rows:
    """Replay all slices of some things; return every candidate of every instant that was reached."""
    wanted = pq.ParquetFile(path).read().filter(pc.is_in(pc.field("thing"), pc.scalar(list(things)).values))
    batches = [wanted.slice(k, _ROWS_AT_ONCE).to_pylist() for k in range(0, len(wanted), _ROWS_AT_ONCE)]
    parts: list[Rows] = []
    before = 0
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(collect_rows, batches):
            parts.append(part._replace(instant=part.instant + before))
            before = int(parts[-1].instant.max(initial=before)) + 1
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def collect_rows(rows: Sequence[dict[str, Any]]) -> Rows:
    """Replay some rows of the file."""
    found: list[tuple[Any, ...]] = []
    before = 0
    for row in rows:
        for record in Slice.of_row(row):
            onlooker = _Onlooker([])
            for run in play(record, GroupPredictor(onlooker, QuantileRule.plain())):  # type: ignore[arg-type]
                if run.outlook is not None and onlooker.seen:
                    found.append((record.thing, *_reached(run, *onlooker.seen[0], before)))
                    before = int(found[-1][1].max(initial=before)) + 1
    things = np.repeat([one[0] for one in found], [len(one[1]) for one in found]) if found else np.zeros(0, str)
    columns = [np.concatenate(column) for column in zip(*(one[1:] for one in found), strict=True)]
    return Rows(things, *(columns or _no_columns()))


def _reached(run: Played, evidence: Evidence, table: NDArray[np.float32], before: int) -> tuple[NDArray[Any], ...]:
    reached = evidence.at_s < run.lasted_s
    held = np.zeros(len(evidence.at_s), np.float32)
    held[reached] = np.diff(np.append(evidence.at_s[reached], run.lasted_s))
    rows = reached[evidence.instant]
    instant = evidence.instant[rows]
    right = np.abs(evidence.candidate_s[rows] - run.lasted_s) <= NEAR_S
    cycles = np.full(len(instant), run.cycles_before, np.int32)
    return instant + before, held[instant], cycles, right, table[rows]


def _no_columns() -> list[NDArray[Any]]:
    kinds = (np.int64, np.float32, np.int32, bool)
    return [*(np.zeros(0, kind) for kind in kinds), np.zeros((0, len(COLUMNS)), np.float32)]
