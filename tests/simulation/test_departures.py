from pathlib import Path

import pytest

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.simulation.departures import read_demand, seconds_of, stable_share


def demand(tmp_path: Path, text: str, begin: float = 0.0, end: float = 3600.0):
    path = tmp_path / "d.rou.xml"
    path.write_text(f"<routes>{text}</routes>", "utf-8")
    return read_demand([path], begin_s=begin, end_s=end)


def departures(tmp_path: Path, text: str, **window: float) -> list[tuple[str, float]]:
    return [(v.id, v.depart_s) for v in demand(tmp_path, text, **window).vehicles]


def test_a_flow_becomes_the_vehicles_that_sumo_would_name(tmp_path: Path) -> None:
    flow = '<flow id="f" begin="100" end="400" {} from="a" to="b"/>'
    expected = [("f.0", 100.0), ("f.1", 200.0), ("f.2", 300.0)]
    assert departures(tmp_path, flow.format('number="3"')) == expected
    assert departures(tmp_path, flow.format('period="100"')) == expected
    assert departures(tmp_path, flow.format('vehsPerHour="36"')) == expected


def test_a_flow_keeps_its_numbering_when_the_window_opens_in_the_middle_of_it(tmp_path: Path) -> None:
    flow = '<flow id="f" begin="0" end="400" period="100" from="a" to="b"/>'
    assert departures(tmp_path, flow, begin=150, end=350) == [("f.2", 200.0), ("f.3", 300.0)]


def test_a_random_flow_is_the_same_flow_every_time_and_has_about_its_volume(tmp_path: Path) -> None:
    flow = '<flow id="f" begin="0" end="3600" probability="0.1" from="a" to="b"/>'
    once = departures(tmp_path, flow)
    assert once == departures(tmp_path, flow)
    assert 300 < len(once) < 420


def test_types_drawn_from_a_distribution_depend_on_the_vehicle_alone(tmp_path: Path) -> None:
    members = '<vType id="car" probability="3"/><vType id="lorry" vClass="truck"/>'
    types = f'<vTypeDistribution id="mix">{members}</vTypeDistribution>'
    text = types + '<flow id="f" begin="0" end="1000" period="1" type="mix" from="a" to="b"/>'
    vehicles = demand(tmp_path, text).vehicles
    assert {v.vehicle_class for v in vehicles} == {"passenger", "truck"}
    assert 180 < sum(v.vehicle_class == "truck" for v in vehicles) < 320
    late = {v.id: v.type_id for v in demand(tmp_path, text, begin=500).vehicles}
    assert all(late[v.id] == v.type_id for v in vehicles if v.id in late)


def test_named_routes_bring_their_edges_and_stops(tmp_path: Path) -> None:
    text = (
        '<route id="r" edges="a b c"><stop busStop="s" duration="20"/></route>'
        '<vehicle id="bus" depart="00:10:00" route="r"><param key="k" value="v"/></vehicle>'
    )
    bus = demand(tmp_path, text).vehicles[0]
    assert (bus.edges, bus.depart_s, bus.has_stops) == (("a", "b", "c"), 600.0, True)
    assert bus.children[1].startswith("<param")


def test_only_what_departs_in_the_half_open_window_is_kept_in_the_order_of_departure(tmp_path: Path) -> None:
    text = "".join(f'<trip id="t{s}" depart="{s}" from="a" to="b"/>' for s in (30, 10, 20, 40))
    assert departures(tmp_path, text, begin=10, end=40) == [("t10", 10.0), ("t20", 20.0), ("t30", 30.0)]


def test_a_car_that_waits_for_a_person_is_not_part_of_the_demand(tmp_path: Path) -> None:
    text = '<vehicle id="v" depart="triggered"><route edges="a"/></vehicle><person id="p" depart="0"/>'
    assert departures(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<trip id="a" depart="0" type="ghost"/>', "ghost"),
        ('<vehicle id="a" depart="0" route="nowhere"/>', "nowhere"),
        ('<trip id="a" depart="0"/><trip id="a" depart="5"/>', "twice"),
        ("<trip", "cannot be read"),
        ('<trip id="a" depart="soonish:x"/>', "cannot be read"),
    ],
)
def test_a_broken_demand_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SourceMalformed, match=said):
        demand(tmp_path, text)


def test_a_missing_demand_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="nothing"):
        read_demand([tmp_path / "nothing.rou.xml"], begin_s=0, end_s=1)


def test_times_may_be_written_with_colons() -> None:
    assert [seconds_of(t) for t in ("90", "01:00:30", "1:00:00:10")] == [90.0, 3630.0, 86410.0]


def test_the_share_of_an_id_is_even_and_fixed() -> None:
    shares = [stable_share(f"informed {i}") for i in range(2000)]
    assert 0.45 < sum(s < 0.5 for s in shares) / 2000 < 0.55
    assert shares == [stable_share(f"informed {i}") for i in range(2000)]
