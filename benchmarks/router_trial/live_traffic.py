"""Valhalla's tiles, and the live-traffic archive beside them: closures by directed edge, changed while it runs.

The archive is a tar of one file a graph tile: a header and a 64-bit record for each directed edge. Valhalla maps it
into memory, so a record that is written is in force with the next request. A request must bear a `date_time`, or live
closures are left out of account.

Source: Valhalla 3.5, `baldr/traffictile.h` (records), `baldr/graphtileheader.h` (number of edges), `baldr/graphid.h`.
"""

import io
import json
import struct
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import valhalla  # type: ignore[import-untyped]

from trafficfeed.errors import SourceMalformed

_HEADER: Final = struct.Struct("<QQIIII")  # tile id, last update (Unix seconds), edges, version, two spare
_RECORD: Final = struct.Struct("<Q")
_VERSION: Final = 3
_COUNTS_AT: Final = 40  # in a graph tile: 21 bits of nodes, 21 bits of directed edges
_COUNT_BITS: Final = 21
_LEVEL_BITS, _TILE_BITS = 3, 22
_DIGITS: Final = {0: 6, 1: 6, 2: 9}  # of a tile's number in its path, by level
# overall speed 0 and the speed of the first part 0; the first part reaches to the end (breakpoint 255)
_CLOSED: Final = 255 << 28
_UNKNOWN: Final = 0  # breakpoint 0: nothing is known of the edge
_TIME_LIMIT_S: Final = 3600.0


def build_tiles(extract: Path, folder: Path) -> Path:
    """Build the graph tiles of an OSM extract in `folder`; return the configuration file of a router without traffic.

    Shortcuts are left out: they would pass over closures of the edges that they stand for.

    Raises
    ------
    SourceMalformed
        If the tile builder fails, or makes nothing of the extract.
    """
    tiles = folder / "tiles"
    tiles.mkdir(parents=True, exist_ok=True)
    configured = write_configuration(folder / "plain.json", tiles=tiles)
    builder = valhalla.PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"
    command = [str(builder), "-c", str(configured.absolute()), str(extract.absolute())]
    # it leaves a list of duplicate ways where it is started
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False)
    if done.returncode or not any(tiles.rglob("*.gph")):
        raise SourceMalformed(f"valhalla_build_tiles made nothing of {extract}: {(done.stderr or done.stdout)[-500:]}")
    return configured


def write_configuration(path: Path, *, tiles: Path, traffic: Path | None = None) -> Path:
    """Write a router's configuration: these tiles, no archive of tiles, no data from elsewhere."""
    configured: dict[str, Any] = valhalla.get_config(tile_extract="", tile_dir=tiles)
    mjolnir = configured["mjolnir"]
    for name in ("admin", "landmarks", "timezone", "transit_dir", "transit_feeds_dir"):
        mjolnir[name] = ""
    mjolnir |= {"traffic_extract": str(traffic or ""), "shortcuts": False, "concurrency": 2}
    configured["additional_data"]["elevation"] = ""
    path.write_text(json.dumps(configured), "utf-8")
    return path


class LiveTraffic:
    """A live-traffic archive in which directed edges are closed and opened.

    Parameters
    ----------
    path
        The archive, made anew.
    tiles
        The folder of graph tiles that it is for.
    updated
        Unix seconds that the archive bears.
    """

    def __init__(self, path: Path, tiles: Path, *, updated: int) -> None:
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            for tile in sorted(tiles.rglob("*.gph")):
                data = _empty(tile, updated)
                entry = tarfile.TarInfo(tile.relative_to(tiles).as_posix())
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        with tarfile.open(path) as archive:
            self._begins = {entry.name: entry.offset_data for entry in archive}
        self._file = path.open("r+b", buffering=0)
        self._closed: set[int] = set()

    def close_edges(self, edges: Iterable[int]) -> None:
        """Close these directed edges (Valhalla's graph ids), besides those that are closed."""
        for edge in edges:
            self._write(edge, _CLOSED)
            self._closed.add(edge)

    def open_all(self) -> None:
        """Take all closures back."""
        for edge in self._closed:
            self._write(edge, _UNKNOWN)
        self._closed.clear()

    def shut(self) -> None:
        """Let go of the archive."""
        self._file.close()

    def _write(self, edge: int, record: int) -> None:
        tile, number = tile_path(edge), edge >> (_LEVEL_BITS + _TILE_BITS)
        self._file.seek(self._begins[tile] + _HEADER.size + number * _RECORD.size)
        self._file.write(_RECORD.pack(record))


def tile_path(edge: int) -> str:
    """Return the path of a graph id's tile: ``2/000/864/819.gph``."""
    level, tile = edge & (2**_LEVEL_BITS - 1), edge >> _LEVEL_BITS & (2**_TILE_BITS - 1)
    digits = f"{tile:0{_DIGITS[level]}d}"
    return f"{level}/{'/'.join(digits[at : at + 3] for at in range(0, len(digits), 3))}.gph"


def _empty(tile: Path, updated: int) -> bytes:
    with tile.open("rb") as file:
        head = file.read(_COUNTS_AT + 8)
    (graph_id,), (counts,) = struct.unpack_from("<Q", head), struct.unpack_from("<Q", head, _COUNTS_AT)
    edges = counts >> _COUNT_BITS & (2**_COUNT_BITS - 1)
    number = graph_id & (2 ** (_LEVEL_BITS + _TILE_BITS) - 1)
    return _HEADER.pack(number, updated, edges, _VERSION, 0, 0) + bytes(_RECORD.size * edges)
