"""Roads on bridges and in tunnels, as OSM tags them: where an elevation model shows other ground than the road's."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.road_graph import RoadGraph

_FILE = "structures.parquet"


class Structure(StrEnum):
    """What carries a road."""

    BRIDGE = "bridge"
    TUNNEL = "tunnel"


class _Way(Protocol):
    @property
    def way_id(self) -> int: ...

    @property
    def tags(self) -> Mapping[str, str]: ...


def structures_file(folder: Path) -> Path:
    """Return where a city's ``graph/`` folder keeps them; a city without OSM has none."""
    return folder / _FILE


def save_structures(ways: Iterable[_Way], folder: Path) -> None:
    """Write which of `ways` are bridges or tunnels into a city's ``graph/`` folder."""
    found = {way.way_id: kind.value for way in ways if (kind := _kind(way.tags))}
    columns = {"way_id": pa.array(found, pa.int64()), "kind": pa.array(found.values(), pa.string())}
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), structures_file(folder), compression="zstd")


def load_structures(graph: RoadGraph, folder: Path) -> dict[int, Structure] | None:
    """Return the edges that run on a bridge or in a tunnel somewhere; None where nobody has recorded it.

    Raises
    ------
    SourceMalformed
        If the file is damaged.
    """
    path = structures_file(folder)
    if not path.is_file():
        return None
    try:
        with pq.ParquetFile(path) as file:  # read_table would import the dataset module
            rows = file.read(use_threads=False).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise SourceMalformed(f"{path} is damaged ({error}): build the city again with `--force`") from error
    kinds = {row["way_id"]: Structure(row["kind"]) for row in rows}
    on = np.flatnonzero(np.isin(graph.way_id, np.fromiter(kinds, np.int64, len(kinds))))
    return {int(graph.way_edge[row]): kinds[int(graph.way_id[row])] for row in on}


def _kind(tags: Mapping[str, str]) -> Structure | None:
    if tags.get("bridge", "no") != "no":
        return Structure.BRIDGE
    return Structure.TUNNEL if tags.get("tunnel", "no") != "no" or tags.get("covered") == "yes" else None
