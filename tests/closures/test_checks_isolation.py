"""Who cannot reach, or leave, what."""

from made_cases import block, checked, everywhere, measure, only, order, places
from made_graphs import Street, graph_of, grid, lonlat

from trafficfeed.closures.orders import Area, Direction, DrawnLine, Exemption, OneWay, VehicleRestriction
from trafficfeed.network.places import PlaceKind
from trafficfeed.network.vehicle_classes import VehicleClass

ADDRESS, HOSPITAL, FIRE, PARKING = (
    PlaceKind.ADDRESS,
    PlaceKind.HOSPITAL,
    PlaceKind.FIRE_STATION,
    PlaceKind.CAR_PARK,
)


def town(*, one_way_in: bool = False):
    """A ring of streets, and a cul-de-sac that leaves it by Gate Street."""
    junctions = {"a": (0, 0), "b": (1000, 0), "c": (1000, 1000), "d": (0, 1000), "g": (500, 0), "h": (500, 300)}
    junctions |= {"i": (400, 500), "j": (600, 500)}
    return graph_of(
        junctions,
        [
            Street(name="Ring", nodes=["a", "g", "b", "c", "d", "a"]),
            Street(name="Gate Street", nodes=["g", "h"]),
            Street(name="Court", nodes=["h", "i", "j", "h"], one_way=one_way_in),
        ],
    )


GATE = block("Gate Street", "Ring", "Court")


def test_what_lies_behind_the_only_entrance_is_cut_off_and_counted_by_street():
    graph = town()
    at = places(graph, (ADDRESS, "Court 1", "i>j"), (ADDRESS, "Court 2", "h>i"), (ADDRESS, "Ring 1", "b>c"))
    (finding,) = only(checked(graph, order(measure(GATE)), at=at), "isolation")
    assert (finding.rule, finding.severity) == ("isolation.address", "warning")
    assert finding.detail["count"] == 2
    assert finding.detail["by_street"] == {"Court": 2}
    assert finding.detail["labels"] == ["Court 1", "Court 2"]
    assert finding.detail["classes"] == {"passenger": 2, "custom1": 2, "delivery": 2, "truck": 2}
    assert "behind the closed streets" in finding.message


def test_addresses_on_the_closed_street_are_told_from_those_behind_it():
    graph = town()
    at = places(graph, (ADDRESS, "Gate Street 1", "g>h"), (ADDRESS, "Court 2", "h>i"))
    (finding,) = only(checked(graph, order(measure(GATE)), at=at), "isolation")
    assert "1 on the closed streets, 1 behind them" in finding.message


def test_a_second_entrance_keeps_everybody_connected():
    graph = grid()
    at = everywhere(graph)
    one = order(measure(block("R2 Road", "C1 Street", "C2 Street")))
    (finding,) = only(checked(graph, one, at=at), "isolation")
    assert set(finding.detail["by_street"]) == {"R2 Road"}
    assert finding.detail["count"] == 2


def test_residents_excepted_make_it_worth_knowing_only():
    graph = town()
    at = places(graph, (ADDRESS, "Court 1", "i>j"))
    one = order(measure(GATE, exceptions=[Exemption.EMERGENCY, Exemption.RESIDENTS]))
    (finding,) = only(checked(graph, one, at=at), "isolation")
    assert finding.severity == "info"
    assert list(finding.detail["classes"]) == ["passenger", "delivery", "truck"]


def test_a_hospital_that_emergency_vehicles_cannot_reach_is_an_error_and_with_them_excepted_a_warning():
    graph = town()
    at = places(graph, (HOSPITAL, "St. Luke's", "i>j"), (FIRE, "Station 2", "j>h"))
    without = only(checked(graph, order(measure(GATE, exceptions=())), at=at), "isolation")
    assert {(f.rule, f.severity) for f in without} == {
        ("isolation.hospital", "error"),
        ("isolation.fire_station", "error"),
    }
    assert "St. Luke's" in next(f for f in without if f.rule == "isolation.hospital").message
    excepted = only(checked(graph, order(measure(GATE)), at=at), "isolation")
    assert {f.severity for f in excepted} == {"warning"}


def test_a_car_park_is_reported_for_the_classes_that_are_kept_out():
    graph = town()
    at = places(graph, (PARKING, "Court garage", "i>j"))
    only_buses = VehicleRestriction(only=(VehicleClass.BUS, VehicleClass.DELIVERY))
    (finding,) = only(checked(graph, order(measure(GATE, rule=only_buses)), at=at), "isolation")
    assert (finding.rule, list(finding.detail["classes"])) == ("isolation.car_park", ["passenger", "custom1", "truck"])


def test_a_one_way_out_lets_people_leave_but_not_arrive():
    graph = town()
    at = places(graph, (ADDRESS, "Court 1", "i>j"))
    out = block("Gate Street", "Court", "Ring", direction=Direction.FORWARD)
    (finding,) = only(checked(graph, order(measure(out, rule=OneWay())), at=at), "isolation")
    assert (finding.detail["cannot_be_reached"], finding.detail["cannot_be_left"]) == (1, 0)
    assert "cannot be reached by" in finding.message


def test_what_another_order_has_cut_off_already_is_not_counted_again():
    graph = town()
    at = places(graph, (ADDRESS, "Court 1", "i>j"))
    theirs = order(measure(GATE), name="theirs")
    mine = order(measure(GATE))
    assert not only(checked(graph, mine, at=at, others=[theirs]), "isolation")


def test_two_closures_that_cut_off_only_together_are_found_if_they_hold_at_one_time():
    graph = graph_of(
        {"a": (0, 0), "b": (1000, 0), "c": (1000, 1000), "d": (0, 1000), "e": (300, 0), "f": (700, 0)}
        | {"x": (300, 400), "y": (700, 400)},
        [
            Street(name="Ring", nodes=["a", "e", "f", "b", "c", "d", "a"]),
            Street(name="West Gate", nodes=["e", "x"]),
            Street(name="Inner", nodes=["x", "y"]),
            Street(name="East Gate", nodes=["y", "f"]),
        ],
    )
    at = places(graph, (ADDRESS, "Inner 1", "x>y"))
    mine = order(measure(block("West Gate", "Ring", "Inner")))
    theirs = order(measure(block("East Gate", "Ring", "Inner")), name="theirs")
    later = order(measure(block("East Gate", "Ring", "Inner"), hours=(200, 210)), name="later")
    assert only(checked(graph, mine, at=at, others=[theirs]), "isolation")[0].detail["count"] == 1
    assert not only(checked(graph, mine, at=at, others=[later]), "isolation")
    both = order(
        measure(block("West Gate", "Ring", "Inner"), name="west"),
        measure(block("East Gate", "Ring", "Inner"), name="east"),
    )
    assert only(checked(graph, both, at=at), "isolation")


def test_a_ring_around_an_area_cuts_off_what_is_inside_it():
    graph = grid(7, 7)
    ring = lonlat((150, 150), (450, 150), (450, 450), (150, 450), (150, 150))
    one = order(measure(Area(ring=ring, select="entering")))
    (finding,) = only(checked(graph, one, at=everywhere(graph)), "isolation")
    assert finding.detail["cannot_be_reached"] >= 24
    assert finding.detail["cannot_be_left"] == 0


def test_places_that_no_street_is_near_are_passed_over():
    graph = town()
    at = places(graph, (ADDRESS, "Court 1", "i>j"))
    at.edge[0] = -1
    assert not only(checked(graph, order(measure(GATE)), at=at), "isolation")


def test_each_class_is_counted_by_itself_where_they_differ():
    graph = town()
    at = places(graph, (ADDRESS, "Gate Street 1", "g>h"), (ADDRESS, "Court 1", "i>j"))
    no_lorries = VehicleRestriction(banned=(VehicleClass.TRUCK,))
    court = DrawnLine(coordinates=lonlat((410, 500), (590, 500)))
    one = order(measure(GATE, rule=no_lorries, name="lorries"), measure(court, name="court"))
    (finding,) = only(checked(graph, one, at=at), "isolation")
    assert finding.detail["classes"] == {"passenger": 1, "custom1": 1, "delivery": 1, "truck": 2}
    assert "by cars, residents and deliveries (1), lorries (2)" in finding.message
