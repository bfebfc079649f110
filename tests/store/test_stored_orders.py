from datetime import UTC, datetime, timedelta

import pytest
from made_orders import made_order, titled
from sqlalchemy import text

from trafficfeed.closures.document import order_hash
from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import OrderConflict, OrderNotFound, SourceMalformed
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database
from trafficfeed.store.lifecycle import FINAL, TRANSITIONS, require
from trafficfeed.store.orders import Orders, Step

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def _add(database: Database, *order_ids: str, city: str = "anywhere") -> None:
    with database.transaction() as connection:
        for order_id in order_ids:
            Orders(connection).add(made_order(order_id, city=city), actor="ann", as_of=NOW)


def _advance(database: Database, order_id: str, *states: OrderState, **changes: object) -> None:
    with database.transaction() as connection:
        orders = Orders(connection)
        for state in states:
            step = Step(action="test", to=state, actor="ann", as_of=LATER, changes=changes)
            orders.advance(orders.lock(order_id), step)


def test_an_order_comes_back_as_it_was_stored(database: Database) -> None:
    order = made_order()
    _add(database, order.id)
    with database.reading() as connection:
        stored = Orders(connection).get(order.id)
    assert stored.order == order
    assert stored.sha256 == order_hash(order)
    assert (stored.version, stored.revision, stored.state) == (1, 1, OrderState.DRAFT)
    assert (stored.created, stored.version_at, stored.author) == (NOW, NOW, "ann")


def test_an_amendment_adds_a_version_and_keeps_the_old_one(database: Database) -> None:
    order = made_order()
    _add(database, order.id)
    with database.transaction() as connection:
        orders = Orders(connection)
        orders.amend(orders.lock(order.id), titled(order, "Second"), actor="bob", as_of=LATER)
    with database.reading() as connection:
        first, second = Orders(connection).versions(order.id)
        assert Orders(connection).get(order.id, version=1) == first
    assert first.order == order
    assert second.order.title == {"en": "Second"}
    assert (first.author, second.author) == ("ann", "bob")
    assert (first.latest_version, second.latest_version) == (2, 2)


def test_a_second_order_of_the_same_id_is_a_conflict(database: Database) -> None:
    _add(database, "same")
    with pytest.raises(OrderConflict, match="exists"):
        _add(database, "same")


@pytest.mark.parametrize("version", [None, 1, 7])
def test_an_order_that_is_not_there_is_not_found(database: Database, version: int | None) -> None:
    with pytest.raises(OrderNotFound, match="nowhere"), database.reading() as connection:
        Orders(connection).get("nowhere", version=version)


def test_a_stale_revision_is_a_conflict_that_says_so(database: Database) -> None:
    _add(database, "water-main")
    _advance(database, "water-main", OrderState.CHECKED)
    with pytest.raises(OrderConflict, match="at revision 2, not 1"), database.transaction() as connection:
        Orders(connection).lock("water-main", expected_revision=1)


def test_a_step_from_what_was_read_before_somebody_elses_is_a_conflict(database: Database) -> None:
    _add(database, "water-main")
    with database.reading() as connection:
        seen = Orders(connection).get("water-main")
    _advance(database, "water-main", OrderState.CHECKED)
    step = Step(action="test", to=OrderState.CANCELLED, actor="bob", as_of=LATER)
    with pytest.raises(OrderConflict), database.transaction() as connection:
        Orders(connection).advance(seen, step)


def test_every_step_leaves_one_line_in_the_audit_log(database: Database) -> None:
    _add(database, "water-main")
    _advance(database, "water-main", OrderState.CHECKED, OrderState.SIMULATED, OrderState.APPROVED)
    with database.reading() as connection:
        lines = AuditLog(connection).of_order("water-main")
        newest_first = AuditLog(connection).latest(limit=2)
        before = AuditLog(connection).latest(before=newest_first[-1].id)
    assert [(line.from_state, line.to_state) for line in lines] == [
        (None, "draft"),
        ("draft", "checked"),
        ("checked", "simulated"),
        ("simulated", "approved"),
    ]
    assert [line.id for line in (*newest_first, *before)] == [line.id for line in reversed(lines)]


def test_a_refused_step_leaves_no_line_and_no_change(database: Database) -> None:
    _add(database, "water-main")
    with pytest.raises(OrderConflict, match="draft and cannot become published"):
        _advance(database, "water-main", OrderState.PUBLISHED)
    with database.reading() as connection:
        assert Orders(connection).get("water-main").revision == 1
        assert len(AuditLog(connection).of_order("water-main")) == 1


def test_the_list_is_by_city_and_state_and_in_pages(database: Database) -> None:
    _add(database, "aa", "bb", "cc")
    _add(database, "dd", city="elsewhere")
    _advance(database, "bb", OrderState.CHECKED)
    with database.reading() as connection:
        orders = Orders(connection)

        def ids(**query: object) -> list[str]:
            return [stored.order.id for stored in orders.list(**query)]  # type: ignore[arg-type]

        assert ids() == ["aa", "bb", "cc", "dd"]
        assert ids(city="elsewhere") == ["dd"]
        assert ids(states=[OrderState.CHECKED]) == ["bb"]
        assert ids(states=[]) == []
        assert ids(limit=2, offset=1) == ["bb", "cc"]
        assert ids(offset=3) == ["dd"]


def test_what_is_served_is_the_approved_version_or_else_the_published_one(database: Database) -> None:
    _add(database, "draft", "approved", "published", "amended", "ended", "long-ended")
    to_approved = (OrderState.CHECKED, OrderState.SIMULATED, OrderState.APPROVED)
    for order_id in ("approved", "published", "amended", "ended", "long-ended"):
        _advance(database, order_id, *to_approved)
    for order_id in ("published", "amended", "ended", "long-ended"):
        _advance(database, order_id, OrderState.PUBLISHED, published_version=1)
    _advance(database, "ended", OrderState.ENDED, finished_at=LATER)
    _advance(database, "long-ended", OrderState.ENDED, finished_at=NOW)
    with database.transaction() as connection:
        orders = Orders(connection)
        orders.amend(orders.lock("amended"), made_order("amended", description={"en": "new"}), actor="ann", as_of=LATER)
    with database.reading() as connection:
        served = Orders(connection).to_serve(city="anywhere", ended_since=LATER)
        elsewhere = Orders(connection).to_serve(city="elsewhere", ended_since=LATER)
    assert {(stored.order.id, stored.version, stored.state.value) for stored in served} == {
        ("approved", 1, "approved"),
        ("published", 1, "published"),
        ("amended", 1, "draft"),
        ("ended", 1, "ended"),
    }
    assert elsewhere == ()


def test_a_row_that_does_not_fit_the_schema_is_named(database: Database) -> None:
    _add(database, "old-one")
    with database.transaction() as connection:
        connection.execute(
            text(
                'INSERT INTO order_versions SELECT order_id, 2, \'{"id": "old-one"}\', sha256, author, at '
                "FROM order_versions"
            )
        )
        connection.execute(text("UPDATE orders SET version = 2"))
    with pytest.raises(SourceMalformed, match="version 2 of order old-one"), database.reading() as connection:
        Orders(connection).get("old-one")


@pytest.mark.parametrize("column, value", [("state", "'lost'"), ("version", "0"), ("published_version", "9")])
def test_the_database_refuses_heads_that_cannot_be(database: Database, column: str, value: str) -> None:
    _add(database, "water-main")
    with pytest.raises(Exception, match=f"ck_orders|{column}"), database.transaction() as connection:
        connection.execute(text(f"UPDATE orders SET {column} = {value}"))


def test_every_state_can_be_reached_and_only_two_are_final() -> None:
    reached = {OrderState.DRAFT}
    for _ in OrderState:
        reached |= {follower for state in reached for follower in TRANSITIONS[state]}
    assert reached == set(OrderState)
    assert {OrderState.ENDED, OrderState.CANCELLED} == FINAL


def test_every_state_that_is_not_final_can_be_cancelled_and_amended() -> None:
    for state in set(OrderState) - FINAL:
        require("x", state, to=OrderState.CANCELLED)
        require("x", state, to=OrderState.DRAFT)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_follows_a_final_state(state: OrderState) -> None:
    for to in OrderState:
        with pytest.raises(OrderConflict, match="final"):
            require("x", state, to=to)
