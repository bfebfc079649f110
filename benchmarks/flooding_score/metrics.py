"""AUC, critical success index and Brier skill of chances, with intervals from drawing whole storms anew."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BINS = 1000
_DRAWS = 400


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What one method said of all pairs: `score` of any scale, its `threshold`, and `chance` where it gives one."""

    score: Floats
    threshold: float | None
    chance: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """Sums, a row for each block: hits, misses, false alarms, squared errors (own, reference), pairs; histograms."""

    counts: Floats
    flooded: Floats
    dry: Floats


def auc(score: Floats, flooded: Bools) -> float | None:
    """Return the chance that a flooded pair scores higher than a dry one, ties half; None where one kind is missing."""
    n_flooded = int(flooded.sum())
    n_dry = len(flooded) - n_flooded
    if not n_flooded or not n_dry:
        return None
    _, group, size = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2.0
    return float((rank[group][flooded].sum() - n_flooded * (n_flooded + 1) / 2) / (n_flooded * n_dry))


def figures(said: Scored, flooded: Bools, reference: Floats, block: Ints, seed: int) -> dict[str, object]:
    """Return a method's figures; `reference` are the chances of climatology, `block` the storm of each pair."""
    sums = _sums(said, flooded, reference, block)
    whole = _told(sums.counts.sum(axis=0), said)
    whole["auc"] = _rounded(auc(said.score, flooded))
    return {**whole, "interval_90": _intervals(sums, said, seed)}


def without(said: Scored, flooded: Bools, reference: Floats, left_out: Bools) -> dict[str, object]:
    """Return the figures of the pairs that are not left out."""
    kept = ~left_out
    chance = None if said.chance is None else said.chance[kept]
    part = Scored(score=said.score[kept], threshold=said.threshold, chance=chance)
    sums = _sums(part, flooded[kept], reference[kept], np.zeros(int(kept.sum()), dtype=np.int64))
    return {**_told(sums.counts.sum(axis=0), part), "auc": _rounded(auc(part.score, flooded[kept]))}


def gain_of(said: Scored, flooded: Bools, reference: Floats, part: Bools) -> Mapping[str, float | None]:
    """Return which share of hits, and of the squared error saved against climatology, a part of the pairs has."""
    warned = said.score >= (np.inf if said.threshold is None else said.threshold)
    hits = warned & flooded
    saved = (reference - flooded) ** 2 - ((said.chance if said.chance is not None else reference) - flooded) ** 2
    return {
        "of_floods": _rounded(float(flooded[part].sum() / max(flooded.sum(), 1))),
        "of_hits": _rounded(float(hits[part].sum() / max(hits.sum(), 1))),
        "of_brier_gain": _rounded(float(saved[part].sum() / saved.sum())) if saved.sum() > 0 else None,
    }


def _sums(said: Scored, flooded: Bools, reference: Floats, block: Ints) -> _Sums:
    n = int(block.max(initial=0)) + 1
    warned = said.score >= (np.inf if said.threshold is None else said.threshold)
    own = (said.chance - flooded) ** 2 if said.chance is not None else np.zeros(len(flooded))
    columns = (
        warned & flooded,
        ~warned & flooded,
        warned & ~flooded,
        own,
        (reference - flooded) ** 2,
        np.ones(len(flooded)),
    )
    counts: Floats = np.stack([np.bincount(block, column.astype(np.float64), n) for column in columns], axis=1).astype(
        np.float64
    )
    edges = np.unique(np.quantile(said.score, np.linspace(0, 1, _BINS))) if len(flooded) else np.zeros(1)
    if flooded.any():
        edges = np.unique(np.concatenate([edges, np.quantile(said.score[flooded], np.linspace(0, 1, _BINS))]))
    place = block * (len(edges) + 1) + np.searchsorted(edges, said.score, side="right")
    shape = (n, len(edges) + 1)
    size = n * (len(edges) + 1)
    return _Sums(
        counts=counts,
        flooded=np.bincount(place[flooded], minlength=size).reshape(shape).astype(np.float64),
        dry=np.bincount(place[~flooded], minlength=size).reshape(shape).astype(np.float64),
    )


def _told(counts: Floats, said: Scored) -> dict[str, object]:
    hits, misses, false_alarms, own, reference, pairs = (float(value) for value in counts)
    known = said.threshold is not None and hits + misses + false_alarms > 0
    return {
        "auc": None,
        "csi": _rounded(hits / (hits + misses + false_alarms)) if known else None,
        "brier_skill": _rounded(1.0 - own / reference) if said.chance is not None and reference > 0 else None,
        "threshold": said.threshold,
        "hits": int(hits),
        "misses": int(misses),
        "false_alarms": int(false_alarms),
        "brier": own / pairs if said.chance is not None and pairs else None,
    }


def _intervals(sums: _Sums, said: Scored, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {"auc": [], "csi": [], "brier_skill": []}
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(0, len(sums.counts), len(sums.counts)), minlength=len(sums.counts))
        hits, misses, false_alarms, own, reference, _ = times @ sums.counts
        flooded, dry = times @ sums.flooded, times @ sums.dry
        if not flooded.sum() or not dry.sum():
            continue
        below = np.cumsum(dry) - dry / 2.0
        found["auc"].append(float(flooded @ below / (flooded.sum() * dry.sum())))
        if said.threshold is not None and hits + misses + false_alarms:
            found["csi"].append(float(hits / (hits + misses + false_alarms)))
        if said.chance is not None and reference > 0:
            found["brier_skill"].append(float(1.0 - own / reference))
    return {
        name: [round(float(q), 4) for q in np.quantile(values, [0.05, 0.95])]
        for name, values in found.items()
        if values
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
