"""Which buses a closure turns off their way, on a grid of real junctions."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_bus_grid import bus_grid
from made_events import CLOSURE, ruled
from made_gtfs import made_gtfs, written_gtfs

from trafficfeed.closures.orders import Exemption, LanesClosed, SpeedLimit, TurnBan, VehicleRestriction
from trafficfeed.closures.road_events import RoadEvent, TransitImpact
from trafficfeed.closures.section_line import section_line
from trafficfeed.closures.transit import transit_network_of, with_transit
from trafficfeed.errors import SourceUnavailable
from trafficfeed.network.city import City
from trafficfeed.network.gtfs import read_gtfs
from trafficfeed.network.transit_network import TransitNetwork
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

LINES = {
    "north": ("C0C1", "C1C2", "C2C3", "C3C4", "C4C5"),
    "south": ("C5C4", "C4C3", "C3C2", "C2C1", "C1C0"),
    "cross": ("A2B2", "B2C2", "C2D2", "D2E2"),
    "turning": ("A2B2", "B2C2", "C2C3", "C3D3", "D3E3"),
    "beside": ("D0D1", "D1D2", "D2D3", "D3D4"),
}
MORNING = Window(start=datetime(2026, 12, 5, 6, tzinfo=UTC), end=datetime(2026, 12, 5, 9, tzinfo=UTC))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> TransitNetwork:
    folder = tmp_path_factory.mktemp("grid")
    graph = bus_grid(folder)
    return TransitNetwork(graph=graph, gtfs=read_gtfs(written_gtfs(made_gtfs(graph, LINES), folder / "gtfs.zip")))


def closed(network: TransitNetwork, *edges: str, event: RoadEvent = CLOSURE, window: Window = MORNING) -> RoadEvent:
    line = section_line(network.graph, [network.graph.index[edge] for edge in edges])
    name = f"order-1.closure.{edges[0].lower()}-northbound.p1"
    kept = tuple(one for one in event.exceptions if one is Exemption.BUS)
    return replace(event, id=name, coordinates=line, window=window, exceptions=kept, timezone="Europe/Paris")


def impacts(network: TransitNetwork, *events: RoadEvent) -> Sequence[TransitImpact]:
    return with_transit(events, network)[0].transit


def routes(network: TransitNetwork, *events: RoadEvent) -> list[str]:
    return [impact.route_id for impact in impacts(network, *events)]


def test_the_routes_along_the_closed_street_in_its_direction_are_found_and_no_others(network: TransitNetwork) -> None:
    assert routes(network, closed(network, "C2C3")) == ["north", "turning"]
    assert routes(network, closed(network, "C3C2")) == ["south"]
    assert routes(network, closed(network, "E0E1")) == []


def test_only_the_trips_that_come_by_in_the_window_are_named_with_their_days(network: TransitNetwork) -> None:
    (north, _) = impacts(network, closed(network, "C2C3"))
    assert (north.trip_ids, north.service_dates) == (("north-0",), ("20261205",))  # 08:02; the next is at 12:02


def test_a_trip_after_midnight_belongs_to_the_service_day_before(network: TransitNetwork) -> None:
    night = Window(start=datetime(2026, 12, 4, 23, tzinfo=UTC), end=datetime(2026, 12, 5, 1, tzinfo=UTC))
    (north, _) = impacts(network, closed(network, "C2C3", window=night))
    assert (north.trip_ids, north.service_dates) == (("north-2",), ("20261204",))


def test_days_with_the_same_trips_are_told_together(network: TransitNetwork) -> None:
    days = Window(start=datetime(2026, 12, 5, 9, tzinfo=UTC), end=datetime(2026, 12, 8, 9, tzinfo=UTC))
    found = [i for i in impacts(network, closed(network, "C2C3", window=days)) if i.route_id == "north"]
    assert [(i.trip_ids, i.service_dates) for i in found] == [
        (("north-1", "north-2"), ("20261205",)),
        (("north-0", "north-1", "north-2"), ("20261206", "20261207")),
        (("north-0",), ("20261208",)),
    ]


def test_a_window_without_a_bus_has_no_impact(network: TransitNetwork) -> None:
    quiet = Window(start=datetime(2026, 12, 5, 2, tzinfo=UTC), end=datetime(2026, 12, 5, 4, tzinfo=UTC))
    assert impacts(network, closed(network, "C2C3", window=quiet)) == ()


def test_the_stop_on_the_closed_street_is_not_served_and_the_others_are(network: TransitNetwork) -> None:
    (north, _) = impacts(network, closed(network, "C2C3"))
    assert (north.stops, north.stop_span) == (("north-C2C3",), (3, 3))


def test_the_detour_leaves_the_shape_before_the_closed_street_and_comes_back_after_it(network: TransitNetwork) -> None:
    (north, _) = impacts(network, closed(network, "C2C3"))
    assert north.detour is not None and north.new_shape is not None
    edges = streets_of(network, north.detour)
    assert edges in (["C2D2", "D2D3", "D3C3"], ["C2B2", "B2B3", "B3C3"])
    assert north.delay_s > 0
    own = network.gtfs.shapes["shape-north"]
    assert north.new_shape[0] == pytest.approx(tuple(own[0]), abs=1e-6)
    assert north.new_shape[-1] == pytest.approx(tuple(own[-1]), abs=1e-6)
    assert set(north.detour[1:-1]) <= set(north.new_shape)


def streets_of(network: TransitNetwork, line: Sequence[tuple[float, float]]) -> list[str]:
    return [network.graph.edge_ids[edge] for edge in network.edges_along(tuple(line)[1:-1])]


def test_a_detour_that_crosses_the_rest_of_the_way_is_back_there(network: TransitNetwork) -> None:
    (_, turning) = impacts(network, closed(network, "C2C3"))
    assert turning.detour is not None
    assert streets_of(network, turning.detour) == ["C2D2", "D2D3"]
    assert turning.stops == ("turning-C2C3", "turning-C3D3")


def test_closed_streets_one_after_another_are_passed_around_as_one(network: TransitNetwork) -> None:
    first, second = closed(network, "C1C2"), closed(network, "C2C3")
    north = next(i for i in impacts(network, first, second) if i.route_id == "north")
    assert north.stops == ("north-C1C2", "north-C2C3")
    same = next(i for i in impacts(network, second, first) if i.route_id == "north")
    assert (same.stops, same.detour) == (north.stops, north.detour)


def test_no_detour_leads_through_what_another_event_shuts_at_the_same_time(network: TransitNetwork) -> None:
    both = (closed(network, "C2C3"), closed(network, "D2D3"), closed(network, "B2B3"))
    (north, _) = impacts(network, *both)
    assert north.detour is not None
    assert not {"D2D3", "B2B3", "C2C3"} & set(streets_of(network, north.detour))


def test_an_event_at_another_time_shuts_nothing_to_the_detour(network: TransitNetwork) -> None:
    alone, _ = impacts(network, closed(network, "C2C3"))
    evening = Window(start=datetime(2026, 12, 5, 18, tzinfo=UTC), end=datetime(2026, 12, 5, 20, tzinfo=UTC))
    north, _ = impacts(network, closed(network, "C2C3"), closed(network, "D2D3", window=evening))
    assert north.detour == alone.detour


def test_where_the_closed_street_is_the_end_of_the_line_there_is_no_way_around(network: TransitNetwork) -> None:
    (north,) = impacts(network, closed(network, "C4C5"))
    assert (north.detour, north.new_shape, north.stops) == (None, None, ("north-C4C5",))


@pytest.mark.parametrize(
    "event",
    [
        replace(CLOSURE, exceptions=(Exemption.BUS,)),
        replace(CLOSURE, cancelled=True),
        ruled("slow", SpeedLimit(limit_kmh=30)),
        ruled("bus-street", VehicleRestriction(only=(VehicleClass.BUS,))),
        ruled("no-trucks", VehicleRestriction(banned=(VehicleClass.TRUCK,))),
    ],
)
def test_what_lets_buses_pass_has_no_impact(network: TransitNetwork, event: RoadEvent) -> None:
    assert impacts(network, closed(network, "C2C3", event=event)) == ()


def test_a_street_whose_only_lane_is_closed_is_shut(network: TransitNetwork) -> None:
    assert routes(network, closed(network, "C2C3", event=ruled("lane", LanesClosed(lanes=(1,))))) == [
        "north",
        "turning",
    ]


def test_a_low_bridge_shuts_buses_out(network: TransitNetwork) -> None:
    bridge = ruled("bridge", VehicleRestriction(max_height_m=2.5))
    assert routes(network, closed(network, "C2C3", event=bridge)) == ["north", "turning"]


def test_a_ban_to_turn_concerns_those_who_turn(network: TransitNetwork) -> None:
    ban = closed(network, "B2C2", "C2C3", event=ruled("turn", TurnBan()))
    (turning,) = impacts(network, ban)
    assert turning.route_id == "turning"
    assert turning.detour is not None


def test_events_keep_their_order_and_everything_else(network: TransitNetwork) -> None:
    events = (closed(network, "E0E1"), closed(network, "C2C3"), CLOSURE)
    found = with_transit(events, network)
    assert tuple(replace(event, transit=()) for event in found) == events


def test_a_line_that_matches_no_street_of_the_city_has_no_impact(network: TransitNetwork) -> None:
    assert impacts(network, replace(CLOSURE, exceptions=())) == ()


CITY = """
name = "grid"
title = "Grid"
timezone = "Europe/Paris"
licence = "CC0-1.0"
attribution = "made by a test"
{gtfs}
[network]
net_file = "grid.net.xml"
source = "net"
crs = "EPSG:32627"
[demand]
route_files = []
kind = "hour"
begin_s = 0
end_s = 3600
method = "none"
"""


def a_city(folder: Path, gtfs: str = "") -> City:
    (folder / "city.toml").write_text(CITY.format(gtfs=gtfs), "utf-8")
    return City.load(folder)


def test_a_city_names_its_gtfs_or_has_one_beside_its_file_or_has_none(network: TransitNetwork, tmp_path: Path) -> None:
    graph = network.graph
    assert transit_network_of(a_city(tmp_path), graph) is None
    written_gtfs(made_gtfs(graph, LINES), tmp_path / "buses")
    named = transit_network_of(a_city(tmp_path, 'gtfs = "buses"'), graph)
    assert named is not None and len(named.gtfs.patterns) == len(LINES)
    written_gtfs(made_gtfs(graph, {"north": LINES["north"]}), tmp_path / "gtfs.zip")
    beside = transit_network_of(a_city(tmp_path), graph)
    assert beside is not None and len(beside.gtfs.patterns) == 1


def test_the_timetable_is_read_again_only_when_it_has_changed(network: TransitNetwork, tmp_path: Path) -> None:
    path = written_gtfs(made_gtfs(network.graph, LINES), tmp_path / "gtfs.zip")
    city = a_city(tmp_path)
    first = transit_network_of(city, network.graph)
    assert transit_network_of(city, network.graph) is first
    os.utime(path, ns=(1, 1))
    assert transit_network_of(city, network.graph) is not first


def test_a_gtfs_that_is_named_and_not_there_is_told(network: TransitNetwork, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"none\.zip is not there"):
        transit_network_of(a_city(tmp_path, 'gtfs = "none.zip"'), network.graph)
