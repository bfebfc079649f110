"""Pieces of OSM ways that lie inside a joined junction, on disk: on no edge, but not forgotten."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.road_graph import SwallowedPiece

_FILE = "swallowed.parquet"


def save_swallowed(pieces: Sequence[SwallowedPiece], folder: Path) -> None:
    """Write `pieces` into a city's ``graph/`` folder."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "way_id": pa.array([piece.way_id for piece in pieces], pa.int64()),
        "from_osm_node": pa.array([piece.from_node for piece in pieces], pa.int64()),
        "to_osm_node": pa.array([piece.to_node for piece in pieces], pa.int64()),
        "node_id": pa.array([piece.node_id for piece in pieces], pa.string()),
    }
    pq.write_table(pa.table(columns), folder / _FILE, compression="zstd")


def load_swallowed(folder: Path) -> list[SwallowedPiece]:
    """Read the pieces from a city's ``graph/`` folder; none where the city did not come from OSM.

    Raises
    ------
    SourceMalformed
        If the file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return []
    try:
        with pq.ParquetFile(path) as file:  # read_table would import the dataset module
            rows = file.read(use_threads=False).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise SourceMalformed(f"{path} is damaged ({error}): build the city again with `--force`") from error
    return [
        SwallowedPiece(
            way_id=row["way_id"], from_node=row["from_osm_node"], to_node=row["to_osm_node"], node_id=row["node_id"]
        )
        for row in rows
    ]
