"""What a report needs beyond the certificate, saved beside the runs so that the report can be made again."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.simulation.comparison import PairedDelays
from trafficfeed.simulation.results import FloatArray

_STEPS_S = (5.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0)
BIN_EDGES_S = np.array([-np.inf, *(-s for s in reversed(_STEPS_S)), *_STEPS_S, np.inf])
_ARRAYS = ("flow_base", "flow_plan", "delay_base_h", "delay_plan_h", "queue_base_m", "queue_plan_m")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The figures behind one certificate, of the tier that decided.

    Attributes
    ----------
    network_hash
        Of the graph that the edge arrays belong to.
    pairs, first_look_pairs
        Figures by name of each seed pair (with its `seed`), of the tier that decided and of the mesoscopic look before.
    delay_counts
        By vehicle class: ``(n_bins,)`` vehicles, pooled over seeds, by delay in the bins of `BIN_EDGES_S`.
    closed
        ``(n_closed,) int64`` graph indices of the edges that the plan shuts.
    flow_base, flow_plan
        ``(n_edges,) float64`` vehicles that entered in the run, mean over seeds.
    delay_base_h, delay_plan_h
        ``(n_edges,) float64`` vehicle-hours lost.
    queue_base_m, queue_plan_m
        ``(n_edges,) float64`` longest jam.
    """

    network_hash: str
    pairs: Sequence[Mapping[str, float]]
    first_look_pairs: Sequence[Mapping[str, float]]
    delay_counts: Mapping[str, Sequence[int]]
    closed: npt.NDArray[np.int64]
    flow_base: FloatArray
    flow_plan: FloatArray
    delay_base_h: FloatArray
    delay_plan_h: FloatArray
    queue_base_m: FloatArray
    queue_plan_m: FloatArray


def count_delays(delays: Sequence[PairedDelays]) -> dict[str, list[int]]:
    """Count delays by vehicle class in the bins of `BIN_EDGES_S`, pooled over pairs."""
    classes = sorted({str(c) for pair in delays for c in np.unique(pair.vehicle_class)})
    counts: dict[str, list[int]] = {}
    for vehicle_class in classes:
        values = np.concatenate([pair.bounded_s[pair.vehicle_class == vehicle_class] for pair in delays])
        counts[vehicle_class] = np.histogram(values[np.isfinite(values)], bins=BIN_EDGES_S)[0].astype(int).tolist()
    return counts


def save_evidence(evidence: Evidence, path: Path) -> None:
    """Write `evidence` to `path` (.npz), whole or not at all."""
    document = {
        "network_hash": evidence.network_hash,
        "pairs": [dict(pair) for pair in evidence.pairs],
        "first_look_pairs": [dict(pair) for pair in evidence.first_look_pairs],
        "delay_counts": {name: list(counts) for name, counts in evidence.delay_counts.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        np.savez_compressed(
            file,
            document=np.frombuffer(json.dumps(document, sort_keys=True).encode("utf-8"), dtype=np.uint8),
            closed=evidence.closed,
            **{name: getattr(evidence, name) for name in _ARRAYS},
        )
    draft.replace(path)


def load_evidence(path: Path) -> Evidence:
    """Read what `save_evidence` wrote.

    Raises
    ------
    SourceUnavailable
        If `path` is not there.
    SourceMalformed
        If it cannot be read.
    """
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: run `trafficfeed certificate rerun` to make it again")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            document = json.loads(arrays["document"].tobytes().decode("utf-8"))
            return Evidence(**document, closed=arrays["closed"], **{name: arrays[name] for name in _ARRAYS})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(f"{path} is not evidence of trafficfeed: {error}") from error
