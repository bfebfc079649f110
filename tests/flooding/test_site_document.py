"""Sites on disk: read back as written, the same bytes for the same sites, nothing half written."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.flooding.site_document import SitesNote, read_note, read_sites, write_sites
from trafficfeed.flooding.sites import PastFlood, Site, SiteRoad, SiteSource, StageVolume

BARE = Site(id="b", name="", lon=7.0, lat=50.0, source=SiteSource.SENSOR)
FULL = Site(
    id="a",
    name="Marché, 码头",
    lon=7.123457,
    lat=-50.1,
    source=SiteSource.LIST,
    elevation_m=1.25,
    bowl=StageVolume(depth_m=(0.0, 0.1, 0.5), volume_m3=(0.0, 3.0, 40.5)),
    catchment_m2=1200.0,
    drain_m3ps=0.05,
    outfall_level_m=0.8,
    tidal=True,
    roads=(SiteRoad(edge="e1", sill_m=0.12, from_m=3.5, to_m=20.0), SiteRoad(edge="e2")),
    history=(
        PastFlood(
            started_at=datetime(2025, 1, 5, 6, tzinfo=UTC),
            ended_at=datetime(2025, 1, 5, 9, tzinfo=UTC),
            max_depth_m=0.3,
        ),
    ),
    sensors=("g1", "g2"),
)
NOTE = SitesNote(
    city="c", network_hash="n", inputs_hash="i", terrain="d.tif", terrain_label="synthetic", synthetic=True
)


def test_sites_come_back_as_they_were_by_id(tmp_path: Path) -> None:
    write_sites([BARE, FULL], tmp_path / "flooding" / "sites.json", NOTE)
    assert read_sites(tmp_path / "flooding" / "sites.json") == (FULL, BARE)
    assert read_note(tmp_path / "flooding" / "sites.json") == NOTE


def test_the_same_sites_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    turned = Site(**{**_fields(FULL), "roads": FULL.roads[::-1], "sensors": FULL.sensors[::-1]})
    write_sites([FULL, BARE], tmp_path / "a.json", NOTE)
    write_sites([BARE, turned], tmp_path / "b.json", NOTE)
    write_sites(read_sites(tmp_path / "a.json"), tmp_path / "c.json", NOTE)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "c.json").read_bytes()


def test_a_site_that_cannot_be_written_leaves_the_last_file(tmp_path: Path) -> None:
    path = tmp_path / "sites.json"
    write_sites([FULL], path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_sites([Site(**{**_fields(FULL), "elevation_m": float("nan")})], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["sites.json"]


def test_sites_of_another_network_are_refused(tmp_path: Path) -> None:
    write_sites([FULL], tmp_path / "s.json", NOTE)
    assert read_sites(tmp_path / "s.json", network_hash="n") == (FULL,)
    with pytest.raises(ScenarioInvalid, match="another network: run `trafficfeed flooding places`"):
        read_sites(tmp_path / "s.json", network_hash="m")


def test_what_is_damaged_or_not_there_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    with pytest.raises(SourceUnavailable, match="build it with"):
        read_sites(path)
    path.write_text("{", "utf-8")
    with pytest.raises(SourceMalformed, match="is damaged"):
        read_sites(path)
    path.write_text(json.dumps({"format": 0, "sites": []}), "utf-8")
    with pytest.raises(ScenarioInvalid, match="another version"):
        read_sites(path)
    path.write_text(json.dumps({"format": 1, "sites": [{"id": "a"}]}), "utf-8")
    with pytest.raises(SourceMalformed, match="is damaged"):
        read_sites(path)


def _fields(site: Site) -> dict[str, object]:
    return {name: getattr(site, name) for name in Site.__dataclass_fields__}
