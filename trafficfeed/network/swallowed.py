"""Pieces of OSM ways that lie inside a joined junction: on no edge, but not forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trafficfeed.errors import SourceMalformed

_FILE = "swallowed.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwallowedPiece:
    """A run of an OSM way inside a joined junction: the SUMO junction `node_id` holds it, no edge does."""

    way_id: int
    from_node: int
    to_node: int
    node_id: str


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
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise SourceMalformed(f"{path} is damaged ({error}): build the city again with `--force`") from error
    return [
        SwallowedPiece(
            way_id=row["way_id"], from_node=row["from_osm_node"], to_node=row["to_osm_node"], node_id=row["node_id"]
        )
        for row in rows
    ]
