"""Where a network lies: found from what it says, or laid at a stated place."""

import numpy as np
import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.projection import NetLocation, locate, metric_crs, proj_string

BOX = (0.0, 0.0, 2000.0, 1000.0)


def test_a_network_in_utm_is_put_back_where_it_came_from() -> None:
    utm = "+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"
    found = locate(NetLocation(offset=(-683542.41, -4928877.56), boundary=BOX, parameter=utm))
    lon, lat = found.to_lonlat(np.array([[0.0, 0.0]]))[0]
    assert (lon, lat) == pytest.approx((11.308, 44.488), abs=2e-3)  # western Bologna
    assert (found.crs, found.located) == ("EPSG:32632", True)


@pytest.mark.parametrize("parameter", ["!", "-", "+proj=utm +zone=55 +south +datum=WGS84 +units=m"])
def test_there_and_back_is_the_same_place(parameter: str) -> None:
    offset = (0.0, 0.0) if parameter == "!" else (-500000.0, -5000000.0)
    found = locate(NetLocation(offset=offset, boundary=BOX, parameter=parameter))
    points = np.array([[0.0, 0.0], [1234.5, 678.9], [2000.0, 1000.0]])
    assert found.to_xy(found.to_lonlat(points)) == pytest.approx(points, abs=1e-4)


def test_a_network_without_a_projection_is_centred_on_the_stated_origin() -> None:
    found = locate(NetLocation(boundary=BOX), origin=(-70.66, -33.45))
    assert found.to_lonlat(np.array([[1000.0, 500.0]]))[0] == pytest.approx((-70.66, -33.45), abs=1e-9)
    assert (found.crs, found.located) == ("EPSG:32719", False)


def test_lengths_of_a_network_without_a_projection_are_its_own() -> None:
    import pyproj

    found = locate(NetLocation(boundary=BOX), origin=(139.7, 35.7))
    lonlat = found.to_lonlat(np.array([[0.0, 0.0], [2000.0, 0.0]]))
    metric = pyproj.Transformer.from_crs("EPSG:4326", found.crs, always_xy=True).transform(*lonlat.T)
    assert np.hypot(*np.diff(metric)) == pytest.approx(2000.0, abs=1e-3)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (NetLocation(parameter="+proj=nonsense", boundary=BOX), "not known to PROJ"),
        (NetLocation(parameter="+proj=utm +zone=32 +datum=WGS84", offset=(1e9, 1e9), boundary=BOX), "off the earth"),
        (NetLocation(boundary=(0.0, 0.0, 1e9, 1e9)), "no extent in metres"),
    ],
)
def test_a_projection_that_cannot_be_is_refused(location: NetLocation, words: str) -> None:
    with pytest.raises(ScenarioInvalid, match=words):
        locate(location)


def test_an_origin_off_the_earth_is_refused() -> None:
    with pytest.raises(ScenarioInvalid, match="no lon, lat"):
        locate(NetLocation(boundary=BOX), origin=(24.9, 160.0))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:999999", "somewhere"])
def test_a_crs_that_is_not_metric_is_refused(crs: str) -> None:
    with pytest.raises(ScenarioInvalid, match="metres"):
        proj_string(crs)


def test_the_utm_zone_follows_the_place() -> None:
    assert metric_crs(24.94, 60.17) == "EPSG:32635"
    assert metric_crs(-58.4, -34.6) == "EPSG:32721"
    assert metric_crs(180.0, 10.0) == "EPSG:32601"
    assert proj_string("EPSG:32721").startswith("+proj=utm +zone=21 +south")
