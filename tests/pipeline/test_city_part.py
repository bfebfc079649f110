"""A city's signals divided among processes: each is somebody's, and nobody's twice."""

from datetime import UTC, datetime

import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.pipeline.city_part import Part, read_part
from trafficfeed.publishing.mqtt_bus import shard_of
from trafficfeed.signals.topology import Intersection, Topology

TOPOLOGY = Topology(
    city="made", version="1", source="a test", made_at=datetime(2026, 12, 1, tzinfo=UTC),
    intersections={
        f"osm-{n}": Intersection(
            id=f"osm-{n}", number=n, region=1, name="", lonlat=(0.0, 0.0), lanes=(), connections=(), groups=(),
            conflicts=(),
        )
        for n in range(300)
    },
)  # fmt: skip


@pytest.mark.parametrize("many", [1, 2, 3, 8])
def test_each_intersection_is_in_one_part(many: int) -> None:
    parts = [read_part(f"{number}/{many}").of(TOPOLOGY).intersections for number in range(1, many + 1)]
    assert sorted(id for part in parts for id in part) == sorted(TOPOLOGY.intersections)
    assert all(len(part) > 300 / many / 2 for part in parts)


def test_a_shard_is_published_by_one_process_where_parts_divide_shards() -> None:
    first = read_part("1/2").of(TOPOLOGY).intersections
    second = read_part("2/2").of(TOPOLOGY).intersections
    assert not {shard_of(id, 64) for id in first} & {shard_of(id, 64) for id in second}


def test_nothing_said_is_all_and_each_part_has_its_own_log() -> None:
    assert read_part("") == Part(1, 1)
    assert [read_part(one).folder("made") for one in ("", "1/1", "1/2", "2/2")] == [
        "made", "made", "made-1-of-2", "made-2-of-2",
    ]  # fmt: skip


@pytest.mark.parametrize("setting", ["0/2", "3/2", "1", "1/0", "-1/2", "one/two", "1/2/3", "1/2000"])
def test_what_is_no_part_is_refused(setting: str) -> None:
    with pytest.raises(ScenarioInvalid, match="TRAFFICFEED_SIGNALS_PART"):
        read_part(setting)
