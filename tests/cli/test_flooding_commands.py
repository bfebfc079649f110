"""`trafficfeed flooding places` as a person runs it."""

from pathlib import Path

import numpy as np
import pytest
from made_graphs import grid, lonlat
from made_terrain import plain, with_pit, write_asc
from typer.testing import CliRunner

from trafficfeed.cli import app
from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.site_document import read_sites
from trafficfeed.network.city import CityFile, DemandSection, NetworkSection
from trafficfeed.network.graph_cache import save_graph
from trafficfeed.pipeline.city_folder import write_city_file


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    network = NetworkSection(net_file="n.net.xml", source="net", crs="EPSG:32632")
    demand = DemandSection(route_files=("d.rou.xml",), kind="hour", begin_s=0, end_s=3600, method="none")
    file = CityFile(
        name="town", title="T", timezone="UTC", licence="CC0", attribution="", network=network, demand=demand
    )
    write_city_file(file, folder)
    save_graph(grid(3, 3), folder / "graph")
    return folder


def test_terrain_list_and_picture_are_taken_from_the_command_line(town: Path, tmp_path: Path) -> None:
    ground = np.flipud(with_pit(plain(150, 150), 40, 40, 20, 20, 0.5))
    dem = write_asc(tmp_path / "d.asc", ground)
    text = dem.read_text().replace("yllcorner 5540248.0", "yllcorner 5540500.0")  # the grid lies north of its origin
    dem.write_text(text)
    (tmp_path / "l.toml").write_text(f'[[site]]\nid = "corner"\nat = {list(lonlat((200, 200))[0])}\n', "utf-8")
    arguments = ["flooding", "places", str(town), "--dem", str(dem), "--crs", "EPSG:32632"]
    arguments += ["--list", str(tmp_path / "l.toml"), "--picture", str(tmp_path / "p.png")]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
    assert "town: 2 flood sites → " in found.output and "listed sites: 1" in found.output
    assert (tmp_path / "p.png").is_file()
    assert {site.id for site in read_sites(town / "flooding" / "sites.json")} > {"corner"}


def test_a_model_without_crs_is_refused_and_nothing_is_written(town: Path, tmp_path: Path) -> None:
    dem = write_asc(tmp_path / "d.asc", plain())
    found = CliRunner().invoke(app, ["flooding", "places", str(town), "--dem", str(dem)])
    assert isinstance(found.exception, ScenarioInvalid) and "does not say its CRS" in str(found.exception)
    assert not (town / "flooding").exists()


def test_an_unknown_unit_is_refused(town: Path) -> None:
    found = CliRunner().invoke(app, ["flooding", "places", str(town), "--unit", "yards"])
    assert found.exit_code == 2 and "yards" in found.output
