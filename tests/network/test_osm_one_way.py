"""Streets that a tag by direction makes one-way for motor vehicles."""

from pathlib import Path

import pytest
from made_osm import convert, street, write_osm

from trafficfeed.network.osm_access import one_way


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"motor_vehicle:backward": "no"}, "yes"),
        ({"vehicle:forward": "no"}, "-1"),
        ({"access:backward": "no", "oneway": "no"}, "yes"),
        ({"access:backward": "no", "motor_vehicle:backward": "yes"}, ""),
        ({"vehicle:backward": "no", "bus:backward": "yes"}, ""),
        ({"vehicle:backward": "no", "bicycle:backward": "yes"}, "yes"),
        ({"vehicle:backward": "no", "vehicle:forward": "no"}, ""),
        ({"vehicle:backward": "no", "oneway": "-1"}, ""),
        ({"vehicle:backward": "destination"}, ""),
        ({}, ""),
    ],
)
def test_the_direction_that_no_motor_vehicle_may_take_makes_a_street_one_way(
    tags: dict[str, str], expected: str
) -> None:
    assert one_way(tags) == expected


def test_the_shut_direction_is_no_edge_of_the_network(tmp_path: Path) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (200.0, 0.0)}
    ways = {10: ([1, 2], street("vehicle:backward", **{"vehicle:backward": "no"})), 11: ([2, 3], street("Open"))}
    made = convert(write_osm(tmp_path / "town.osm", nodes, ways))
    assert [forward for way, forward in zip(made.graph.way_id, made.graph.way_forward, strict=True) if way == 10] == [
        True
    ]
    assert sorted(
        forward for way, forward in zip(made.graph.way_id, made.graph.way_forward, strict=True) if way == 11
    ) == [
        False,
        True,
    ]
