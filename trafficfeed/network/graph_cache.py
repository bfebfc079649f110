"""The road graph and the places on disk: GeoParquet and Parquet, read back by pyarrow and shapely alone.

In a city's ``graph/`` folder: ``edges.parquet`` and ``nodes.parquet`` (GeoParquet, EPSG:4326), ``turns.parquet``,
``osm_link.parquet``, ``swallowed.parquet`` (with OSM only), ``places.parquet`` and ``manifest.json``, which names the
network's hash and is written last of what `save_graph` writes.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable, TrafficFeedError
from trafficfeed.network.lane_access import LaneMasks
from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.swallowed import load_swallowed

FORMAT = 1
_MANIFEST = "manifest.json"
_TABLES = ("edges", "nodes", "turns", "osm_link", "places")
_CRS = "EPSG:4326"
_REPEATED = ("name", "highway")


def save_graph(graph: RoadGraph, folder: Path, *, net_path: Path | None = None) -> None:
    """Write `graph` into `folder`, made where it is not there.

    Parameters
    ----------
    graph
        The road graph.
    folder
        The city's ``graph/`` folder; what is in it is replaced.
    net_path
        The SUMO network it was read from. Where given, `load_graph` notices when that file changes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).unlink(missing_ok=True)
    lanes = LaneMasks.of(graph.lane_access)
    _write_geo(folder / "edges.parquet", _edge_columns(graph, lanes), graph.geometry)
    nodes = {"node_id": list(graph.node_ids), "signalised": graph.node_signalised}
    _write_geo(folder / "nodes.parquet", nodes, shapely.points(graph.node_lonlat))
    turns = {"from": graph.turn_from, "to": graph.turn_to, "access": graph.turn_access}
    _write(folder / "turns.parquet", turns)
    _write(folder / "osm_link.parquet", _link_columns(graph))
    manifest: dict[str, Any] = {"format": FORMAT, "network_hash": graph.network_hash, "edges": len(graph)}
    if net_path is not None:
        manifest["net"] = {"path": os.path.relpath(net_path, folder), **_stamp(net_path)}
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def load_graph(folder: Path) -> RoadGraph:
    """Read the road graph from a city's ``graph/`` folder.

    Raises
    ------
    SourceUnavailable
        If it has not been built.
    ScenarioInvalid
        If the SUMO network has changed since, or another version of trafficfeed built it.
    SourceMalformed
        If a file in it is damaged.
    """
    manifest = _manifest(folder)
    _refuse_stale(folder, manifest)
    edges, nodes = _read(folder / "edges.parquet", coded=_REPEATED), _read(folder / "nodes.parquet")
    turns, links = _read(folder / "turns.parquet"), _read(folder / "osm_link.parquet")
    lanes = edges["lane_access"].combine_chunks()
    return RoadGraph(
        network_hash=manifest["network_hash"],
        edge_ids=edges["edge_id"].to_pylist(),
        from_node=_array(edges, "from_node"),
        to_node=_array(edges, "to_node"),
        length_m=_array(edges, "length_m"),
        speed_mps=_array(edges, "speed_mps"),
        lane_count=_array(edges, "lane_count"),
        access=_array(edges, "access"),
        lane_access=LaneMasks(_numbers(lanes.values), _numbers(lanes.offsets)),
        names=_texts(edges, "name"),
        highway=_texts(edges, "highway"),
        geometry=_geometry(edges),
        node_ids=nodes["node_id"].to_pylist(),
        node_lonlat=shapely.get_coordinates(_geometry(nodes)),
        node_signalised=_array(nodes, "signalised"),
        turn_from=_array(turns, "from"),
        turn_to=_array(turns, "to"),
        turn_access=_array(turns, "access"),
        way_edge=_array(links, "edge"),
        way_id=_array(links, "way_id"),
        way_forward=_array(links, "forward"),
        way_from_osm_node=_array(links, "from_osm_node"),
        way_to_osm_node=_array(links, "to_osm_node"),
        swallowed=tuple(load_swallowed(folder)),
    )


def save_places(places: Places, folder: Path) -> None:
    """Write `places` into a city's ``graph/`` folder."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "kind": [kind.value for kind in places.kind],
        "label": list(places.label),
        "osm_id": list(places.osm_id),
        "edge": places.edge,
    }
    _write_geo(folder / "places.parquet", columns, shapely.points(places.lonlat.reshape(-1, 2)))


def load_places(folder: Path) -> Places:
    """Read the places from a city's ``graph/`` folder; raises as `load_graph`."""
    manifest = _manifest(folder)
    _refuse_stale(folder, manifest)
    table = _read(folder / "places.parquet")
    kinds = {kind.value: kind for kind in PlaceKind}
    return Places(
        kind=[kinds[value] for value in table["kind"].to_pylist()],
        label=table["label"].to_pylist(),
        osm_id=table["osm_id"].to_pylist(),
        lonlat=shapely.get_coordinates(_geometry(table)).reshape(-1, 2),
        edge=_array(table, "edge"),
    )


def is_current(folder: Path) -> bool:
    """Return whether `folder` holds a graph and places that were made from the network as it is now."""
    try:
        _refuse_stale(folder, _manifest(folder))
    except TrafficFeedError:
        return False
    return all((folder / f"{part}.parquet").is_file() for part in _TABLES)


def prepare_writing() -> None:
    """Import what writing needs and reading does not (geopandas takes a second or two): best while SUMO is at work."""
    import geopandas  # noqa: F401


def _edge_columns(graph: RoadGraph, lanes: LaneMasks) -> dict[str, Any]:
    return {
        "edge_id": list(graph.edge_ids),
        "from_node": graph.from_node,
        "to_node": graph.to_node,
        "length_m": graph.length_m,
        "speed_mps": graph.speed_mps,
        "lane_count": graph.lane_count,
        "access": graph.access,
        "lane_access": [np.asarray(masks, dtype=np.int32) for masks in lanes],
        "name": list(graph.names),
        "highway": list(graph.highway),
    }


def _link_columns(graph: RoadGraph) -> dict[str, npt.NDArray[Any]]:
    return {
        "edge": graph.way_edge,
        "way_id": graph.way_id,
        "forward": graph.way_forward,
        "from_osm_node": graph.way_from_osm_node,
        "to_osm_node": graph.way_to_osm_node,
    }


def _write_geo(path: Path, columns: dict[str, Any], geometry: Any) -> None:
    import geopandas  # 1.8 s to import: only where a city is built

    frame = geopandas.GeoDataFrame(columns, geometry=geometry, crs=_CRS)
    frame.to_parquet(path, index=False, compression="zstd", write_covering_bbox=False)


def _write(path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd")


def _read(path: Path, coded: Sequence[str] = ()) -> pa.Table:
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: build the city again with `trafficfeed city build`")
    try:
        # read_table would import the dataset module and pandas, coding afterwards the compute module
        with pq.ParquetFile(path, memory_map=True, read_dictionary=coded) as file:
            return file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise SourceMalformed(f"{path} is damaged ({error}): build the city again with `--force`") from error


def _array(table: pa.Table, column: str) -> npt.NDArray[Any]:
    """Return a column of numbers or truth values; pyarrow's own `to_numpy` would import pandas, which takes longer."""
    values = table[column].combine_chunks()
    if pa.types.is_boolean(values.type):
        bits = np.unpackbits(np.frombuffer(values.buffers()[1], np.uint8), bitorder="little")
        return bits[values.offset : values.offset + len(values)].astype(bool)
    return _numbers(values) if len(values) else np.zeros(0, values.type.to_pandas_dtype())


def _numbers(values: Any) -> npt.NDArray[Any]:
    numbers: npt.NDArray[Any] = np.array(np.from_dlpack(values))
    return numbers


def _texts(table: pa.Table, column: str) -> list[str]:
    """Return a column of texts that was read coded; names repeat, so each is made once."""
    coded = table[column].combine_chunks()
    words = coded.dictionary.to_pylist()
    return [words[i] for i in coded.indices.to_pylist()]


def _geometry(table: pa.Table) -> npt.NDArray[Any]:
    geometry: npt.NDArray[Any] = shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    return geometry


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise SourceUnavailable(f"{folder} holds no road graph: build the city with `trafficfeed city build`")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found = manifest["format"], manifest["network_hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(f"{path} is damaged ({error}): build the city again with `--force`") from error
    if found[0] != FORMAT:
        raise ScenarioInvalid(f"{folder} was built by another version of trafficfeed: build the city again")
    return manifest


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _refuse_stale(folder: Path, manifest: dict[str, Any]) -> None:
    """Compare size and time first, the bytes only where the time differs (a copied folder)."""
    net = manifest.get("net")
    if net is None:
        return
    path = folder / net["path"]
    if not path.is_file():
        raise SourceUnavailable(f"{path.resolve()} is not there: build the city again with `trafficfeed city build`")
    if _stamp(path) == {"size": net["size"], "mtime_ns": net["mtime_ns"]}:
        return
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != manifest["network_hash"]:
            raise ScenarioInvalid(
                f"{path.resolve()} has changed since {folder} was built from it: build the city again with "
                "`trafficfeed city build`"
            )
