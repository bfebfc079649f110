import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.datums import DATUMS, box_in_datum, convert, densify

# Amap's documentation of /v3/assistant/coordinate/convert, coordsys=gps
AMAP_GPS = [(116.481499, 39.990475), (116.481499, 39.990375)]
AMAP_GCJ = [(116.487585177952, 39.991754014757), (116.487585177952, 39.991653917101)]
# the README of the npm package coordtransform, which many Chinese web maps use
COORDTRANSFORM = {
    ("wgs84", "gcj02"): (116.41024449916938, 39.91640428150164),
    ("gcj02", "bd09"): (116.41036949371029, 39.92133699351021),
}
PAIRS = [(source, target) for source in DATUMS for target in DATUMS if source != target]
in_china = st.lists(st.tuples(st.floats(73, 135), st.floats(3, 54)), min_size=1, max_size=50)


def apart_m(a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.float64]:
    first, second = np.array(a).reshape(-1, 2), np.array(b).reshape(-1, 2)
    east = (first[:, 0] - second[:, 0]) * np.cos(np.radians(first[:, 1]))
    return 111_195 * np.hypot(east, first[:, 1] - second[:, 1])


def test_amaps_own_points_come_out_within_a_decimetre() -> None:
    assert apart_m(convert(AMAP_GPS, source="wgs84", target="gcj02"), AMAP_GCJ).max() < 0.1


def test_amaps_own_points_go_back_within_a_decimetre() -> None:
    assert apart_m(convert(AMAP_GCJ, source="gcj02", target="wgs84"), AMAP_GPS).max() < 0.1


@pytest.mark.parametrize("pair", COORDTRANSFORM)
def test_the_forward_series_are_those_that_other_software_uses(pair: tuple[str, str]) -> None:
    found = convert([(116.404, 39.915)], source=pair[0], target=pair[1])
    assert apart_m(found, COORDTRANSFORM[pair]).max() < 1e-6


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(points=in_china)
@example(points=[(105.0, 35.0), (105.0 + 1e-12, 35.0), (105.0 - 1e-7, 20.0)])  # the series has a kink along 105° E
def test_there_and_back_again_is_within_a_millimetre_all_over_china(
    source: str, target: str, points: list[tuple[float, float]]
) -> None:
    there = convert(points, source=source, target=target)
    assert apart_m(convert(there, source=target, target=source), points).max() < 1e-3


def test_a_point_is_shifted_because_it_was_asked_for_wherever_it_lies() -> None:
    seoul = [(126.978, 37.5665)]
    assert 400 < apart_m(convert(seoul, source="wgs84", target="gcj02"), seoul)[0] < 600
    assert convert(seoul, source="wgs84", target="wgs84").tolist() == [list(seoul[0])]


def test_a_point_in_beijing_stays_where_it_is_unless_another_datum_is_asked_for() -> None:
    assert convert(AMAP_GPS, source="gcj02", target="gcj02").tolist() == [list(point) for point in AMAP_GPS]


def test_bd09_is_reached_by_way_of_gcj02() -> None:
    through = convert(convert(AMAP_GPS, source="wgs84", target="gcj02"), source="gcj02", target="bd09")
    assert (convert(AMAP_GPS, source="wgs84", target="bd09") == through).all()


def test_the_points_given_are_not_written_over() -> None:
    points = np.array(AMAP_GCJ)
    convert(points, source="gcj02", target="wgs84")
    assert points.tolist() == [list(point) for point in AMAP_GCJ]


def test_no_points_are_no_points_in_any_datum() -> None:
    assert convert([], source="wgs84", target="bd09").shape == (0, 2)


def test_an_unknown_datum_is_refused_by_name() -> None:
    with pytest.raises(ScenarioInvalid, match=r"mars.*wgs84, gcj02, bd09"):
        convert(AMAP_GPS, source="wgs84", target="mars")


def test_what_has_no_inverse_is_refused_and_not_guessed() -> None:
    with pytest.raises(ScenarioInvalid, match="nan"):
        convert([(116.0, 40.0), (float("nan"), 40.0)], source="gcj02", target="wgs84")


def test_a_densified_line_keeps_its_points_and_has_no_long_step() -> None:
    line = [(116.0, 40.0), (116.05, 40.0), (116.05, 40.001)]
    dense = densify(line)
    assert {tuple(point) for point in line} <= {tuple(point) for point in dense.tolist()}
    assert apart_m(dense[:-1], dense[1:]).max() <= 500
    assert len(densify([line[1], line[2]])) == 2


@given(
    start=st.tuples(st.floats(74, 134), st.floats(18, 53)),
    bearing=st.floats(0, 2 * np.pi),
    length_m=st.floats(2_000, 10_000),
)
def test_a_densified_line_stays_within_a_decimetre_of_the_bent_one(
    start: tuple[float, float], bearing: float, length_m: float
) -> None:
    reach = length_m / 111_195
    end = (start[0] + reach * np.sin(bearing) / np.cos(np.radians(start[1])), start[1] + reach * np.cos(bearing))
    published = convert(densify([start, end]), source="wgs84", target="gcj02")
    truth = convert(densify([start, end], max_step_m=20), source="wgs84", target="gcj02")
    assert _off_line_m(truth, published).max() < 0.1


def test_without_densifying_a_long_line_is_decimetres_off() -> None:
    line = [(113.0, 22.0), (113.05, 22.02)]
    truth = convert(densify(line), source="wgs84", target="gcj02")
    assert _off_line_m(truth, convert(line, source="wgs84", target="gcj02")).max() > 0.3


def test_the_box_of_a_shifted_city_holds_every_shifted_point_of_it() -> None:
    west, south, east, north = box_in_datum((116.2, 39.8, 116.6, 40.1), target="gcj02")
    grid = np.stack(np.meshgrid(np.linspace(116.2, 116.6, 60), np.linspace(39.8, 40.1, 60)), axis=-1).reshape(-1, 2)
    moved = convert(grid, source="wgs84", target="gcj02")
    assert (moved >= (west - 1e-6, south - 1e-6)).all() and (moved <= (east + 1e-6, north + 1e-6)).all()


def _off_line_m(points: npt.NDArray[np.float64], line: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import shapely

    scale = np.array([111_195 * np.cos(np.radians(line[0, 1])), 111_195])
    return shapely.distance(shapely.points((points - line[0]) * scale), shapely.LineString((line - line[0]) * scale))
