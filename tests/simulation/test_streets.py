import numpy as np
import pytest
from made_graphs import Street, graph_of
from made_runs import made_run

from trafficfeed.simulation.street_names import StreetNames
from trafficfeed.simulation.streets import edge_traffic, full_edges, streets_of

JUNCTIONS = {"a": (0, 0), "b": (200, 0), "c": (400, 0), "d": (200, 200), "e": (400, 200), "f": (200, 400)}
STREETS = [
    Street(name="Main Street", nodes=("a", "b", "c")),
    Street(name="Side Street", nodes=("b", "d")),
    Street(name="", nodes=("d", "f")),
    Street(name="", nodes=("d", "e")),
    Street(name="", nodes=("e", "c")),
]


@pytest.fixture
def graph():
    return graph_of(JUNCTIONS, STREETS)


def traffic_of(graph, *runs):
    return edge_traffic([made_run(trips=[1], edges=edges) for edges in runs], graph)


def rows_of(graph, base, plan, closed=()):
    shut = [graph.index[edge] for edge in closed]
    return streets_of(base, plan, graph, closed=shut, names=StreetNames(graph))


def test_edges_of_one_name_that_hang_together_are_one_street_and_both_directions(graph):
    street = StreetNames(graph).street
    main = [street[graph.index[edge]] for edge in ("a>b", "b>c", "c>b", "b>a")]

    assert len(set(main)) == 1
    assert street[graph.index["b>d"]] == street[graph.index["d>b"]] != main[0]


def test_a_road_without_a_name_goes_on_until_another_joins(graph):
    street = StreetNames(graph).street

    assert street[graph.index["d>e"]] == street[graph.index["e>c"]] == street[graph.index["c>e"]]
    assert street[graph.index["d>f"]] != street[graph.index["d>e"]]


def test_a_street_is_told_by_its_cross_streets_and_direction(graph):
    assert StreetNames(graph).stretch(graph.index["b>d"]) == {
        "street": "Side Street",
        "from_street": "Main Street",
        "to_street": "",
        "compass": "northbound",
    }


def test_a_road_without_a_name_is_told_by_the_street_it_leaves_or_by_its_place(graph):
    alone = graph_of({"x": (0, 0), "y": (100, 0)}, [Street(name="", nodes=("x", "y"), highway="")])

    assert StreetNames(graph).name(graph.index["e>c"]) == "unnamed residential road off Main Street"
    assert StreetNames(alone).name(0) == "unnamed road near 7.0007, 50.0000"


def test_streets_are_listed_by_how_much_they_change_the_closed_one_first(graph):
    base = traffic_of(graph, {"a>b": (100, 60, 0)}, {"a>b": (102, 61, 0)}, {"a>b": (98, 59, 0)})
    plan = traffic_of(graph, *({"a>b": (5, 3, 0), "b>d": (90, 900, 0), "d>f": (50, 10, 0)},) * 3)

    rows = rows_of(graph, base, plan, closed=["a>b"])

    assert [row["street"] for row in rows] == ["Main Street", "Side Street", "unnamed residential road off Side Street"]
    assert rows[0]["closed"] and rows[0]["flow_change"] == -95
    assert rows[1]["delay_change_h"] == pytest.approx(0.25)


def test_a_change_within_the_noise_between_seeds_is_not_listed(graph):
    base = traffic_of(graph, {"b>d": (100, 60, 0)}, {"b>d": (130, 80, 0)}, {"b>d": (80, 50, 0)})
    plan = traffic_of(graph, {"b>d": (120, 70, 0)}, {"b>d": (110, 70, 0)}, {"b>d": (95, 65, 0)})

    assert rows_of(graph, base, plan) == []


def test_a_queue_that_fills_a_street_spills_back_where_it_did_not_before(graph):
    base = traffic_of(graph, *({"b>d": (100, 60, 50)},) * 3)
    plan = traffic_of(graph, *({"b>d": (100, 90, 195)},) * 3)

    assert full_edges(plan, graph)[:, graph.index["b>d"]].all()
    assert [row["street"] for row in rows_of(graph, base, plan) if row["spill_back"]] == ["Side Street"]


def test_edges_that_a_run_does_not_name_carried_nothing(graph):
    traffic = traffic_of(graph, {"a>b": (3, 1, 0), ":junction": (9, 9, 9)})

    assert traffic.entered.sum() == 3
    assert traffic.entered.shape == (1, len(graph))
    assert np.all(traffic.max_queue_m == 0)
