"""Street names as people write them, and compass directions."""

import pytest

from trafficfeed.network.naming import StreetIndex, compass, languages_of, listed, normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Main St.", "main street"),
        ("St. Mary St", "Saint Mary Street"),
        ("Hauptstr.", "Hauptstraße"),
        ("O'Connell Ave", "OConnell Avenue"),
        ("Cafe\u0301 Lane", "Café Ln"),
        ("N 5th Ave", "North 5th Avenue"),
    ],
)
def test_two_ways_of_writing_one_name_are_equal(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Main Street", "Main Road"), ("1st Street", "11th Street"), ("北京路", "南京路")]
)
def test_different_names_stay_different(one, other):
    assert normalise(one) != normalise(other)


def test_names_in_any_script_are_found():
    index = StreetIndex(["南京路", "улица Ленина", "", "南京路"])
    assert index.find("南京路")[0].tolist() == [0, 3]
    assert index.find("Улица ленина")[0].tolist() == [1]
    assert not len(index.find("")[0])


def test_a_name_of_marks_alone_is_kept_as_it_is():
    index = StreetIndex(["???", "!!!"])
    assert len(index.title) == 2


def test_the_languages_of_a_name():
    assert languages_of("Rue Neuve - Nieuwstraat") == ("Rue Neuve - Nieuwstraat", "Rue Neuve", "Nieuwstraat")
    assert languages_of("Jean-Jaurès") == ("Jean-Jaurès",)


def test_compass_directions():
    assert [compass(*v) for v in ((0, 1), (1, 0), (0, -1), (-1, 0))] == [
        "northbound",
        "eastbound",
        "southbound",
        "westbound",
    ]


def test_long_lists_are_counted():
    assert listed(["A", "B", "A", "C"], 2) == "'A', 'B' and 1 more"
