"""SUMO's states as public aspects, held against what SUMO itself does in a run."""

import subprocess
from itertools import accumulate
from pathlib import Path

import pytest
from lxml import etree
from signalled_networks import built, made_grid, network

from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import read_net
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.signal_index import SumoSignal
from trafficfeed.signals.topology import SignalPlan
from trafficfeed.signals.topology_building import build_topology


def made_signal(**changes: object) -> SumoSignal:
    values: dict[str, object] = {"signal": "tl", "intersection": "a", "group_of_link": (1, 2, 3), **changes}
    return SumoSignal(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [0, 17])
def test_plans_say_what_sumo_shows_second_by_second(tmp_path: Path, offset: int) -> None:
    net = made_grid(tmp_path, "--tls.cycle.time", "70")
    tree = etree.parse(net)
    for logic in tree.iter("tlLogic"):
        logic.set("offset", str(offset))
    tree.write(net)
    topology, index = build_topology(read_net(net), net)
    states = _run(net, [one.signal for one in index.by_id.values()], tmp_path)
    compared = 0
    for id, one in index.by_id.items():
        plan = topology.intersections[id].plans[0]
        shown: dict[int, Aspect] = {}
        for second, state in states[one.signal]:
            shown = one.aspects(state, shown)
            if second > plan.cycle_s:  # the first cycle's ambers may follow a green that was not seen
                assert {group: aspect.value for group, aspect in shown.items()} == dict(_at(plan, second))
                compared += 1
    assert compared > 500


def test_an_amber_is_a_permissive_clearance_after_a_permissive_green_alone() -> None:
    signal = made_signal()
    after = signal.aspects("yyr", {1: Aspect.PERMISSIVE_GREEN, 2: Aspect.PROTECTED_GREEN})
    assert after == {1: Aspect.PERMISSIVE_AMBER, 2: Aspect.PROTECTED_AMBER, 3: Aspect.STOP_AND_REMAIN}


def test_an_amber_whose_green_was_not_seen_is_told_by_the_plans() -> None:
    assert made_signal(permissive=frozenset({1})).aspects("yyr")[1] is Aspect.PERMISSIVE_AMBER
    assert made_signal().aspects("yyr")[1] is Aspect.PROTECTED_AMBER


def test_a_full_green_that_must_yield_to_another_is_published_as_permissive() -> None:
    signal = made_signal(yields=frozenset({(0, 2)}))
    assert signal.aspects("GrG")[1] is Aspect.PERMISSIVE_GREEN
    assert signal.aspects("Grr")[1] is Aspect.PROTECTED_GREEN


def test_links_of_a_group_that_disagree_show_the_more_cautious_aspect() -> None:
    assert made_signal(group_of_link=(1, 1)).aspects("Gr") == {1: Aspect.STOP_AND_REMAIN}


def test_a_letter_that_is_missing_or_unknown_is_unavailable() -> None:
    assert made_signal().aspects("G?") == {
        1: Aspect.PROTECTED_GREEN,
        2: Aspect.UNAVAILABLE,
        3: Aspect.UNAVAILABLE,
    }


def test_signals_switched_off_are_dark_or_flash() -> None:
    assert list(made_signal().aspects("oOs").values()) == [
        Aspect.FLASHING_AMBER,
        Aspect.DARK,
        Aspect.STOP_THEN_PROCEED,
    ]


def test_links_and_groups_lead_to_each_other() -> None:
    _, index = built("cologne8")
    for one in index.by_id.values():
        for group in set(one.group_of_link) - {0}:
            for link in one.links_of(group):
                assert index.key_of(one.signal, link) == (one.intersection, group)
    assert index.key_of("no such signal", 0) is None
    assert index.key_of(one.signal, 10_000) is None


def test_public_lanes_lead_back_to_sumo_s() -> None:
    topology, index = built("cologne8")
    edges = set(network("cologne8")[0].edge_ids)
    for id, one in index.by_id.items():
        assert set(one.lanes) == {lane.id for lane in topology.intersections[id].lanes}
        assert {lane.rpartition("_")[0] for lane in one.lanes.values()} <= edges


def _run(net: Path, signals: list[str], folder: Path) -> dict[str, list[tuple[float, str]]]:
    """Let SUMO run two and a half cycles, and return each signal's states by second."""
    additional, out = folder / "states.add.xml", folder / "states.xml"
    root = etree.Element("additional")
    for signal in signals:
        etree.SubElement(root, "timedEvent", type="SaveTLSStates", source=signal, dest=str(out))
    etree.ElementTree(root).write(additional)
    subprocess.run(
        [binary("sumo"), "-n", net, "-a", additional, "--end", "180", "--no-step-log"], check=True, capture_output=True
    )
    states: dict[str, list[tuple[float, str]]] = {}
    for row in etree.parse(out).iter("tlsState"):
        states.setdefault(row.get("id", ""), []).append((float(row.get("time", 0)), row.get("state", "")))
    return states


def _at(plan: SignalPlan, second: float) -> dict[int, str]:
    position = (second - plan.offset_s) % plan.cycle_s
    ends = accumulate(stage.duration_s for stage in plan.stages)
    return dict(next(stage.aspects for stage, end in zip(plan.stages, ends, strict=True) if position < end))
