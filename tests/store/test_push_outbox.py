"""Messages to partners in the database: order, leases, receipts, dead letters."""

from datetime import UTC, datetime, timedelta

from trafficfeed.store.database import Database
from trafficfeed.store.push_outbox import LEASE, Cursor, NewPush, PushOutbox, cursor_of, put

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _put(database: Database, *messages: tuple[str, int], partner: str = "waze", release: int = 1) -> None:
    with database.transaction() as connection:
        new = [
            NewPush(partner=partner, record_id=id, version=v, kind="new", key=f"{partner}-{id}-{v}", body="{}")
            for id, v in messages
        ]
        put(connection, new, Cursor(partner=partner, release=release, sha256="0" * 64, format="native"), as_of=NOW)


def _claimed(database: Database, after_s: float = 0, partner: str = "waze") -> list[tuple[str, int]]:
    box = PushOutbox(database, as_of=NOW + timedelta(seconds=after_s))
    return [(one.record_id, one.version) for one in box.claim(partner)]


def test_of_one_record_the_next_message_waits_for_the_one_before(database: Database) -> None:
    _put(database, ("a", 1), ("a", 2), ("b", 2))
    box = PushOutbox(database, as_of=NOW)
    first, other = box.claim("waze")
    assert (first.record_id, first.version, other.record_id) == ("a", 1, "b")
    assert box.claim("waze") == (), "what is in hand is not given out again"
    box.delivered(first, 200)
    assert _claimed(database) == [("a", 2)]


def test_what_a_dead_process_had_in_hand_is_given_out_again(database: Database) -> None:
    _put(database, ("a", 1))
    assert _claimed(database) == [("a", 1)]
    assert _claimed(database, LEASE.total_seconds() - 1) == []
    assert _claimed(database, LEASE.total_seconds() + 1) == [("a", 1)]


def test_what_fails_is_put_off_longer_each_time_then_given_up_and_the_next_is_let_by(database: Database) -> None:
    _put(database, ("a", 1), ("a", 2))
    at, waits = NOW, []
    for attempt in range(5):
        box = PushOutbox(database, as_of=at)
        (one,) = box.claim("waze")
        assert one.version == 1
        assert box.failed(one, "HTTP 500", status=500, most=5) is (attempt == 4)
        (kept,) = [held for held in box.list() if held.version == 1]
        waits.append((kept.due - at).total_seconds())
        at = kept.due
    assert waits == [2, 4, 8, 16, 32]
    (dead,) = PushOutbox(database, as_of=at).list(state="dead")
    assert (dead.version, dead.attempts, dead.status, dead.error) == (1, 5, 500, "HTTP 500")
    assert _claimed(database, 3600) == [("a", 2)]


def test_a_dead_letter_can_be_tried_anew(database: Database) -> None:
    _put(database, ("a", 1))
    box = PushOutbox(database, as_of=NOW)
    (one,) = box.claim("waze")
    assert box.retry(one.id) is False
    box.failed(one, "gone", status=410, most=1)
    assert _claimed(database, 3600) == []
    assert box.retry(one.id) is True
    assert _claimed(database) == [("a", 1)]


def test_cursor_and_messages_are_there_together_or_not_at_all(database: Database) -> None:
    _put(database, ("a", 1), release=7)
    try:
        with database.transaction() as connection:
            found = cursor_of(connection, "waze")
            assert found is not None and found.release == 7
            put(connection, [], Cursor(partner="waze", release=8, sha256="1" * 64, format="native"), as_of=NOW)
            raise RuntimeError("power cut")
    except RuntimeError:
        pass
    with database.reading() as connection:
        found = cursor_of(connection, "waze")
    assert found is not None and (found.release, found.sha256) == (7, "0" * 64)


def test_receipts_are_forgotten_in_time_and_nothing_else(database: Database) -> None:
    _put(database, ("a", 1), ("b", 1), ("c", 1))
    box = PushOutbox(database, as_of=NOW)
    a, b, _ = box.claim("waze")
    box.delivered(a, 204)
    box.failed(b, "no", status=400, most=1)
    assert box.forget(NOW) == 0
    assert box.forget(NOW + timedelta(days=1)) == 1
    assert sorted(one.record_id for one in box.list()) == ["b", "c"]
