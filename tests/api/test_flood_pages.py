"""The pages of floods: what is known said plainly, what is not known never shown as dry, nothing run that is a name."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from made_flood_town import EVIL, SITES, dry_forecast, forecast_of, released, told, town_with, two_sites
from made_requests import NOW, Clock

from trafficfeed.flooding.observations import RainForecast, RainReading
from trafficfeed.flooding.sites import Site
from trafficfeed.pipeline.flood_intake import take
from trafficfeed.settings import Settings
from trafficfeed.store.database import open_database
from trafficfeed.store.rain import Rain


@pytest.fixture
def settings(settings: Settings, cities: Path, tmp_path: Path) -> Settings:
    """Settings of an installation whose city floods."""
    return settings.model_copy(update={"cities_dir": town_with(cities, tmp_path / "flooded", two_sites(cities))})


def page_of(client: TestClient, path: str = "/flooding") -> str:
    running: Any = client.app
    running.state.services.feeds.refresh()
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def slider_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="flood-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def sites_on(page: str) -> list[str]:
    return re.findall(r'data-site="([^"]+)"', page)


def test_before_the_first_release_it_says_that_nothing_is_known(client: TestClient) -> None:
    page = page_of(client)
    assert "No flood map has been released yet: nothing is known of the water." in page
    assert "No water on the roads" not in page
    assert client.get("/flooding/underpass").status_code == 200


def test_the_front_page_leads_to_the_floods_of_a_city_that_has_flood_sites(client: TestClient) -> None:
    assert '<a href="/flooding">Flooding</a>' in page_of(client, "/")


def test_a_city_without_flood_sites_has_neither_the_page_nor_a_way_to_it(
    client: TestClient, settings: Settings
) -> None:
    (settings.cities_dir / "gridtown" / "flooding" / "sites.json").unlink()
    assert client.get("/flooding").status_code == 404
    assert "/flooding" not in page_of(client, "/")


def test_a_site_that_the_city_does_not_have_is_not_found(client: TestClient) -> None:
    assert client.get("/flooding/nowhere").status_code == 404


def test_without_a_forecast_the_page_says_so_and_has_no_slider_to_move(client: TestClient, settings: Settings) -> None:
    told(settings, [0.02, 0.02, 0.03, 0.02])
    released(settings)
    page = page_of(client)
    assert "There is no forecast." in page and "data-still" in page
    assert len(slider_of(page)["labels"]) == 1
    assert "No water on the roads" not in page


def test_where_no_water_is_and_none_is_expected_the_page_says_it(client: TestClient, settings: Settings) -> None:
    released(settings, dry_forecast(SITES))
    page = page_of(client)
    assert "No water on the roads." in page and "No road is closed or warned of for water." in page
    assert slider_of(page)["sites"] == {}


def test_a_closed_place_comes_first_with_its_depth_and_what_it_rests_on(client: TestClient, settings: Settings) -> None:
    told(settings, [0.18, 0.22, 0.27, 0.31])
    released(settings, forecast_of(SITES))
    page = page_of(client)
    assert sites_on(page) == ["underpass", "quay"]
    first = page[page.index('data-site="underpass"') : page.index('data-site="quay"')]
    assert "Closed</b>" in first and "31 cm</b>" in first and "measured just now" in first
    assert "Since 14:00, measured" in first and "Validation pending" in first
    assert "Clear in about 6 h (5 h to 8 h)" in first
    assert "1 place closed for water." in page
    assert page.count("data-closed") == 1, "the road that is closed is barred on the map, the higher one is not"


def test_a_place_that_will_flood_says_in_how_long_and_from_when_to_when(client: TestClient, settings: Settings) -> None:
    released(settings, forecast_of(SITES))
    page = page_of(client)
    assert "15 cm in about 1.5 h (25 min to 2.5 h)" in page and "Clear in about 6 h (5 h to 8 h)" in page
    assert "No road is closed or warned of for water. Water may come to 1 place." in page


def test_the_times_to_come_count_from_now_and_not_from_the_issue(
    client: TestClient, settings: Settings, clock: Clock
) -> None:
    released(settings, forecast_of(SITES))
    clock.forward(minutes=20)
    page = page_of(client)
    assert "15 cm in about 70 min (5 min to 2 h)" in page
    labels = slider_of(page)["labels"]
    assert labels[0] == "Sat 5 Dec 14:20" and labels[1] == "Sat 5 Dec 14:25"


def test_the_slider_goes_by_five_minutes_for_two_hours_and_then_by_the_hour(
    client: TestClient, settings: Settings
) -> None:
    released(settings, forecast_of(SITES))
    data = slider_of(page_of(client))
    assert data["ahead_min"][:3] == [0, 5, 10] and data["ahead_min"][24:27] == [120, 180, 240]
    assert data["ahead_min"][-1] == 72 * 60
    four_hours = data["ahead_min"].index(240)
    likely, worst = next(pair for pair in data["cells"] if pair[0][four_hours] == "3")
    assert worst[four_hours] == "4" and likely[0] == worst[0] == "0", "40 cm likely, 80 cm at worst"
    assert data["sites"]["underpass"][0][four_hours] == 40 and data["sites"]["underpass"][1][four_hours] == 80
    assert "quay" not in data["sites"], "a dry place is left out"


def test_a_higher_road_is_less_deep_on_the_map(client: TestClient, settings: Settings) -> None:
    released(settings, forecast_of(SITES))
    data = slider_of(page_of(client))
    four_hours = data["ahead_min"].index(240)
    assert sorted(likely[four_hours] for likely, _ in data["cells"]) == ["0", "2", "3"]


def test_what_is_not_known_is_drawn_as_unknown_and_not_as_dry(client: TestClient, settings: Settings) -> None:
    silent = forecast_of(SITES)
    nothing = np.full_like(silent.p50_m, np.nan)
    unknown = {"to_flood_s": np.full((2, 3), np.nan), "to_clear_s": np.full((2, 3), np.nan)}
    released(settings, replace(silent, p10_m=nothing, p50_m=nothing, p90_m=nothing, **unknown))
    page = page_of(client)
    assert {pair[0][0] for pair in slider_of(page)["cells"]} == {"x"}
    assert "not known</b>" in page and "dry</b>" not in page and "No water on the roads" not in page


def test_an_old_reading_tells_nothing_of_now(client: TestClient, settings: Settings, clock: Clock) -> None:
    told(settings, [0.18, 0.22, 0.27, 0.31])
    released(settings, forecast_of(SITES))
    clock.forward(minutes=40)
    page = page_of(client)
    assert "forecast; last measured 31 cm 40 minutes ago" in page and "7 cm</b>" in page


def test_a_map_whose_input_is_too_old_says_not_to_go_by_it(
    client: TestClient, settings: Settings, clock: Clock
) -> None:
    told(settings, [0.01, 0.01, 0.01])
    released(settings)
    clock.forward(minutes=61)
    page = page_of(client)
    assert "Do not go by this page." in page and "1 hour ago" in page
    assert "A road that looks open may be under water." in page


def test_a_map_that_was_made_of_nothing_says_so(client: TestClient, settings: Settings) -> None:
    released(settings)
    assert "There is neither a reading nor a forecast" in page_of(client)


def test_made_ground_is_called_synthetic_on_both_pages(client: TestClient, settings: Settings) -> None:
    (settings.cities_dir / "gridtown" / "flooding" / "settings.toml").write_text(
        'terrain_label = "synthetic terrain and gauges"\n', "utf-8"
    )
    released(settings, forecast_of(SITES))
    for path in ("/flooding", "/flooding/underpass"):
        assert "Synthetic terrain and gauges." in page_of(client, path)


def test_a_name_is_never_run(client: TestClient, settings: Settings) -> None:
    told(settings, [0.18, 0.22, 0.27, 0.31])
    released(settings, forecast_of(SITES))
    for path in ("/flooding", "/flooding/underpass"):
        page = page_of(client, path)
        assert EVIL not in page and "<script>alert" not in page
        assert "The &lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; Underpass" in page


def test_the_pages_may_run_our_own_script_alone(client: TestClient) -> None:
    answer = client.get("/flooding")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*(src=|application/json))", answer.text)
    assert " style=" not in answer.text and "onclick" not in answer.text
    for name in ("flood.js", "flood.css"):
        address = re.search(rf'"(/web/{name}[^"]*)"', answer.text)
        assert address and client.get(address[1]).status_code == 200


def test_a_city_with_hundreds_of_places_still_has_a_light_page(
    client: TestClient, settings: Settings, cities: Path, tmp_path: Path
) -> None:
    one = two_sites(cities)[1]
    sites = [replace(one, id=f"site-{n:03d}", name=f"Place {n}", sensors=()) for n in range(365)]
    folder = town_with(cities, tmp_path / "many", sites)
    settings.cities_dir.rename(tmp_path / "was")
    folder.rename(settings.cities_dir)
    forecast = forecast_of([site.id for site in sites])
    every = np.repeat(forecast.p50_m[-1:], 365, axis=0)
    released(settings, replace(forecast, p10_m=every / 2, p50_m=every, p90_m=every * 2))
    answer = client.get("/flooding", headers={"Accept-Encoding": "gzip"})
    assert len(sites_on(answer.text)) == 365
    assert len(answer.content) < 1_500_000 and int(answer.headers["content-length"]) < 150_000


def test_a_sites_page_draws_its_readings_and_marks_those_that_do_not_count(
    client: TestClient, settings: Settings
) -> None:
    told(settings, [0.02] * 10 + [0.03, 0.95, 0.03, 0.04])
    released(settings, forecast_of(SITES))
    page = page_of(client, "/flooding/underpass")
    wide = page[page.index('class="hydrograph wide"') : page.index('class="hydrograph narrow"')]
    assert wide.count("<circle cx") >= 10
    assert len(re.findall(r'<circle class="doubt"', wide)) == 1
    assert "Not counted: a jump that water does not make" in wide
    assert 'class="band"' in wide and 'class="middle"' in wide and "measured, not counted (1)" in page


def test_a_sites_page_tells_the_log_with_reasons_and_what_it_rests_on(client: TestClient, settings: Settings) -> None:
    told(settings, [0.18, 0.22, 0.27, 0.31])
    released(settings, forecast_of(SITES))
    page = page_of(client, "/flooding/underpass")
    log = page[page.index('id="log"') :]
    assert "31 cm measured by s1" in log and "Rests on 1 reading" in log and "s1@20261205T115930" in log
    assert '<rect class="closed"' in page
    assert "Flooded, closed: The &lt;script" in page, "the message for phones"


def test_a_sites_page_says_which_vehicles_pass(client: TestClient, settings: Settings) -> None:
    told(settings, [0.28, 0.31, 0.34, 0.36])
    released(settings, forecast_of(SITES))
    page = page_of(client, "/flooding/underpass")
    assert re.search(r'<tr class="no"><th scope="row">Cars ', page)
    assert re.search(r'<tr class="yes"><th scope="row">Emergency vehicles .*?Pass, at worst until', page, re.DOTALL)


def test_a_site_of_which_nothing_is_known_lets_nobody_pass(client: TestClient, settings: Settings) -> None:
    released(settings)
    page = page_of(client, "/flooding/quay")
    assert page.count("Not known: assume not") == 4
    assert "Nothing has been measured here lately, and nothing is forecast." in page


def test_rain_and_tide_are_drawn_where_they_are_known(client: TestClient, settings: Settings) -> None:
    _told_of_rain_and_tide(settings)
    released(settings, forecast_of(SITES))
    page = page_of(client, "/flooding/quay")
    assert 'class="fallen"' in page and 'class="foretold"' in page and "Rain, up to 24 mm/h" in page
    assert "Sea as predicted, m" in page


def _told_of_rain_and_tide(settings: Settings) -> None:
    folder = settings.cities_dir / "gridtown" / "flooding"
    (folder / "sources.toml").write_text(
        '[[source]]\nid = "sea"\nkind = "tide"\nadapter = "json"\nitems = "levels"\nunit = "m"\n'
        '[source.columns]\ntime = "time"\nvalue = "level_m"\n',
        "utf-8",
    )
    levels = [
        {"time": (NOW + timedelta(hours=hour)).isoformat(), "level_m": round(float(np.sin(hour / 2)), 2)}
        for hour in range(-12, 24)
    ]
    document = {"id": "harbour", "lon": 24.955, "lat": 60.17, "levels": levels}
    database = open_database(settings.database_url)
    assert take(settings, database, "sea", json.dumps(document).encode(), NOW).tides
    begin = NOW - timedelta(minutes=30)
    with database.transaction() as connection:
        rain = Rain(connection, "gridtown")
        rain.add_readings(
            [
                RainReading(
                    id="g1", gauge="g", lon=24.95, lat=60.17, start=begin, end=begin + timedelta(minutes=15),
                    rain_mm=6.0, received_at=NOW,
                )
            ]
        )  # fmt: skip
        rain.add_forecasts(
            [
                RainForecast(
                    source="made", issued_at=NOW - timedelta(hours=1), lon=24.95, lat=60.17, step_s=3600.0,
                    starts=NOW.timestamp() + 3600.0 * np.arange(6), rain_mm=np.full((3, 6), 2.0),
                )
            ],
            received_at=NOW,
        )  # fmt: skip
    database.close()


def test_a_site_without_a_name_is_called_by_its_street_or_its_id(
    client: TestClient, settings: Settings, cities: Path, tmp_path: Path
) -> None:
    quay, underpass = two_sites(cities)
    nameless: list[Site] = [replace(quay, name="", roads=()), replace(underpass, name="")]
    folder = town_with(cities, tmp_path / "nameless", nameless)
    settings.cities_dir.rename(tmp_path / "was")
    folder.rename(settings.cities_dir)
    released(settings, forecast_of(SITES))
    page = page_of(client)
    assert ">First Street</a>" in page and ">quay</a>" in page
