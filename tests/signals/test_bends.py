"""Bends with poor sight: the formulas, what a graph shows of them, and how long a presence is believed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import radians

import numpy as np
import pytest
import shapely
from made_bends import bent_road
from made_graphs import grid, lonlat

from trafficfeed.errors import OrderInvalid, ScenarioInvalid
from trafficfeed.signals.bend_finding import GivenBend, find_bends
from trafficfeed.signals.bend_presence import PresenceBoard
from trafficfeed.signals.bends import BendThresholds, sight_distance_m, stopping_distance_m

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("kmh", "metres"), [(30, 31.2), (50, 63.1), (80, 128.2), (100, 182.9)])
def test_the_way_to_stop_is_that_of_the_tables(kmh: float, metres: float) -> None:
    """AASHTO, table of stopping sight distances on level roads, calculated: 31.2, 63.1 (50 km/h), 129.0, 184.2."""
    assert stopping_distance_m(kmh / 3.6) == pytest.approx(metres, rel=0.01)


@pytest.mark.parametrize("radius_m", [20.0, 60.0, 200.0])
@pytest.mark.parametrize("turn_deg", [20.0, 60.0, 120.0, 200.0])
@pytest.mark.parametrize("clear_m", [1.5, 3.5, 8.0])
def test_sight_is_what_a_chord_beside_the_obstacle_leaves(radius_m: float, turn_deg: float, clear_m: float) -> None:
    """Look along the real road: from so far before its middle to so far behind, the line passes the obstacle."""
    turn = radians(turn_deg)
    half = sight_distance_m(radius_m, turn, clear_m) / 2
    along = np.linspace(0, half, 400)
    arc = np.minimum(along, radius_m * turn / 2)
    beyond = along - arc
    depth = radius_m * (1 - np.cos(arc / radius_m)) + beyond * np.sin(arc / radius_m)
    assert depth[-1] == pytest.approx(clear_m, rel=1e-6)


def test_a_tight_bend_is_found_in_both_directions_with_its_radius_and_its_turn() -> None:
    (bend,) = find_bends(bent_road(40, 90)).values()
    assert bend.radius_m == pytest.approx(40, rel=0.15)
    assert bend.turn_deg == pytest.approx(90, abs=8)
    assert bend.sight_m < bend.stopping_m
    assert (bend.title, bend.found) == ("Quarry Road", True)
    assert sorted(own.compass for own in bend.approaches) == ["eastbound", "southbound"]


@pytest.mark.parametrize(("radius_m", "turn_deg"), [(400, 90), (40, 12)])
def test_a_wide_bend_and_a_slight_one_are_none(radius_m: float, turn_deg: float) -> None:
    assert find_bends(bent_road(radius_m, turn_deg)) == {}


def test_the_slower_the_street_the_fewer_bends_are_poor() -> None:
    limits = BendThresholds(least_speed_mps=0)
    assert find_bends(bent_road(60, 90, speed_mps=13.9), limits)
    assert find_bends(bent_road(60, 90, speed_mps=8.3), limits) == {}


def test_a_bend_is_one_whether_its_road_is_one_edge_or_three() -> None:
    (whole,) = find_bends(bent_road(40, 90)).values()
    (cut,) = find_bends(bent_road(40, 90, cuts=(12, 28))).values()
    assert cut.radius_m == pytest.approx(whole.radius_m, rel=0.02)
    assert [own.lead_m for own in cut.approaches] == pytest.approx([own.lead_m for own in whole.approaches], abs=5)


def test_turning_at_a_junction_is_no_bend() -> None:
    assert find_bends(grid(3, 3), BendThresholds(least_turn_deg=10)) == {}


def test_the_geofence_holds_the_way_to_stop_before_the_bend_and_the_sector_those_who_come_by_it() -> None:
    (bend,) = find_bends(bent_road(40, 90, one_way=True)).values()
    (own,) = bend.approaches
    fence = shapely.Polygon(own.fence)
    assert fence.is_valid and own.fence[0] == own.fence[-1]
    assert own.lead_m >= stopping_distance_m(13.9)
    assert fence.contains(shapely.Point(lonlat((-60.0, 0.0))[0]))
    assert fence.contains(shapely.Point(bend.lonlat))
    assert not fence.contains(shapely.Point(lonlat((-140.0, 0.0))[0]))
    assert not fence.contains(shapely.Point(lonlat((-60.0, 20.0))[0]))
    assert own.admits(90) and own.admits(45) and own.admits(0)
    assert not own.admits(270) and not own.admits(180)


def test_ids_stay_when_the_same_network_is_read_again() -> None:
    assert list(find_bends(bent_road(40, 90))) == list(find_bends(bent_road(40, 90, cuts=(20,))))


def test_a_bend_given_by_hand_is_taken_on_any_road_and_keeps_the_sight_that_was_measured() -> None:
    straight = GivenBend(id="hill", title="Blind summit", lonlat=lonlat((100.0, 0.0))[0], sight_m=25.0)
    bends = find_bends(grid(3, 3), given=[straight])
    assert (bends["hill"].sight_m, bends["hill"].found, len(bends["hill"].approaches)) == (25.0, False, 2)
    here = GivenBend(id="quarry", title="Quarry bend", lonlat=lonlat((28.0, 12.0))[0])
    (only,) = find_bends(bent_road(40, 90), given=[here]).values()
    assert only.id == "quarry", "what was given is not found a second time"
    with pytest.raises(ScenarioInvalid, match="no street"):
        find_bends(grid(3, 3), given=[GivenBend(id="sea", title="Sea", lonlat=(0.0, 0.0))])


@pytest.fixture
def board() -> PresenceBoard:
    return PresenceBoard({"quarry": next(iter(find_bends(bent_road(40, 90)).values()))})


def _report(board: PresenceBoard, after_s: float = 0, seen_s: float | None = None, **more: object) -> object:
    at = NOW + timedelta(seconds=after_s)
    observed = at if seen_s is None else NOW + timedelta(seconds=seen_s)
    return board.report("quarry", "camera", observed_at=observed, as_of=at, **more)  # type: ignore[arg-type]


def _warned(board: PresenceBoard, after_s: float) -> list[tuple[int, ...]]:
    return [one.warned for one in board.warnings(NOW + timedelta(seconds=after_s))]


def test_a_warning_lives_as_long_as_the_presence_and_is_gone_by_itself(board: PresenceBoard) -> None:
    _report(board)
    assert _warned(board, 1.99) == [(1, 2)]
    assert _warned(board, 2.0) == []
    for second in range(5):
        _report(board, second)
    (held,) = board.warnings(NOW + timedelta(seconds=4.5))
    assert held.since == NOW and held.expires_at == NOW + timedelta(seconds=6)


@pytest.mark.parametrize(("asked_s", "given_s"), [(0.1, 1.0), (1.5, 1.5), (3600, 2.0)])
def test_nothing_is_believed_for_less_than_one_second_or_more_than_two(
    board: PresenceBoard, asked_s: float, given_s: float
) -> None:
    _report(board, lasts=timedelta(seconds=asked_s))
    (held,) = board.warnings(NOW)
    assert held.expires_at == NOW + timedelta(seconds=given_s)


def test_who_comes_by_one_approach_is_told_to_the_others(board: PresenceBoard) -> None:
    _report(board, approach=1, kind="bicycle")
    (held,) = board.warnings(NOW)
    assert (held.warned, held.kinds) == ((2,), ("bicycle",))


def test_what_comes_late_or_again_or_from_the_future_warns_nobody(board: PresenceBoard) -> None:
    assert _report(board, after_s=3, seen_s=0) is None
    assert _warned(board, 3) == []
    _report(board, after_s=10)
    assert _report(board, after_s=10.5, seen_s=9) is None, "older than what this detector said before"
    _report(board, after_s=10.5, seen_s=10)
    assert _warned(board, 11.99) == [(1, 2)] and _warned(board, 12) == []
    with pytest.raises(OrderInvalid, match="future"):
        _report(board, after_s=20, seen_s=25)
    with pytest.raises(OrderInvalid, match="no approach 7"):
        _report(board, after_s=20, approach=7)


def test_the_ends_of_a_second_report_never_come_before_those_of_the_first(board: PresenceBoard) -> None:
    ends = []
    for tenth in range(20):
        _report(board, tenth / 10)
        ends += [one.expires_at for one in board.warnings(NOW + timedelta(seconds=tenth / 10))]
    assert all(a <= b for a, b in pairwise(ends)) and len(ends) == 20
