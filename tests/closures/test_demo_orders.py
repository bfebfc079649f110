"""The demo's orders on the demo's city, where it has been built."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order, Reason
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.findings import Severity
from trafficfeed.formats import native, semantics, wzdx
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph

CITY = Path(__file__).parents[2] / "sumo_scenarios/helsinki"
ORDERS = [parse_order(path.read_bytes(), name=path.name) for path in sorted((CITY / "orders").glob("*.yaml"))]
MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)
FEED = FeedInfo(
    publisher="Helsinki", contact_name="x", licence="ODbL", attribution="OSM", language="fi", public_url="http://x"
)


@pytest.fixture(scope="module")
def helsinki() -> RoadGraph:
    if not (CITY / "graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    return load_graph(CITY / "graph")


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.id)
def test_every_demo_order_is_matched_and_published_without_a_fault(order: Order, helsinki: RoadGraph) -> None:
    resolved, found = resolve(order, helsinki)
    assert [str(f) for f in found if f.severity is Severity.ERROR] == []
    until = MADE + timedelta(days=366)
    events = road_events(
        order,
        1,
        resolved,
        {m.id: windows_of(m, order.timezone, since=MADE, until=until)[:3] for m in order.measures},
        graph=helsinki,
        certificate=None,
        validation=Validation.PENDING,
        created=MADE,
        updated=MADE,
    )
    assert events
    for standard in (native.STANDARD, wzdx.STANDARD):
        data = standard.encode(events, publication_time=MADE, feed=FEED)
        assert [str(f) for f in semantics.check(standard.name, data, graph=helsinki)] == []


@pytest.mark.parametrize("year", [2026, 2028, 2032, 2036])
def test_the_demo_has_works_to_publish_in_any_year(year: int) -> None:
    since = datetime(year, 12, 1, tzinfo=UTC)
    holding = [
        order.id
        for order in ORDERS
        if order.reason is Reason.ROADWORKS
        and any(windows_of(m, order.timezone, since=since, until=since + timedelta(days=28)) for m in order.measures)
    ]
    assert len(holding) >= 3


def test_the_demo_has_an_order_for_every_situation() -> None:
    rules = {m.rule.kind for order in ORDERS for m in order.measures}
    assert {"closure", "lanes_closed", "vehicles", "speed_limit"} <= rules
    assert {Reason.PUBLIC_EVENT, Reason.SPORT, Reason.EMERGENCY, Reason.ROADWORKS} <= {order.reason for order in ORDERS}


def test_the_night_over_the_clock_change_lasts_seven_hours() -> None:
    (order,) = (order for order in ORDERS if "bulevardi" in order.id)
    (night,) = windows_of(order.measures[0], order.timezone, since=MADE, until=MADE + timedelta(days=366))
    assert night.window.length == timedelta(hours=7)
