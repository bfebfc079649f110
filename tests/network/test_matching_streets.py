"""Streets by name, from junction to junction."""

import pytest
from made_graphs import Street, boulevard, graph_of, grid, ids_of

from trafficfeed.network.street_matching import match_street


def test_a_street_between_two_cross_streets_gives_one_section_for_each_direction():
    graph = grid()
    match = match_street(graph, "R2 Road", ("C1 Street", "C3 Street"))
    assert ids_of(graph, match.sections) == [["c1r2>c2r2", "c2r2>c3r2"], ["c3r2>c2r2", "c2r2>c1r2"]]
    there, back = match.sections
    assert (there.from_street, there.to_street, there.compass) == ("C1 Street", "C3 Street", "eastbound")
    assert (back.from_street, back.to_street, back.compass) == ("C3 Street", "C1 Street", "westbound")
    assert there.confidence == 1.0
    assert match.findings == ()


def test_forward_runs_from_the_first_cross_street_to_the_second():
    graph = grid()
    forward = match_street(graph, "C2 Street", ("R3 Road", "R1 Road"), "forward")
    assert ids_of(graph, forward.sections) == [["c2r3>c2r2", "c2r2>c2r1"]]
    backward = match_street(graph, "C2 Street", ("R3 Road", "R1 Road"), "backward")
    assert ids_of(graph, backward.sections) == [["c2r1>c2r2", "c2r2>c2r3"]]


@pytest.mark.parametrize("written", ["c2 street", "C2 ST", "C2 St.", "  C2   Street "])
def test_case_spaces_and_abbreviations_do_not_matter_but_the_network_s_writing_is_reported(written):
    match = match_street(grid(), written, ("R1 Road", "R2 rd"))
    assert [s.street for s in match.sections] == ["C2 Street", "C2 Street"]
    assert match.sections[0].to_street == "R2 Road"


def test_a_missing_accent_is_forgiven_with_less_confidence():
    junctions = {"a": (0, 0), "b": (100, 0)}
    match = match_street(graph_of(junctions, [Street(name="Töölönkatu", nodes=["a", "b"])]), "Toolonkatu", None)
    assert [s.street for s in match.sections] == ["Töölönkatu"] * 2
    assert match.sections[0].confidence == 0.9


def test_either_language_of_a_name_finds_the_street():
    junctions = {"a": (0, 0), "b": (100, 0)}
    graph = graph_of(junctions, [Street(name="Rue Neuve - Nieuwstraat", nodes=["a", "b"])])
    assert match_street(graph, "Nieuwstraat", None).sections
    assert match_street(graph, "rue neuve", None).sections


def test_an_unknown_name_is_refused_with_the_names_that_look_like_it():
    match = match_street(grid(), "C22 Stret", None)
    assert not match.sections
    (finding,) = match.findings
    assert finding.severity == "error"
    assert "'C22 Stret' is not a street" in finding.message
    assert "C2 Street" in finding.mend


def test_a_network_without_names_says_so():
    (finding,) = match_street(grid(named=False), "Main Street", None).findings
    assert "no street names" in finding.mend


def test_streets_that_do_not_meet_are_refused_with_the_streets_that_do():
    (finding,) = match_street(grid(), "R2 Road", ("C1 Street", "R4 Road")).findings
    assert "'R2 Road' and 'R4 Road' do not meet" in finding.message
    assert "'C3 Street'" in finding.mend


def test_the_same_cross_street_at_both_ends_is_refused():
    (finding,) = match_street(grid(), "R2 Road", ("C1 Street", "C1 Street")).findings
    assert "same junction" in finding.message


def test_a_cross_street_met_twice_is_ambiguous_and_both_places_are_named():
    junctions = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (900, 0), "e": (300, 200), "f": (600, 200)}
    graph = graph_of(
        junctions,
        [
            Street(name="Long Road", nodes=["a", "b", "c", "d"]),
            Street(name="Crescent", nodes=["b", "e", "f", "c"]),
            Street(name="End Street", nodes=["d", "f"]),
        ],
    )
    match = match_street(graph, "Long Road", ("Crescent", "End Street"))
    assert not match.sections
    assert "'Long Road' meets 'Crescent' twice" in match.findings[0].message
    assert len(match.findings[0].detail["crossings"]["Crescent"]) == 2


def test_a_boulevard_s_two_carriageways_are_one_crossing_and_each_direction_has_its_own_edges():
    graph = boulevard()
    match = match_street(graph, "Grand Avenue", ("A Street", "C Street"))
    assert ids_of(graph, match.sections) == [["s0>s1", "s1>s2"], ["n2>n1", "n1>n0"]]
    across = match_street(graph, "B Street", ("South Rim", "Grand Avenue"))
    assert ids_of(graph, across.sections) == [["d1>s1"], ["s1>d1"]]


def test_a_one_way_street_gives_its_one_direction_and_refuses_the_other():
    graph = boulevard(names=("East Way", "West Way"))
    assert ids_of(graph, match_street(graph, "East Way", ("A Street", "C Street")).sections) == [["s0>s1", "s1>s2"]]
    against = match_street(graph, "East Way", ("C Street", "A Street"), "forward")
    assert against.findings[0].rule == "match.one_way"
    assert not against.sections


def test_a_street_interrupted_by_a_square_leaves_the_square_out_and_says_so():
    junctions = {"a": (0, 0), "b": (200, 0), "c": (300, 0), "d": (500, 0), "n": (200, 200), "m": (300, 200)}
    graph = graph_of(
        junctions,
        [
            Street(name="King Street", nodes=["a", "b"]),
            Street(name="Market Square", nodes=["b", "c"]),
            Street(name="King Street", nodes=["c", "d"]),
            Street(name="West Lane", nodes=["a", "n"]),
            Street(name="East Lane", nodes=["d", "m"]),
        ],
    )
    match = match_street(graph, "King Street", ("West Lane", "East Lane"))
    assert ids_of(graph, match.sections) == [["a>b"], ["c>d"], ["d>c"], ["b>a"]]
    assert [f.rule for f in match.findings] == ["match.interrupted"]
    assert match.sections[0].confidence < 1


def test_an_unnamed_piece_inside_a_junction_belongs_to_the_street_through_it():
    junctions = {"a": (0, 0), "b": (200, 0), "c": (220, 0), "d": (400, 0), "n": (0, 200), "m": (400, 200)}
    graph = graph_of(
        junctions,
        [
            Street(name="King Street", nodes=["a", "b"]),
            Street(name="", nodes=["b", "c"]),
            Street(name="King Street", nodes=["c", "d"]),
            Street(name="West Lane", nodes=["a", "n"]),
            Street(name="East Lane", nodes=["d", "m"]),
        ],
    )
    match = match_street(graph, "King Street", ("West Lane", "East Lane"))
    assert ids_of(graph, match.sections) == [["a>b", "b>c", "c>d"], ["d>c", "c>b", "b>a"]]
    assert match.findings == ()


def test_two_streets_of_one_name_are_ambiguous_as_a_whole_but_not_with_cross_streets():
    junctions = {"a": (0, 0), "b": (100, 0), "c": (5000, 0), "d": (5100, 0), "e": (0, 100), "f": (100, 100)}
    graph = graph_of(
        junctions,
        [
            Street(name="Church Street", nodes=["a", "b"]),
            Street(name="Church Street", nodes=["c", "d"]),
            Street(name="A Lane", nodes=["a", "e"]),
            Street(name="B Lane", nodes=["b", "f"]),
        ],
    )
    (finding,) = match_street(graph, "Church Street", None).findings
    assert "2 streets called 'Church Street'" in finding.message
    assert ids_of(graph, match_street(graph, "Church Street", ("A Lane", "B Lane"), "forward").sections) == [["a>b"]]


def test_a_whole_two_way_street_has_no_forward():
    (finding,) = match_street(grid(), "C2 Street", None, "forward").findings
    assert "no first and second end" in finding.message


def test_a_cross_street_that_ends_at_one_carriageway_still_closes_both():
    junctions = {
        "a": (0, 0),
        "b": (200, 0),
        "c": (400, 0),
        "d": (0, 20),
        "e": (400, 20),
        "n": (200, 300),
        "m": (400, 300),
    }
    graph = graph_of(
        junctions,
        [
            Street(name="Wide Avenue", nodes=["a", "b", "c"], one_way=True),
            Street(name="Wide Avenue", nodes=["e", "d"], one_way=True),
            Street(name="First", nodes=["a", "n"]),
            Street(name="Last", nodes=["c", "m"]),
        ],
    )
    assert ids_of(graph, match_street(graph, "Wide Avenue", ("First", "Last")).sections) == [["a>b", "b>c"], ["e>d"]]


def test_a_way_that_would_turn_back_on_the_other_carriageway_is_not_the_street():
    junctions = {
        "a": (0, 0),
        "b": (300, 0),
        "c": (300, 30),
        "d": (0, 30),
        "n": (0, -200),
        "m": (0, 200),
        "o": (300, -200),
    }
    graph = graph_of(
        junctions,
        [
            Street(name="Wide Avenue", nodes=["a", "b"], one_way=True),
            Street(name="Link", nodes=["b", "c"]),
            Street(name="Wide Avenue", nodes=["c", "d"], one_way=True),
            Street(name="South", nodes=["a", "n"]),
            Street(name="North", nodes=["d", "m"]),
            Street(name="Far", nodes=["b", "o"]),
        ],
    )
    match = match_street(graph, "Wide Avenue", ("South", "North"))
    assert not match.sections
    assert match.findings[0].severity == "error"
