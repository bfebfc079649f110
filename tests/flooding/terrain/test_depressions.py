"""Hollows of grounds whose volumes are known, and of the real lidar of Merewether."""

import os
from pathlib import Path

import numpy as np
import pyflwdir
import pytest
from made_terrain import elevation, plain, with_pit

from trafficfeed.flooding.sites import StageVolume
from trafficfeed.flooding.terrain.depressions import DepressionLimits, Depressions, find_depressions
from trafficfeed.flooding.terrain.elevation_reading import ElevationOptions, read_elevation

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[4] / "shared"))
MEREWETHER = SHARED / "data" / "flooding" / "merewether_dem_1m.asc"


def whole(found: Depressions, hollow: int) -> StageVolume:
    return found.bowls(np.array([hollow]), np.zeros(1))[0]


def test_a_box_holds_its_area_times_every_depth() -> None:
    found = find_depressions(elevation(with_pit(plain(), 10, 12, 5, 4, 0.5)))
    assert len(found) == 1
    assert found.area_m2[0] == 5 * 4 * 4
    assert found.volume_m3[0] == pytest.approx(80 * 0.5)
    bowl = whole(found, 0)
    assert bowl.depth_m[0] == 0 and bowl.depth_m[-1] == pytest.approx(0.5)
    assert bowl.volume_m3 == pytest.approx([80 * depth for depth in bowl.depth_m], abs=0.01)


def test_a_stepped_bowl_holds_what_its_steps_do() -> None:
    ground = with_pit(with_pit(plain(), 8, 10, 9, 9, 0.25), 10, 12, 4, 4, 0.5)
    found = find_depressions(elevation(ground))
    assert len(found) == 1
    deep, wide = 16 * 4.0, 81 * 4.0
    bowl = whole(found, 0)
    expected = [deep * h if h <= 0.5 else deep * h + (wide - deep) * (h - 0.5) for h in bowl.depth_m]
    assert bowl.volume_m3 == pytest.approx(expected, abs=0.05)
    upper = found.bowls(np.array([0]), np.array([0.5]))[0]
    assert upper.depth_m[:2] == (0, 0.001) and upper.volume_m3[:2] == (0, pytest.approx(deep * 0.5, rel=1e-4))
    assert upper.depth_m[-1] == pytest.approx(0.25) and upper.volume_m3[-1] == pytest.approx(bowl.volume_m3[-1])
    assert found.depth_m[0] == pytest.approx(0.75)
    assert found.label.ravel()[found.low_cell[0]] == 1


def test_two_boxes_keep_their_own_curves_and_the_order_of_their_rows() -> None:
    ground = with_pit(with_pit(plain(), 20, 3, 6, 6, 0.2), 5, 20, 4, 5, 1.0)
    found = find_depressions(elevation(ground))
    assert found.volume_m3 == pytest.approx([20 * 4 * 1.0, 36 * 4 * 0.2], rel=1e-5)
    assert [whole(found, i).volume_m3[-1] for i in (0, 1)] == pytest.approx(found.volume_m3, rel=1e-5)
    assert found.low_cell.tolist() == [5 * 40 + 20, 20 * 40 + 3]


def test_water_stands_as_high_as_the_lowest_rim() -> None:
    ground = with_pit(plain(), 10, 12, 5, 5, 1.0)
    ground[12, :12] -= np.float32(0.6)  # a ditch to the border
    found = find_depressions(elevation(ground))
    assert found.spill_m[0] == pytest.approx(9.4)
    assert found.volume_m3[0] == pytest.approx(25 * 4 * 0.4, rel=1e-5)


def test_a_catchment_is_what_drains_to_the_hollow_and_to_no_other_before() -> None:
    slope = np.repeat(20 - 0.1 * np.arange(40, dtype=np.float32)[None, :], 31, axis=0)  # falls to the east
    slope += 0.5 * np.abs(np.arange(31, dtype=np.float32) - 15)[:, None]  # and to the middle row: a valley
    ground = slope.copy()
    ground[14:17, 20:22] = slope[15, 20] - 1.0
    upper = find_depressions(elevation(ground)).catchment_m2
    ground[14:17, 32:34] = slope[15, 32] - 1.0
    both = find_depressions(elevation(ground)).catchment_m2
    assert both[0] == upper[0]
    assert both[0] + both[1] <= 31 * 40 * 4
    assert 0.3 * 31 * 20 * 4 < both[0] < 1.1 * 31 * 22 * 4
    assert both[1] < both[0]


def test_every_cell_of_rough_ground_drains_to_one_hollow_or_out() -> None:
    ground = plain(50, 60) + np.random.default_rng(7).normal(0, 0.3, (50, 60)).astype(np.float32)
    ground += np.float32(0.05) * np.abs(np.arange(60, dtype=np.float32) - 30)
    model = elevation(ground)
    found = find_depressions(model)
    directions = pyflwdir.dem.fill_depressions(ground, nodata=np.nan)[1]
    steps = dict(zip((1, 2, 4, 8, 16, 32, 64, 128), (1, 61, 60, 59, -1, -61, -60, -59), strict=True))
    given = np.zeros(len(found) + 1)
    for start in range(ground.size):
        cell = start
        while not found.label.flat[cell] and int(directions.flat[cell]) in steps:
            cell += steps[int(directions.flat[cell])]
        given[found.label.flat[cell]] += model.cell_m2
    assert len(found) > 2 and found.catchment_m2.tolist() == given[1:].tolist()


def test_what_is_too_shallow_or_too_small_is_left_out_and_counted() -> None:
    ground = with_pit(with_pit(with_pit(plain(), 3, 3, 6, 6, 0.06), 15, 5, 1, 2, 0.9), 20, 20, 5, 5, 0.3)
    found = find_depressions(elevation(ground))
    assert len(found) == 1
    assert found.left_out == {"too shallow": 1, "too small": 1}
    everything = find_depressions(elevation(ground), DepressionLimits(depth_m=0, area_m2=0, volume_m3=0))
    assert len(everything) == 3


@pytest.mark.parametrize("tilt", (0.0, 0.05))
def test_level_and_sloping_ground_have_no_hollows(tilt: float) -> None:
    ground = plain() + np.float32(tilt) * np.arange(40, dtype=np.float32)
    found = find_depressions(elevation(ground))
    assert len(found) == 0
    assert found.bowls(np.arange(0), np.empty(0)) == [] and len(found.catchment_m2) == 0
    assert not found.label.any()


def test_a_hole_without_heights_lets_the_water_of_a_hollow_go() -> None:
    ground = with_pit(plain(), 10, 12, 5, 5, 0.5)
    ground[12, 14] = np.nan
    assert len(find_depressions(elevation(ground))) == 0


def test_the_same_ground_gives_the_same_hollows_bit_for_bit() -> None:
    ground = plain(120, 90) + np.random.default_rng(5).normal(0, 0.2, (120, 90)).astype(np.float32)
    one, other = (find_depressions(elevation(ground.copy())) for _ in range(2))
    assert len(one) > 3
    assert all(whole(one, i) == whole(other, i) for i in range(len(one))) and (one.label == other.label).all()


@pytest.mark.skipif(not MEREWETHER.is_file(), reason="../shared has no merewether_dem_1m.asc here")
def test_curves_of_real_lidar_are_the_sums_over_its_cells() -> None:
    model = read_elevation(MEREWETHER, city_crs="EPSG:28356", options=ElevationOptions(crs="EPSG:28356"))
    found = find_depressions(model)
    assert len(found) >= 5
    for hollow in range(len(found)):
        heights = model.height_m[found.label == hollow + 1].astype(np.float64)
        assert found.area_m2[hollow] == pytest.approx(len(heights) * model.cell_m2)
        bowl = whole(found, hollow)
        for depth, volume in zip(bowl.depth_m, bowl.volume_m3, strict=True):
            water = np.maximum(found.low_m[hollow] + depth - heights, 0)
            assert volume == pytest.approx(water.sum() * model.cell_m2, abs=0.05)  # depths are rounded to 0.1 mm
        assert found.catchment_m2[hollow] >= found.area_m2[hollow]
    assert found.catchment_m2.sum() <= model.height_m.size * model.cell_m2
