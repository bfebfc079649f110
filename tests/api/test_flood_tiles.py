"""Map tiles of the water on the roads: the right pixel in the right colour, nothing where it is dry."""

import io
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from made_flood_town import SITES, forecast_of, released, told, town_with, two_sites
from made_requests import NOW, Clock
from PIL import Image
from pyproj import Transformer

from api.flood_tiles import COLOURS, UNKNOWN, mercator
from trafficfeed.flooding.sites import Site
from trafficfeed.settings import Settings

Z = 16


@pytest.fixture
def settings(settings: Settings, cities: Path, tmp_path: Path) -> Settings:
    """Settings of an installation whose city floods."""
    return settings.model_copy(update={"cities_dir": town_with(cities, tmp_path / "flooded", two_sites(cities))})


@pytest.fixture
def low_point(cities: Path) -> Site:
    return two_sites(cities)[1]


def tile_of(lon: float, lat: float, z: int = Z) -> tuple[int, int, int, int]:
    """Return column and row of a place's tile, and the pixel in it. Source: the well-known slippy map formulae."""
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return int(x), int(y), int((x - int(x)) * 256), int((y - int(y)) * 256)


def pixel_at(client: TestClient, site: Site, query: str = "") -> tuple[int, int, int, int]:
    x, y, column, row = tile_of(site.lon, site.lat)
    answer = client.get(f"/v1/flooding/tiles/{Z}/{x}/{y}.png{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png" and answer.headers["access-control-allow-origin"] == "*"
    image = Image.open(io.BytesIO(answer.content))
    assert image.size == (256, 256) and image.mode == "RGBA"
    found = image.getpixel((column, row))
    assert isinstance(found, tuple)
    return found  # type: ignore[return-value]


def test_a_flooded_road_has_the_colour_of_its_measured_depth(
    client: TestClient, settings: Settings, low_point: Site
) -> None:
    told(settings, [0.28, 0.31, 0.34, 0.36])
    released(settings, forecast_of(SITES))
    assert pixel_at(client, low_point) == (*COLOURS[2], 255)


def test_a_dry_road_is_not_drawn(client: TestClient, settings: Settings, low_point: Site) -> None:
    released(settings, forecast_of(SITES))
    assert pixel_at(client, low_point)[3] == 0


def test_a_tile_of_a_time_to_come_shows_what_is_forecast_for_it(
    client: TestClient, settings: Settings, low_point: Site
) -> None:
    released(settings, forecast_of(SITES))
    for query in ("?at=240", "?at=+240", "?at=%2B240", "?at=2026-12-05T16:00:00Z", "?at=2026-12-05T18:00:00%2B02:00"):
        assert pixel_at(client, low_point, query) == (*COLOURS[2], 255), query
    assert pixel_at(client, low_point, "?at=240&quantile=p90") == (*COLOURS[3], 255)
    assert pixel_at(client, low_point, "?at=90") == (*COLOURS[1], 255)


def test_a_road_of_which_nothing_is_known_is_grey(client: TestClient, settings: Settings, low_point: Site) -> None:
    released(settings)
    assert pixel_at(client, low_point)[:3] == UNKNOWN


def test_a_tile_without_water_is_transparent_all_over(client: TestClient, settings: Settings) -> None:
    told(settings, [0.28, 0.31, 0.34, 0.36])
    released(settings, forecast_of(SITES))
    image = Image.open(io.BytesIO(client.get("/v1/flooding/tiles/12/0/0.png").content))
    assert image.getextrema()[3] == (0, 0)


def test_a_client_that_has_the_tile_is_told_so(client: TestClient, settings: Settings, low_point: Site) -> None:
    told(settings, [0.28, 0.31, 0.34, 0.36])
    released(settings, forecast_of(SITES))
    x, y, _, _ = tile_of(low_point.lon, low_point.lat)
    address = f"/v1/flooding/tiles/{Z}/{x}/{y}.png"
    etag = client.get(address).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = client.get(address, headers={"If-None-Match": known})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == etag
    assert client.get(f"{address}?at=240&quantile=p90", headers={"If-None-Match": etag}).status_code == 200


def test_a_tile_follows_the_release(client: TestClient, settings: Settings, low_point: Site, clock: Clock) -> None:
    released(settings, forecast_of(SITES))
    assert pixel_at(client, low_point)[3] == 0
    told(settings, [0.28, 0.31, 0.34, 0.36])
    released(settings)
    time.sleep(0.6)  # a release by another process is noticed twice a second
    assert pixel_at(client, low_point) == (*COLOURS[2], 255)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("5/0/0.png", 422),
        ("20/0/0.png", 422),
        ("12/4096/0.png", 404),
        ("12/0/4096.png", 404),
        ("12/-1/0.png", 422),
        ("12/0/0.png?at=yesterday", 422),
        ("12/0/0.png?at=2026-12-05T16:00:00", 422),
        ("12/0/0.png?at=2026-12-05T06:00:00Z", 422),
        ("12/0/0.png?at=99999999999999999999", 422),
        ("12/0/0.png?at=6000", 404),
        ("12/0/0.png?quantile=p99", 422),
    ],
)
def test_what_is_no_tile_is_refused(client: TestClient, settings: Settings, path: str, status: int) -> None:
    released(settings, forecast_of(SITES))
    answer = client.get(f"/v1/flooding/tiles/{path}")
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"


def test_before_the_first_release_there_are_no_tiles(client: TestClient) -> None:
    assert client.get("/v1/flooding/tiles/12/0/0.png").status_code == 503


def test_web_mercator_places_are_those_of_the_standard() -> None:
    assert np.allclose(mercator([(0.0, 0.0), (-180.0, 85.0511287798066)]), [(0.5, 0.5), (0.0, 0.0)], atol=1e-6)
    east, north = Transformer.from_crs(4326, 3857, always_xy=True).transform(24.95, -33.9)
    half = math.pi * 6378137.0
    assert np.allclose(mercator([(24.95, -33.9)])[0], [(east + half) / (2 * half), (half - north) / (2 * half)])


@pytest.fixture(autouse=True)
def _at_noon(clock: Clock) -> Iterator[None]:
    clock.now = NOW
    yield
