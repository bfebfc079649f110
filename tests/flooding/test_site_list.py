"""The list by hand: what it may say, and how it is told what is wrong, by line, entry and field."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.flooding.site_list import SiteList, read_site_list

WHOLE = """
[[site]]
id = "station-underpass"
name = "Station underpass"
at = [7.0, 50.0]
terrain = false
radius_m = 20
sensors = ["gauge-7", "gauge-8"]
elevation_m = 3.2
bowl = { depth_m = [0, 0.2, 0.6], area_m2 = [0, 100, 300] }
catchment_m2 = 4000
drain_m3ps = 0.05
outfall_level_m = 0.9
tidal = true

[[site.history]]
started_at = 2025-07-05T14:00:00+02:00
ended_at = 2025-07-05T16:30:00+02:00
max_depth_m = 0.4

[[site]]
id = "river-road"
road = [{ street = "River Road", between = ["A Street", "B Street"], travel = "forward" }]
bowl = { depth_m = [0, 0.5], volume_m3 = [0, 90] }

[[bridge]]
at = [7.001, 50.001]
reason = "the railway's"
"""


def read(tmp_path: Path, text: str) -> SiteList:
    path = tmp_path / "sites.toml"
    path.write_text(text, "utf-8")
    return read_site_list(path)


def refused(tmp_path: Path, text: str) -> ScenarioInvalid:
    with pytest.raises(ScenarioInvalid) as caught:
        read(tmp_path, text)
    return caught.value


def test_everything_that_is_known_of_a_place_can_be_said(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    first, second = found.sites
    assert (first.id, first.lonlat, first.terrain, first.tidal) == ("station-underpass", (7.0, 50.0), False, True)
    assert first.sensors == ("gauge-7", "gauge-8")
    assert first.bowl is not None
    assert first.bowl.volume_m3 == pytest.approx((0, 10, 90))  # half of 0.2 × 100, then 0.4 × 200
    assert first.history[0].started_at == datetime(2025, 7, 5, 12, tzinfo=UTC)
    assert second.lonlat is None and second.roads[0].between == ("A Street", "B Street")
    assert second.bowl is not None and second.bowl.volume_m3 == (0, 90)
    assert found.bridges[0].lonlat == (7.001, 50.001)


def past(start: str, end: str, depth_m: float) -> str:
    head = 'id = "a"\nat = [7, 50]\n[[site.history]]'
    return f"{head}\nstarted_at = {start}\nended_at = {end}\nmax_depth_m = {depth_m}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    (
        ('id = "a"\nat = [95.0, 192.0]', "site 1 (a), at[1]: Input should be less than or equal to 90, not 192.0"),
        ('id = "A b"\nat = [7, 50]', "site 1 (A b), id: String should match pattern"),
        ('id = "a"', "site 1 (a): say where it is"),
        ('at = [7, 50]', "site 1, id: Field required"),
        ('id = "a"\nat = [7, 50]\ndrain = 3', "site 1 (a), drain: no such field"),
        ('id = "a"\nat = [7, 50]\ndrain_m3ps = 80', "drain_m3ps: Input should be less than or equal to 50, not 80"),
        ('id = "a"\nat = [7, 50]\noutfall_level_m = 90', "outfall_level_m: Input should be less than or equal to 15"),
        ('id = "a"\nat = [7, 50]\nbowl = { depth_m = [0, 1] }', "bowl: a bowl has depth_m and either"),
        ('id = "a"\nat = [7, 50]\nbowl = { depth_m = [0, 1], area_m2 = [0, 1, 2] }', "2 depths and 3 areas or volumes"),
        ('id = "a"\nat = [7, 50]\nbowl = { depth_m = [0.1, 1], area_m2 = [0, 1] }', "depth_m begins with 0 and rises"),
        ('id = "a"\nat = [7, 50]\nbowl = { depth_m = [0, 30], area_m2 = [0, 1] }', "depth_m[1]: Input should be less"),
        ('id = "a"\nat = [7, 50]\nbowl = { depth_m = [0, 1], volume_m3 = [5, 9] }', "volume_m3 begins with 0"),
        (past("2025-07-05T14:00:00", "2025-07-05T15:00:00Z", 0.2), "history[0].started_at: Input should have timezone"),
        (past("2025-07-05T14:00:00Z", "2025-07-05T13:00:00Z", 0.2), "history[0]: ended_at comes after started_at"),
        (past("2025-07-05T14:00:00Z", "2025-07-05T15:00:00Z", 30), "max_depth_m: Input should be less than or equal"),
    ),
)  # fmt: skip
def test_what_is_wrong_is_said_by_line_entry_and_field(tmp_path: Path, wrong: str, said: str) -> None:
    error = refused(tmp_path, f"# known places\n\n[[site]]\n{wrong}\n")
    where = f"{error.findings[0].where}: {error.findings[0].message}"
    assert where.startswith("sites.toml line 3, site 1")
    assert said in where
    assert said[:20] in str(error)


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    error = refused(tmp_path, '[[site]]\nid = "a"\n\n[[site]]\nid = "b"\nat = [7, 95]\n\n[[bridge]]\nreach_m = -1\n')
    assert [finding.where for finding in error.findings] == [
        "sites.toml line 1, site 1 (a)",
        "sites.toml line 4, site 2 (b), at[1]",
        "sites.toml line 8, bridge 1, reach_m",
    ]
    assert "(and 2 more)" in str(error)


@pytest.mark.parametrize(
    ("second", "said"),
    (
        ('id = "a"\nat = [7.1, 50.1]', "2 sites have the id 'a'"),
        ('id = "b"\nat = [7.1, 50.1]\nsensors = ["g1"]', "sensor 'g1' is listed 2 times"),
        ('id = "b"\nat = [7.0, 50.0]', "lies where 'a' lies"),
    ),
)
def test_duplicates_are_refused(tmp_path: Path, second: str, said: str) -> None:
    error = refused(tmp_path, f'[[site]]\nid = "a"\nat = [7.0, 50.0]\nsensors = ["g1"]\n\n[[site]]\n{second}\n')
    assert said in error.findings[-1].message
    assert error.findings[-1].where.startswith("sites.toml line 6, site 2")


def test_a_file_that_is_no_toml_or_not_there_is_said_so(tmp_path: Path) -> None:
    assert "at line 2, column" in str(refused(tmp_path, "[[site]]\nid = here\n"))
    assert "site: Input should be a valid tuple" in str(refused(tmp_path, 'site = "market"\n'))
    assert "sitez: no such field" in str(refused(tmp_path, "[[sitez]]\n"))
    with pytest.raises(SourceUnavailable, match="is not there"):
        read_site_list(tmp_path / "none.toml")
