"""What the pages say of the released records."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.overview import OrderView, map_lines, orders_of
from api.published import Record, records_in
from api.schematic import LineKind
from trafficfeed.errors import SourceMalformed
from trafficfeed.windows import Window

NOW = datetime(2026, 12, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record(**changes: Any) -> Record:
    plain = Record(
        id="r",
        order_id="order",
        measure_id="m",
        title={"en": "Works"},
        description={"en": "Works"},
        rule={"kind": "closure"},
        exceptions=("emergency",),
        street="First Street",
        from_street="Ash Avenue",
        to_street="Oak Avenue",
        compass="eastbound",
        coordinates=[(24.95, 60.17), (24.96, 60.17)],
        window=Window(start=NOW - HOUR, end=NOW + HOUR),
        end_is_estimate=False,
        until={},
        reason="roadworks",
        authority="The Town",
        contact_name="Desk",
        contact_email="",
        cancelled=False,
        validation="passed",
        certificate={},
    )
    return replace(plain, **changes)


def in_hours(start: float, end: float) -> Window:
    return Window(start=NOW + start * HOUR, end=NOW + end * HOUR)


def shown(*records: Record) -> list[OrderView]:
    return orders_of(records, titles={}, now=NOW, zone=ZoneInfo("UTC"), language="en")


def test_what_holds_comes_first_by_its_end_and_the_rest_by_its_start() -> None:
    orders = shown(
        record(order_id="later", window=in_hours(5, 6)),
        record(order_id="ends-last", window=in_hours(-1, 9)),
        record(order_id="soon", window=in_hours(1, 2)),
        record(order_id="ends-first", window=in_hours(-1, 3)),
        record(order_id="over", window=in_hours(-3, -1)),
    )
    assert [(o.number, o.id, o.is_now) for o in orders] == [
        (1, "ends-first", True),
        (2, "ends-last", True),
        (3, "soon", False),
        (4, "later", False),
    ]


def test_a_window_is_half_open_on_the_page_too() -> None:
    (order,) = shown(record(window=Window(start=NOW, end=NOW + HOUR)))
    assert order.is_now
    assert shown(record(window=Window(start=NOW - HOUR, end=NOW))) == []


def test_the_next_time_of_a_recurring_order_is_its_headline_and_the_one_after_is_told() -> None:
    (order,) = shown(record(window=in_hours(34, 42)), record(window=in_hours(10, 18)), record(window=in_hours(58, 66)))
    assert order.headline == "Sat 5 Dec 22:00 – Sun 6 Dec 06:00"
    assert order.next_times[0] == "Sun 6 Dec 22:00 – Mon 7 Dec 06:00"


def test_parts_that_reopen_earlier_are_told() -> None:
    (order,) = shown(record(window=in_hours(-1, 2)), record(window=in_hours(-1, 4), end_is_estimate=True))
    assert order.headline == "until about Sat 5 Dec 16:00; parts reopen from Sat 5 Dec 14:00"


def test_who_may_pass_in_one_ring_is_not_said_to_pass_in_all() -> None:
    (order,) = shown(
        record(exceptions=("emergency",)), record(measure_id="outer", exceptions=("emergency", "residents"))
    )
    assert order.exceptions == "emergency vehicles; in parts residents"


def test_one_street_is_told_with_its_ends_and_many_are_counted() -> None:
    (one,) = shown(record(), record(from_street="Oak Avenue", to_street="Ash Avenue", compass="westbound"))
    assert one.where == "First Street, Ash Avenue to Oak Avenue"
    assert one.measures[0].streets == [("First Street", "Ash Avenue to Oak Avenue", "both directions")]
    (many,) = shown(*(record(street=f"Street {n}") for n in range(6)))
    assert many.where == "Street 0, Street 1, Street 2, Street 3 and 2 more streets"
    (nameless,) = shown(record(street="", from_street="", to_street=""))
    assert nameless.where == "1 unnamed street"


def test_the_weakest_validation_of_its_records_is_the_orders_badge() -> None:
    assert shown(record())[0].badge.style == "passed"
    assert shown(record(), record(validation="pending"))[0].badge.style == "pending"
    assert shown(record(validation="pending"), record(validation="overridden"))[0].badge.style == "held"


def test_a_place_is_drawn_once_as_what_holds_now() -> None:
    records = [record(window=in_hours(24, 25)), record(), record(coordinates=[(24.0, 60.0), (24.1, 60.0)])]
    orders = shown(*records)
    lines = map_lines(records, orders, now=NOW)
    assert [line.kind for line in lines] == [LineKind.CLOSED, LineKind.CLOSED]


def test_restrictions_are_drawn_apart_from_closures_and_what_comes_next_apart_from_both() -> None:
    records = [
        record(order_id="a"),
        record(order_id="b", rule={"kind": "speed_limit", "limit_kmh": 30}),
        record(order_id="c", window=in_hours(1, 2)),
        record(order_id="d", cancelled=True),
    ]
    orders = shown(*records)
    kinds = {line.number: line.kind for line in map_lines(records, orders, now=NOW)}
    assert kinds == {1: LineKind.CLOSED, 2: LineKind.RESTRICTED, 3: LineKind.NEXT}
    assert {o.id: o.kind for o in orders} == {
        "a": LineKind.CLOSED,
        "b": LineKind.RESTRICTED,
        "c": LineKind.NEXT,
    }


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", json.dumps({"features": [{"id": "x"}]}).encode()])
def test_a_feed_that_cannot_be_read_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(SourceMalformed, match="native feed"):
        records_in(data)
