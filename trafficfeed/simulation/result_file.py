"""A run's result as one compact file."""

import io
import json
import os
from pathlib import Path

import numpy as np

from trafficfeed.errors import SourceMalformed
from trafficfeed.simulation.results import Fate, RunResult

_FATES = list(Fate)
_FLOATS = ("wanted_depart_s", "depart_s", "arrival_s", "trip_s", "edge_entered", "edge_time_loss_s", "edge_max_queue_m")


def write_result(path: Path, result: RunResult) -> None:
    """Write `result` to `path` (npz) and see it on the disk."""
    classes = sorted(set(result.vehicle_class))
    head = {
        "tier": result.tier,
        "seed": result.seed,
        "vehicle_id": list(result.vehicle_id),
        "edge_id": list(result.edge_id),
        "classes": classes,
        "counts": dict(result.counts),
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        head=np.frombuffer(json.dumps(head).encode(), np.uint8),
        vehicle_class=np.array([classes.index(c) for c in result.vehicle_class], np.uint8),
        fate=np.array([_FATES.index(f) for f in result.fate], np.uint8),
        informed=result.informed,
        **{name: getattr(result, name) for name in _FLOATS},
    )
    with path.open("wb") as stream:
        stream.write(buffer.getbuffer())
        stream.flush()
        os.fsync(stream.fileno())


def read_result(path: Path) -> RunResult:
    """Read what `write_result` wrote.

    Raises
    ------
    SourceMalformed
        If the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            head = json.loads(data["head"].tobytes())
            return RunResult(
                tier=head["tier"],
                seed=head["seed"],
                vehicle_id=tuple(head["vehicle_id"]),
                vehicle_class=tuple(head["classes"][i] for i in data["vehicle_class"]),
                fate=tuple(_FATES[i] for i in data["fate"]),
                informed=data["informed"],
                edge_id=tuple(head["edge_id"]),
                counts=head["counts"],
                **{name: data[name] for name in _FLOATS},
            )
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise SourceMalformed(f"{path} is damaged: delete its folder and run again ({error})") from error
