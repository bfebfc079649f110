"""The reader of SUMO's signals: what is cut short or contradicts itself is refused, nothing is made up."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import read_net
from trafficfeed.network.sumo_signals import UNBOUNDED_S, read_signals
from trafficfeed.settings import REPOSITORY


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = tmp_path_factory.mktemp("grid") / "grid.net.xml"
    command = [binary("netgenerate"), "--grid", "--grid.number", "2", "--default-junction-type", "traffic_light"]
    subprocess.run([*command, "--grid.attach-length", "90", "-o", net], check=True, capture_output=True)
    return net


def test_links_know_their_row_in_the_matrix_and_rows_agree(grid: Path) -> None:
    net = read_signals(grid, read_net(grid))
    assert {link.signal for link in net.links} == {programme.signal for programme in net.programmes}
    for link in net.links:
        foes = net.foes[link.junction]
        assert 0 <= link.request < len(foes)
        assert (foes == foes.T).all()
        assert link.length_m > 0


def test_a_static_programme_keeps_its_durations_and_an_open_maximum_is_bounded(grid: Path, tmp_path: Path) -> None:
    signal = read_signals(grid, read_net(grid)).programmes[0]
    extra = tmp_path / "extra.add.xml"
    state = signal.phases[0].state
    root = etree.Element("additional")
    for kind, programme in (("static", "a"), ("actuated", "b")):
        logic = etree.SubElement(root, "tlLogic", id=signal.signal, type=kind, programID=programme, offset="7")
        etree.SubElement(logic, "phase", duration="30", minDur="5", state=state)
    etree.ElementTree(root).write(extra)
    static, actuated = read_signals(grid, read_net(grid), additional_paths=[extra]).programmes[-2:]
    assert (static.static, static.offset_s) == (True, 7.0)
    assert (static.phases[0].min_s, static.phases[0].max_s) == (30.0, 30.0)
    assert (actuated.phases[0].min_s, actuated.phases[0].max_s) == (5.0, UNBOUNDED_S)


def test_additional_files_without_signals_are_passed_over_and_missing_ones_named(grid: Path, tmp_path: Path) -> None:
    other = tmp_path / "stops.add.xml"
    other.write_text("<additional><busStop id='x' lane='y'/></additional>")
    graph = read_net(grid)
    assert read_signals(grid, graph, additional_paths=[other]).programmes == read_signals(grid, graph).programmes
    with pytest.raises(SourceUnavailable, match="nowhere"):
        read_signals(grid, graph, additional_paths=[tmp_path / "nowhere.add.xml"])


def test_a_network_cut_short_is_refused(grid: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.net.xml"
    short.write_bytes(grid.read_bytes()[:-4000])
    with pytest.raises(SourceMalformed, match="whole"):
        read_signals(short, read_net(grid))


@pytest.mark.parametrize(
    ("tag", "attribute"), [("connection", "linkIndex"), ("connection", "toLane"), ("phase", "duration")]
)
def test_a_network_that_contradicts_itself_is_refused(grid: Path, tmp_path: Path, tag: str, attribute: str) -> None:
    tree = etree.parse(grid)
    for element in tree.iter(tag):
        if element.get(attribute):
            element.set(attribute, "many")
    wrong = tmp_path / "wrong.net.xml"
    tree.write(wrong)
    with pytest.raises(SourceMalformed):
        read_signals(wrong, read_net(grid))


def test_a_network_without_signals_has_none(tmp_path: Path) -> None:
    net = tmp_path / "plain.net.xml"
    command = [binary("netgenerate"), "--grid", "--grid.number", "2", "--grid.attach-length", "90", "-o", net]
    subprocess.run(command, check=True, capture_output=True)
    found = read_signals(net, read_net(net))
    assert (list(found.links), list(found.programmes), dict(found.lanes)) == ([], [], {})


def test_reading_networks_one_after_the_other_does_not_bring_the_process_down() -> None:
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package sumo-rl, which has the RESCO networks, is not installed")
    net = Path(next(iter(spec.submodule_search_locations))) / "nets" / "RESCO" / "grid4x4" / "grid4x4.net.xml"
    code = (
        "import sys, pathlib; from trafficfeed.network.sumo_net import read_net\n"
        "print([len(read_net(pathlib.Path(sys.argv[1]))) for _ in range(6)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, net], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{[80] * 6}\n")
