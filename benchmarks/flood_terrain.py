"""How long a terrain of 4 million cells takes from file to linked sites, beside pyflwdir's fill alone in the same run.

    python -m benchmarks.flood_terrain [--side 2000] [--dem FILE --crs EPSG:…] [--seed 1] [--cold]

The terrain is the real lidar of Merewether (1 m), mirrored in tiles to the size asked for, with noise of 3 cm (seeded)
that makes as many little hollows as a rough survey; without that file, made ground of the same size. It lies under a
grid of 25,920 edges. Timed after numba has compiled, and that once on its own (``--cold``: into an empty cache, as on
the first run after an installation): reading and checking, fill, hollows, curves, catchments, roads, sites, JSON.
Goals: 30 s end to end, and at most 4 times the fill alone.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.site_making import Terrain, make_sites
from trafficfeed.flooding.site_roads import road_dips
from trafficfeed.flooding.terrain.depressions import find_depressions, prepare
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.flooding.terrain.elevation_reading import read_elevation
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2] / "shared"))
MEREWETHER = SHARED / "data" / "flooding" / "merewether_dem_1m.asc"
CRS = "EPSG:28356"
NOISE_M = 0.03
_WEST, _NORTH = 382_000.0, 6_355_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--side", type=int, default=2000, help="cells along a side")
    parser.add_argument("--dem", type=Path, default=MEREWETHER, help="what is tiled")
    parser.add_argument("--crs", default=CRS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="compile into an empty cache")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.cold:
            os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "numba")  # before numba is imported
        path = Path(folder) / "terrain.tif"
        write_terrain(tiled(given.dem, given.side, given.seed), path, given.crs)
        found = measured(path, given.crs, Path(folder), given.repeats)
    found |= {"cells": given.side**2, "seed": given.seed, "terrain": given.dem.name if given.dem.is_file() else "made"}
    print(json.dumps(found, indent=1) if given.json else as_text(found))


def tiled(dem: Path, side: int, seed: int) -> npt.NDArray[np.float32]:
    """Return heights ``(side, side)``: the model mirrored until it is large enough, with noise."""
    if dem.is_file():
        import rasterio

        with rasterio.open(dem) as source:
            tile = source.read(1, masked=True).astype(np.float64).filled(np.nan)
        tile = tile[2:-2, 2:-2]
        tile = np.where(np.isnan(tile), np.nanmean(tile), tile)
    else:
        y, x = np.mgrid[0:400, 0:300]
        tile = 30 + 8 * np.sin(x / 47) * np.cos(y / 61) + 0.01 * x
    times = [-(-side // n) for n in tile.shape]
    rows = np.concatenate([tile if i % 2 == 0 else tile[::-1] for i in range(times[0])])
    whole = np.concatenate([rows if i % 2 == 0 else rows[:, ::-1] for i in range(times[1])], axis=1)[:side, :side]
    noise = np.random.default_rng(seed).normal(0, NOISE_M, whole.shape)
    return (whole + noise).astype(np.float32)


def write_terrain(height_m: npt.NDArray[np.float32], path: Path, crs: str) -> None:
    import rasterio
    from rasterio.transform import from_origin

    profile: dict[str, Any] = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": crs, "compress": "deflate"}
    rows, columns = height_m.shape
    transform = from_origin(_WEST, _NORTH, 1.0, 1.0)
    with rasterio.open(path, "w", height=rows, width=columns, transform=transform, **profile) as file:
        file.write(height_m, 1)
        file.units = ("m",)


def grid_of_roads(elevation: Elevation, nodes: int = 81) -> RoadGraph:
    """Return a grid of two-way streets over the terrain: 81 × 81 junctions, 25,920 edges."""
    rows, columns = elevation.height_m.shape
    x = np.linspace(1, columns * elevation.cell_x_m - 1, nodes) + elevation.west
    y = elevation.north - np.linspace(1, rows * elevation.cell_y_m - 1, nodes)
    xy = np.array([(a, b) for b in y for a in x])
    number = np.arange(nodes * nodes).reshape(nodes, nodes)
    pairs = np.concatenate(
        [np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
         np.column_stack([number[:-1].ravel(), number[1:].ravel()])]
    )  # fmt: skip
    pairs = np.concatenate([pairs, pairs[:, ::-1]]).astype(np.int32)
    lonlat = elevation.to_lonlat(xy)
    none, none64 = np.empty(0, np.int32), np.empty(0, np.int64)
    count = len(pairs)
    return RoadGraph(
        network_hash="grid",
        edge_ids=[f"e{i}" for i in range(count)],
        from_node=pairs[:, 0],
        to_node=pairs[:, 1],
        length_m=np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T),
        speed_mps=np.full(count, 13.9),
        lane_count=np.ones(count, np.int32),
        access=np.full(count, ALL_CLASSES_MASK, np.int32),
        lane_access=[[ALL_CLASSES_MASK]] * count,
        names=[""] * count,
        highway=["residential"] * count,
        geometry=shapely.linestrings(lonlat[pairs]),
        node_ids=[str(i) for i in range(len(xy))],
        node_lonlat=lonlat,
        node_signalised=np.zeros(len(xy), bool),
        turn_from=none,
        turn_to=none,
        turn_access=none,
        way_edge=none,
        way_id=none64,
        way_forward=np.empty(0, bool),
        way_from_osm_node=none64,
        way_to_osm_node=none64,
    )


def measured(path: Path, crs: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Return seconds: numba's compiling once, then of `repeats` pairs of fill and whole the one of the middle ratio."""
    compiling = _timed(prepare)[0]
    import pyflwdir

    elevation = read_elevation(path, city_crs=crs)
    graph = grid_of_roads(elevation)
    pairs = []
    for _ in range(repeats):  # one after the other, as whatever else runs on the machine slows both
        fill = _timed(lambda: pyflwdir.dem.fill_depressions(elevation.height_m, nodata=np.nan))[0]
        pairs.append((fill, *_timed(lambda: _prepared(path, crs, graph, folder))))
    fill, whole, (steps, sites, hollows) = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
    return {
        "compiling_s": round(compiling, 2),
        "fill_alone_s": round(fill, 2),
        "end_to_end_s": round(whole, 2),
        "with_compiling_s": round(whole + compiling, 2),
        "times_the_fill": round(whole / fill, 2),
        "times_the_fill_with_compiling": round((whole + compiling) / (fill + compiling), 2),
        "steps_s": {name: round(taken, 2) for name, taken in steps.items()},
        "hollows": hollows,
        "sites": sites,
        "edges": len(graph),
    }


def _prepared(path: Path, crs: str, graph: RoadGraph, folder: Path) -> tuple[dict[str, float], int, int]:
    steps: dict[str, float] = {}
    steps["read and check"], elevation = _timed(lambda: read_elevation(path, city_crs=crs))
    steps["hollows, curves, catchments"], depressions = _timed(lambda: find_depressions(elevation))
    graph.derived.clear()
    steps["roads"], dips = _timed(lambda: road_dips(graph, elevation, depressions))
    terrain = Terrain(elevation=elevation, depressions=depressions, dips=dips)
    steps["sites"], made = _timed(lambda: make_sites(graph, listed=(), terrain=terrain))
    steps["write"], _ = _timed(lambda: write_sites(made.sites, folder / "sites.json"))
    return steps, len(made.sites), len(depressions)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def as_text(found: dict[str, Any]) -> str:
    steps = "\n".join(f"  {name:30} {taken:6.2f} s" for name, taken in found["steps_s"].items())
    return (
        f"{found['cells']:,} cells ({found['terrain']}, seed {found['seed']}), {found['edges']:,} edges: "
        f"{found['hollows']:,} hollows, {found['sites']:,} sites\n{steps}\n"
        f"end to end {found['end_to_end_s']} s ({found['with_compiling_s']} s with numba's compiling), fill alone "
        f"{found['fill_alone_s']} s: {found['times_the_fill']} times, "
        f"{found['times_the_fill_with_compiling']} with compiling in both (goals: 30 s, 4 times)"
    )


if __name__ == "__main__":
    main()
