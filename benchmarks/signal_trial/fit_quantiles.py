"""Fits at which level of the analogues' spread P10 and P90 lie in truth, class by class."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.signal_trial.replay import Slice, play
from trafficfeed.signals.prediction.countdown_rule import CountdownRule
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.quantiles import CASES, HORIZONS_S, PROBABILITIES, QuantileRule, Spread, classes

TAIL = 0.1
_LEAST_SECONDS = 3000.0
_HALF_S = 0.5


class _Seen(NamedTuple):
    """Steps of one class: where the truth's second lay in the spread, and how far beyond all of it."""

    seconds: NDArray[np.float64]
    before: NDArray[np.float64]  # share of the spread before the truth's second
    upto: NDArray[np.float64]  # share before its end
    below_s: NDArray[np.float64]  # from the truth up to the least of the spread; negative inside
    above_s: NDArray[np.float64]


class _Onlooker:
    """Stands in for the quantile rule, and keeps the spread of the present run."""

    def __init__(self) -> None:
        self.spread: Spread | None = None
        self.of: tuple[NDArray[np.intp], ...] = ()

    def quantiles(
        self, spread: Spread, at_s: NDArray[np.float64], probability: NDArray[np.float64], cases: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        median = spread.at(np.full(len(at_s), 0.5))
        self.spread, self.of = spread, classes(probability, cases, median - at_s)
        return np.column_stack([median, median, median])


def fit_quantiles(
    path: Path, things: Sequence[str], rule_for: Callable[[str], CountdownRule], slices: int
) -> QuantileRule:
    """Replay slices of some things, each with a countdown rule that was not fitted on it; return the levels."""
    table = pq.read_table(path)
    mine = np.flatnonzero(np.isin(table.column("thing").to_pylist(), list(things)))
    chosen = np.sort(np.random.default_rng(0).permutation(mine)[:slices])
    found: dict[tuple[int, ...], list[NDArray[np.float64]]] = defaultdict(list)
    for k in chosen:
        for record in Slice.of_row(table.slice(int(k), 1).to_pylist()[0]):
            onlooker = _Onlooker()
            for run in play(record, GroupPredictor(rule_for(record.thing), onlooker)):  # type: ignore[arg-type]
                if run.outlook is not None and onlooker.spread is not None:
                    _look(onlooker, run.outlook.from_s, run.outlook.cases, float(run.lasted_s), found)
                onlooker.spread = None  # a settled run has none, and must not be given the last one's
    return _solved({of: _Seen(*np.array(seen).T) for of, seen in found.items()})


def _look(
    onlooker: _Onlooker,
    from_s: NDArray[np.float64],
    cases: NDArray[np.intp],
    truth_s: float,
    found: dict[tuple[int, ...], list[NDArray[np.float64]]],
) -> None:
    spread = onlooker.spread
    assert spread is not None
    reached = np.flatnonzero((from_s < truth_s) & (cases > 0))
    held = np.minimum(np.append(from_s[1:], np.inf), truth_s) - from_s
    for k in reached.tolist():
        least, most = spread.ends_at(k)
        seen = (
            held[k],
            spread.share_before(k, truth_s - _HALF_S),
            spread.share_before(k, truth_s + _HALF_S),
            least - truth_s,
            truth_s - most,
        )
        found[tuple(int(axis[k]) for axis in onlooker.of)].append(np.array(seen))


def _solved(found: dict[tuple[int, ...], _Seen]) -> QuantileRule:
    rule = QuantileRule.plain()
    for cell in np.ndindex(len(PROBABILITIES) + 1, len(CASES) + 1, len(HORIZONS_S) + 1):
        seen = _enough(found, cell)
        if seen is None:
            continue
        rule.levels[(*cell, 0)], rule.margins_s[(*cell, 0)] = _lower(seen)
        mirrored = _Seen(seen.seconds, 1.0 - seen.upto, 1.0 - seen.before, seen.above_s, seen.below_s)
        level, rule.margins_s[(*cell, 1)] = _lower(mirrored)
        rule.levels[(*cell, 1)] = 1.0 - level
    return rule


def _enough(found: dict[tuple[int, ...], _Seen], cell: tuple[int, ...]) -> _Seen | None:
    """Return the steps of a class; with those of other horizons, then of other numbers of cases, where they are few."""
    for kept in (3, 2, 1):
        alike = [seen for of, seen in found.items() if of[:kept] == cell[:kept]]
        if alike and sum(float(seen.seconds.sum()) for seen in alike) >= _LEAST_SECONDS:
            return _Seen(*(np.concatenate(column) for column in zip(*alike, strict=True)))
    return None


def _lower(seen: _Seen) -> tuple[float, float]:
    """Return the level below which a tenth of the ends fall, and a margin where the spread does not reach so far."""
    weights = seen.seconds / seen.seconds.sum()

    def below(level: float) -> float:
        breadth = np.maximum(seen.upto - seen.before, 1e-9)
        return float(weights @ np.clip((level - seen.before) / breadth, 0.0, 1.0))

    if below(1e-6) > TAIL:
        order = np.argsort(-seen.below_s)
        beyond = np.searchsorted(np.cumsum(weights[order]), TAIL)
        return 1e-6, max(float(seen.below_s[order[min(int(beyond), len(order) - 1)]]), 0.0)
    low, high = 1e-6, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < TAIL else (low, middle)
    return low, 0.0
