"""What makes an elevation model unusable is named, with where and what to do; the rest is brought to metres."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from made_terrain import CRS, NORTH, WEST, plain, with_pit, write_asc, write_tif
from rasterio.transform import from_origin

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.flooding.terrain.elevation_reading import ElevationOptions, read_elevation

AT = (7.0, 50.0, 7.001, 50.0003)  # a city on the ground that `plain` makes


def read(path: Path, **said: object) -> Elevation:
    return read_elevation(path, city_crs=CRS, options=ElevationOptions(**said))  # type: ignore[arg-type]


def rules(model: Elevation) -> set[str]:
    return {finding.rule for finding in model.findings}


def test_a_sound_model_is_read_as_it_is(tmp_path: Path) -> None:
    ground = with_pit(plain(), 3, 3, 5, 5, 0.4)
    model = read(write_tif(tmp_path / "d.tif", ground, unit="m"))
    assert np.array_equal(model.height_m, ground)
    assert (model.crs, model.west, model.north, model.cell_m2) == (CRS, WEST, NORTH, 4.0)
    assert model.findings == ()


def test_an_ascii_grid_needs_its_crs_stated(tmp_path: Path) -> None:
    path = write_asc(tmp_path / "d.asc", with_pit(plain(), 3, 3, 5, 5, 0.4))
    with pytest.raises(ScenarioInvalid, match=r"does not say its CRS: state it, .*dem_crs.*--crs"):
        read(path)
    assert read(path, crs=CRS).crs == CRS


def test_a_local_crs_says_no_more_than_none(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "d.tif", plain(), crs='LOCAL_CS["site grid",UNIT["metre",1]]')
    with pytest.raises(ScenarioInvalid, match="does not say its CRS"):
        read(path)
    assert read(path, crs=CRS).crs == CRS


def test_a_model_with_a_vertical_crs_says_its_unit_by_it(tmp_path: Path) -> None:
    metres = read(write_tif(tmp_path / "m.tif", plain(), crs="EPSG:32632+5783"))
    assert metres.crs == CRS and "terrain.unit" not in rules(metres)
    york = {"crs": "EPSG:2263+6360", "transform": from_origin(980_000, 200_000, 6.56, 6.56)}
    feet = read_elevation(write_tif(tmp_path / "f.tif", plain(), **york), city_crs="EPSG:32618")
    assert np.nanmax(feet.height_m) == pytest.approx(3.048, abs=0.001)


@pytest.mark.parametrize("turned", (False, True))
def test_grids_that_are_not_north_up_are_turned(tmp_path: Path, turned: bool) -> None:
    upward = Affine(2, 0, WEST, 0, 2, NORTH - 60)
    askew = Affine.translation(WEST, NORTH) @ Affine.rotation(20) @ Affine.scale(2, -2)
    ground = with_pit(plain(), 10, 12, 8, 8, 0.5)
    model = read(write_tif(tmp_path / "d.tif", ground, transform=askew if turned else upward))
    assert "terrain.reprojected" in rules(model)
    low = model.centres(np.array([np.nanargmin(model.height_m)]))[0]
    expected = (askew if turned else upward) @ (16, 14)
    assert np.hypot(*(low - expected)) < 14
    assert (model.height_m < 9.75).sum() * model.cell_m2 == pytest.approx(256, rel=0.1)


def test_a_crs_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "d.tif", plain())
    with pytest.raises(ScenarioInvalid, match=r"UTM zone 32N, you say .* zone 35N"):
        read(path, crs="EPSG:32635")
    assert read(path, crs=CRS).crs == CRS


@pytest.mark.parametrize("crs", ("EPSG:1", "Helsinki"))
def test_an_unknown_crs_is_refused(tmp_path: Path, crs: str) -> None:
    with pytest.raises(ScenarioInvalid, match="is not known"):
        read(write_asc(tmp_path / "d.asc", plain()), crs=crs)


def test_degrees_that_somebody_calls_metres_are_noticed(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "d.tif", plain(), crs=None, transform=from_origin(7.0, 50.0, 2e-5, 2e-5))
    with pytest.raises(ScenarioInvalid, match="degrees, not"):
        read(path, crs=CRS)


def test_metres_that_somebody_calls_degrees_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="no degrees of WGS 84"):
        read(write_asc(tmp_path / "d.asc", plain()), crs="EPSG:4326")


@pytest.mark.parametrize("crs", ("EPSG:4326", "EPSG:3857"))
def test_a_crs_that_is_not_true_to_metres_is_brought_to_the_citys(tmp_path: Path, crs: str) -> None:
    transform = from_origin(7.0, 50.0, 3e-5, 2e-5) if crs == "EPSG:4326" else from_origin(779236, 6446275, 3.1, 3.1)
    ground = with_pit(plain(60, 60), 20, 20, 20, 20, 0.5)
    model = read(write_tif(tmp_path / "d.tif", ground, crs=crs, transform=transform))
    assert model.crs == CRS and "terrain.reprojected" in rules(model)
    assert 1.5 < model.cell_x_m < 2.5
    pit = (model.height_m < 9.75).sum() * model.cell_m2
    assert pit == pytest.approx(400 * (3e-5 * 71_696 * 2e-5 * 111_229 if crs == "EPSG:4326" else 4.0), rel=0.06)


def test_holes_inside_are_refused_with_their_share_and_place(tmp_path: Path) -> None:
    ground = plain()
    ground[10:13, 20:24] = np.nan
    path = write_tif(tmp_path / "d.tif", ground)
    with pytest.raises(
        ScenarioInvalid, match=r"has 1 hole, 1\.00 % of the model, the largest 48 m² at 7\.00\d+,49\.99"
    ) as caught:
        read(path)
    assert "--fill-holes" in str(caught.value) and "--open-holes" in str(caught.value)


def test_where_the_model_ends_is_no_hole(tmp_path: Path) -> None:
    ground = plain()
    ground[:, :6] = np.nan
    ground[25:, 30:] = np.nan
    model = read(write_tif(tmp_path / "d.tif", ground))
    assert np.isnan(model.height_m).sum() == np.isnan(ground).sum()


def test_small_holes_are_filled_when_asked_and_it_is_said(tmp_path: Path) -> None:
    ground = plain() + np.float32(0.01) * np.arange(40, dtype=np.float32)
    ground[10:12, 20:22] = np.nan
    ground[20:26, 20:28] = np.nan
    path = write_tif(tmp_path / "d.tif", ground)
    with pytest.raises(ScenarioInvalid, match=r"1 hole.*largest 192 m²"):
        read(path, fill_holes_m2=16.0)
    model = read(path, fill_holes_m2=16.0, open_holes=True)
    assert {"terrain.holes", "terrain.holes_filled"} <= rules(model)
    assert np.abs(model.height_m[10:12, 20:22] - 10.2).max() < 0.03
    assert np.isnan(model.height_m[20:26, 20:28]).all()


@pytest.mark.parametrize("value", (-9999.0, -32768.0, 3.4e38, float("inf")))
def test_a_value_that_stands_for_none_but_is_not_declared_is_named(tmp_path: Path, value: float) -> None:
    ground = plain()
    ground[5, 7:9] = value
    with pytest.raises(ScenarioInvalid, match=r"2 cells \(0\.17 %\) have no height .* declare that value as NODATA"):
        read(write_tif(tmp_path / "d.tif", ground))


def test_feet_are_made_metres_where_the_file_or_the_city_says_so(tmp_path: Path) -> None:
    said = read(write_tif(tmp_path / "a.tif", plain(height_m=100.0), unit="ft"))
    assert said.height_m[0, 0] == pytest.approx(30.48) and "terrain.unit" in rules(said)
    stated = read(write_tif(tmp_path / "b.tif", plain(height_m=100.0)), unit="us-ft")
    assert stated.height_m[0, 0] == pytest.approx(30.48006, abs=1e-4)
    with pytest.raises(ScenarioInvalid, match="says its heights are in ft, you say m"):
        read(tmp_path / "a.tif", unit="m")


def test_a_crs_in_feet_does_not_tell_the_unit_of_heights(tmp_path: Path) -> None:
    york = {"crs": "EPSG:2263", "transform": from_origin(980_000, 200_000, 6.56, 6.56)}
    path = write_tif(tmp_path / "d.tif", plain(height_m=33.0), **york)
    with pytest.raises(ScenarioInvalid, match=r"counts in US survey foot.*dem_unit"):
        read_elevation(path, city_crs="EPSG:32618")
    model = read_elevation(path, city_crs="EPSG:32618", options=ElevationOptions(unit="us-ft"))
    assert model.crs == "EPSG:32618" and np.nanmax(model.height_m) == pytest.approx(10.058, abs=0.01)


def test_centimetres_taken_for_metres_are_noticed_by_the_slopes(tmp_path: Path) -> None:
    rough = (1000 + np.random.default_rng(3).normal(0, 8, (30, 40))).astype(np.float32)
    path = write_tif(tmp_path / "d.tif", rough)
    with pytest.raises(ScenarioInvalid, match="half of the ground is steeper than"):
        read(path)
    assert read(path, unit="cm").height_m.max() < 11


def test_what_is_too_coarse_for_streets_is_said(tmp_path: Path) -> None:
    coarse = write_tif(
        tmp_path / "a.tif", plain() + np.arange(40, dtype=np.float32), transform=from_origin(WEST, NORTH, 30, 30)
    )
    assert "terrain.coarse_cells" in rules(read(coarse))
    whole = write_tif(tmp_path / "b.tif", plain().astype(np.int16), nodata=-9999)
    assert {"terrain.coarse_heights", "terrain.flat"} <= rules(read(whole))


def test_scaled_integers_are_unpacked(tmp_path: Path) -> None:
    import rasterio

    path = write_tif(tmp_path / "d.tif", np.full((30, 40), 1234, dtype=np.int16), nodata=-9999)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.01,), (5.0,)
    assert read(path).height_m[0, 0] == pytest.approx(17.34)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="is not there"):
        read(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("heights")
    with pytest.raises(SourceMalformed, match="cannot be read as a raster"):
        read(tmp_path / "text.tif")
    picture = write_tif(tmp_path / "rgb.tif", np.zeros((3, 30, 40), np.uint8), count=3, nodata=None)
    with pytest.raises(SourceMalformed, match="has 3 bands"):
        read(picture)
    with pytest.raises(ScenarioInvalid, match="all cells are NODATA"):
        read(write_tif(tmp_path / "empty.tif", np.full((30, 40), np.nan, np.float32)))


def test_a_model_of_elsewhere_is_refused_by_where_it_lies(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "d.tif", plain())
    with pytest.raises(
        ScenarioInvalid, match=r"lies at 7\.0\d+,50\.0\d+ by WGS 84 / UTM zone 32N, not at the city \(24\.9"
    ):
        read_elevation(path, city_crs="EPSG:32635", box=(24.9, 60.1, 24.96, 60.2))


def test_only_the_part_round_the_city_is_read(tmp_path: Path) -> None:
    wide = write_tif(tmp_path / "d.tif", plain(600, 700))
    city = (7.0060, 49.9960, 7.0070, 49.9965)
    model = read_elevation(wide, city_crs=CRS, box=city, options=ElevationOptions(margin_m=100))
    whole = read_elevation(wide, city_crs=CRS)
    assert model.height_m.size < 0.2 * whole.height_m.size
    corner = model.to_lonlat(np.array([[model.west, model.north]]))[0]
    assert corner[0] < city[0] and corner[1] > city[3]
