"""What the past says of each end that could be promised: the countdown rule's table, one row a candidate."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.prediction.analogue_sets import NEAR_S, AnalogueSet

FAR_S: Final = 60.0  # a gap that counts as none
OF_ALL: Final = ("agreeing_sets", "mean_share", "mean_exact")
OF_SET: Final = ("count", "share", "exact", "early", "early_gap_s", "late_gap_s", "hits_in_row", "last_three", "off_s")
DIGITS: Final = 1  # of a second: finer than lamps are observed, and few enough different ends
_SAME_S: Final = 0.5
_TIE: Final = 1e-3
_ZERO: Final = np.zeros(1)
_NOBODY: Final = np.full(1, -np.inf)


class Evidence(NamedTuple):
    """Seconds since the present run's onset, unless it says otherwise.

    From `at_s[i]` until `at_s[i + 1]` nothing changes, if the run goes on. `centres_s` is each set's best end there,
    shape (n, 5), NaN where the set is empty. Row r of the rest is one candidate end, `candidate_s[r]`, at instant
    `instant[r]`; `table` has `OF_SET` for each set, then `OF_ALL`; shape (rows, 66).
    """

    at_s: NDArray[np.float64]
    centres_s: NDArray[np.float64]
    instant: NDArray[np.intp]
    candidate_s: NDArray[np.float64]
    table: NDArray[np.float64]


class Asked(NamedTuple):
    """All sets side by side, the k-th from `begins[k]`, each after a member never valid (so that none is empty)."""

    at_s: NDArray[np.float64]  # (n,): every instant at which somebody comes or goes, in seconds since the onset
    begins: NDArray[np.intp]  # (sets,)
    ends_s: NDArray[np.float64]  # (members,)
    valid: NDArray[np.bool_]  # (n, members): who can be asked
    values_s: NDArray[np.float64]  # (values,): the different ends
    mass: NDArray[np.float64]  # (n, sets, values): the weight that each set gives each end


def ask(sets: Sequence[AnalogueSet], until_s: float) -> Asked:
    """Ask the members of the sets at every instant at which the answer changes; from `until_s` on, nobody."""
    ends = np.concatenate([part for of in sets for part in (_NOBODY, of.ends_s)]).round(DIGITS)
    from_s = np.concatenate([part for of in sets for part in (_ZERO, of.from_s)]).round(DIGITS)
    weights = np.concatenate([part for of in sets for part in (_ZERO, of.weights)])
    sizes = [len(of.ends_s) + 1 for of in sets]
    at_s = np.unique(np.concatenate([from_s, ends]).clip(min=0.0))
    at_s = np.append(at_s[at_s < until_s], until_s)
    valid = (from_s <= at_s[:, None]) & (ends > at_s[:, None]) & (at_s < until_s)[:, None]
    values, which = np.unique(ends, return_inverse=True)
    weighed = np.zeros((len(ends), len(values)))
    weighed[np.arange(len(ends)), which] = weights
    begins = np.cumsum([0, *sizes])
    mass = np.stack([valid[:, first:last] @ weighed[first:last] for first, last in pairwise(begins.tolist())], axis=1)
    return Asked(at_s, begins[:-1], ends, valid, values, mass)


def evidence_of(asked: Asked) -> Evidence:
    """Weigh the candidates of each instant; all of it is known at the onset."""
    centres = _centres(asked)
    instant, candidates = _distinct(centres)
    return Evidence(asked.at_s, centres, instant, candidates, _table(asked, instant, candidates, centres))


def _centres(asked: Asked) -> NDArray[np.float64]:
    """Return the end with most weight within a second of it; NaN where nobody can be asked.

    It need not be one that was seen: between two that lie two seconds apart both are right to a second. Of equals it is
    the one with most weight of its own, then the first.
    """
    known = asked.values_s[np.isfinite(asked.values_s)]
    tried = np.unique(np.concatenate([known - 1.0, known, known + 1.0]).round(DIGITS))
    with np.errstate(invalid="ignore"):
        distance = np.abs(asked.values_s[:, None] - tried)
    near = (distance <= NEAR_S) + _TIE * (distance < _SAME_S)
    score = asked.mass @ near
    score *= tried > asked.at_s[:, None, None]
    centres = tried[score.argmax(axis=2)]
    centres[score.max(axis=2) <= 0] = np.nan
    return np.asarray(centres)


def _distinct(centres: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the different centres of each instant (those half a second apart are one), in the order of the sets."""
    new = ~np.isnan(centres)
    for k in range(1, centres.shape[1]):
        new[:, k] &= ~(np.abs(centres[:, :k] - centres[:, k : k + 1]) < _SAME_S).any(axis=1)
    instant, which = np.nonzero(new)
    return instant, centres[instant, which]


def _table(
    asked: Asked, instant: NDArray[np.intp], candidates: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `OF_SET` of each set for each candidate."""
    mass = asked.mass[instant]
    scale = np.maximum(mass.sum(axis=2), 1e-9)
    later = (asked.values_s - candidates[:, None])[:, None, :]
    distance = np.abs(later)
    given = np.where(mass > 0, distance, FAR_S)
    early = later < -NEAR_S
    hits_in_row, last_three = _latest(asked, instant, candidates)
    counts = np.add.reduceat(asked.valid, asked.begins, axis=1, dtype=np.float64)
    columns = [
        counts[instant],
        (mass * (distance <= NEAR_S)).sum(axis=2) / scale,
        (mass * (distance < _SAME_S)).sum(axis=2) / scale,
        (mass * early).sum(axis=2) / scale,
        np.where(early, given, FAR_S).min(axis=2).clip(max=FAR_S),
        np.where(later > NEAR_S, given, FAR_S).min(axis=2).clip(max=FAR_S),
        hits_in_row,
        last_three,
        np.fmin(np.abs(centres[instant] - candidates[:, None]), FAR_S),
    ]
    asked_sets = np.maximum((counts[instant] > 0).sum(axis=1), 1)
    overall = [(columns[8] <= NEAR_S).sum(axis=1), columns[1].sum(axis=1), columns[2].sum(axis=1)]
    by_set = np.stack(columns, axis=2).reshape(len(candidates), -1)
    return np.column_stack([by_set, *(column / asked_sets for column in overall)])


def _latest(
    asked: Asked, instant: NDArray[np.intp], candidates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many of the latest members hit in a row, and the share of hits in the last three; by set."""
    valid, order = asked.valid[instant], np.arange(len(asked.ends_s))
    sizes = np.diff(np.append(asked.begins, len(order)))
    near = np.abs(asked.ends_s - candidates[:, None]) <= NEAR_S
    last_miss = np.maximum.reduceat(np.where(valid & ~near, order, -1), asked.begins, axis=1)
    since_miss = valid & (order > np.repeat(last_miss, sizes, axis=1))
    counts = np.cumsum(asked.valid, axis=1)
    through = counts[:, np.append(asked.begins[1:], len(order)) - 1]
    three = asked.valid & (np.repeat(through, sizes, axis=1) - counts < 3)
    of_three = np.add.reduceat(three, asked.begins, axis=1, dtype=np.float64)[instant]
    hits = np.add.reduceat(three[instant] & near, asked.begins, axis=1, dtype=np.float64)
    in_row = np.add.reduceat(since_miss, asked.begins, axis=1, dtype=np.float64)
    return in_row, hits / np.maximum(of_three, 1.0)
