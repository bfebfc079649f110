"""The router trial on a small made town, with the real router."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("valhalla", reason="pyvalhalla-weekly has no wheel for this platform")

from benchmarks.router_trial.driving import touches, uses
from benchmarks.router_trial.live_traffic import tile_path
from benchmarks.router_trial.outcome import totals
from benchmarks.router_trial.partner import Matching, Partner
from benchmarks.router_trial.reading_feeds import closed_lines
from benchmarks.router_trial.sound_extract import write_sound
from benchmarks.router_trial.trial import run_trial
from tests.network.made_osm import at, street, write_osm
from trafficfeed.progress import silent

REPOSITORY = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def write_town(path: Path) -> Path:
    """Write three by three streets 120 m apart: one dual, one against its nodes, one unnamed."""
    nodes = {10 * row + column: (120.0 * column, 120.0 * row) for row in range(1, 5) for column in range(1, 5)}
    nodes |= {90 + column: (120.0 * column, 495.0) for column in range(1, 5)}
    ways: dict[int, tuple[list[int], dict[str, str]]] = {}
    for row in range(1, 5):
        along = [10 * row + column for column in range(1, 5)]
        tags = {2: {"oneway": "-1"}, 4: {"oneway": "yes", "highway": "secondary"}}.get(row, {})
        ways[100 + row] = (along, street(f"Row {row}", **tags) if row != 3 else {"highway": "tertiary"})
    ways[105] = ([94, 93, 92, 91], street("Row 4", oneway="yes", highway="secondary"))
    for column in range(1, 5):
        up = [10 * row + column for row in range(1, 5)] + [90 + column]
        ways[200 + column] = (up[:2], street(f"Column {column}"))
        ways[210 + column] = (up[1:], street(f"Column {column}"))
    return write_osm(path, nodes, ways)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.osm")


def test_a_router_that_reads_the_feed_passes_no_closure_and_still_uses_the_other_direction(
    town: Path, tmp_path: Path
) -> None:
    trial = run_trial(town, tmp_path, closures=16, seed=3, progress=silent)
    found = totals(trial.outcomes)
    assert found["closures"] == 16
    assert found["routes_through_closure"] == 0
    assert found["routes_tested"] >= 16, "too few trips used the edges while they were open"
    assert found["exact_match_share"] == 1.0, found["mismatches"]
    assert found["reverse_kept_share"] == 1.0
    assert found["reverse_routes_tested"] >= 4
    assert {one.stratum.split()[0] for one in trial.outcomes} == {"one-way", "two-way"}


def test_the_same_seed_closes_the_same_edges_and_another_seed_others(town: Path, tmp_path: Path) -> None:
    def edges(seed: int, name: str) -> list[str]:
        outcomes = run_trial(town, tmp_path / name, closures=5, seed=seed, progress=silent).outcomes
        return [one.edge for one in outcomes]

    first = edges(1, "first")
    assert edges(1, "again") == first
    assert edges(2, "other") != first


def test_the_command_prints_its_figures_as_json(town: Path) -> None:
    command = [sys.executable, "benchmarks/router.py", "--osm", town, "--closures", "3", "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["closures"] == 3
    assert (result["routes_through_closure"], result["exact_match_share"]) == (0, 1.0)
    assert result["osm"]["file"] == str(town)
    assert {"seed", "reverse_kept_share", "versions", "seconds", "mismatches", "rules"} <= result.keys()


@pytest.fixture(scope="module")
def partner(town: Path, tmp_path_factory: pytest.TempPathFactory) -> Partner:
    folder = tmp_path_factory.mktemp("partner")
    return Partner(write_sound(town, folder / "roads.osm.pbf"), folder / "router", updated=0)


ROW_3 = [at(240.0, 360.0), at(360.0, 360.0)]


def closing(matching: Matching) -> list[tuple[int, bool]]:
    return [(edge.way_id, edge.forward) for edge in matching.edges if edge.closes]


def test_the_router_uses_a_street_until_it_is_closed_and_again_afterwards(partner: Partner) -> None:
    trip = at(225.0, 360.0), at(375.0, 360.0)
    line = np.array(ROW_3)
    matching = partner.match(ROW_3)
    assert closing(matching) == [(103, True)]
    assert uses(partner.route(*trip), line)
    partner.close(matching.edges)
    shut, back = partner.route(*trip), partner.route(*trip[::-1])
    partner.traffic.open_all()
    assert shut is not None
    assert not touches(shut, [line])
    assert uses(back, line[::-1])
    assert uses(partner.route(*trip), line)


def test_a_reversed_line_closes_the_other_direction(partner: Partner) -> None:
    assert closing(partner.match(ROW_3[::-1])) == [(103, False)]


def test_an_edge_of_which_a_line_covers_little_stays_open(partner: Partner) -> None:
    shares = [round(edge.share, 1) for edge in partner.match([*ROW_3, at(390.0, 360.0)]).edges]
    assert shares == [1.0, 0.2]
    assert closing(partner.match([*ROW_3, at(390.0, 360.0)])) == [(103, True)]


def test_a_road_whose_end_the_rim_cuts_off_is_kept_for_the_router(tmp_path: Path) -> None:
    path = write_osm(tmp_path / "cut.osm", {1: (0.0, 0.0), 2: (100.0, 0.0)}, {7: ([1, 2, 3], street())})
    sound = write_sound(path, tmp_path / "sound.osm.pbf")
    assert (sound.ways, sound.cut_ways) == (1, 1)
    router = Partner(sound, tmp_path / "router", updated=0)
    assert closing(router.match([at(0.0, 0.0), at(100.0, 0.0)])) == [(7, True)]


def test_a_feed_closes_only_what_it_says_is_closed_now() -> None:
    incident = (
        "<incident id='{0}'><type>{1}</type><polyline>60.1 24.9 60.2 24.8</polyline>"
        "<starttime>2026-06-01T{2}:00:00+00:00</starttime><endtime>2026-06-01T{3}:00:00+00:00</endtime></incident>"
    )
    rows = [(1, "ROAD_CLOSED", "11", "13"), (2, "HAZARD", "11", "13"), (3, "ROAD_CLOSED", "13", "14")]
    data = f"<incidents>{''.join(incident.format(*row) for row in rows)}</incidents>".encode()
    assert [line.coordinates for line in closed_lines(data, "cifs", at=NOW)] == [((24.9, 60.1), (24.8, 60.2))]


def test_a_graph_id_says_in_which_tile_it_lies() -> None:
    assert tile_path(2 | 864819 << 3 | 4792 << 25) == "2/000/864/819.gph"
    assert tile_path(1 | 54204 << 3) == "1/054/204.gph"
