from datetime import UTC, datetime, timedelta

import pytest

from trafficfeed.pipeline.triggers import Outbox as WhatTheTriggersNeed
from trafficfeed.store import outbox
from trafficfeed.store.database import Database
from trafficfeed.store.outbox import Outbox

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _put(database: Database, *run_ids: str) -> None:
    with database.transaction() as connection:
        for run_id in run_ids:
            outbox.put(connection, dag_id="validate", run_id=run_id, conf={"order_id": run_id}, as_of=NOW)


def _waiting(database: Database, after_s: float = 0) -> list[str]:
    return [entry.run_id for entry in Outbox(database, as_of=NOW + timedelta(seconds=after_s)).pending()]


def test_what_is_put_waits_in_order_until_it_is_delivered(database: Database) -> None:
    box: WhatTheTriggersNeed = Outbox(database, as_of=NOW)
    _put(database, "b-1", "a-1")
    first, second = box.pending()
    assert (first.run_id, first.conf, second.run_id) == ("b-1", {"order_id": "b-1"}, "a-1")
    box.delivered(first.id)
    box.delivered(first.id)
    assert _waiting(database) == ["a-1"]


def test_the_same_run_is_put_once_even_after_its_delivery(database: Database) -> None:
    _put(database, "a-1")
    _put(database, "a-1")
    (only,) = Outbox(database, as_of=NOW).pending()
    Outbox(database, as_of=NOW).delivered(only.id)
    _put(database, "a-1")
    assert _waiting(database, after_s=1e6) == []


def test_what_the_transaction_takes_back_never_waits(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as connection:
        outbox.put(connection, dag_id="validate", run_id="a-1", conf={}, as_of=NOW)
        raise RuntimeError("power cut")
    assert _waiting(database) == []


def test_what_failed_is_put_off_longer_each_time_and_never_given_up(database: Database) -> None:
    _put(database, "a-1")
    at = NOW
    waits = []
    for _ in range(12):
        box = Outbox(database, as_of=at)
        (entry,) = box.pending()
        box.failed(entry.id, "connection refused")
        assert box.pending() == ()
        (entry,) = Outbox(database, as_of=at + timedelta(hours=1)).pending()
        waits.append((entry.due - at).total_seconds())
        at = entry.due
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert (entry.attempts, entry.error) == (12, "connection refused")


def test_a_failure_noted_after_the_delivery_changes_nothing(database: Database) -> None:
    _put(database, "a-1")
    box = Outbox(database, as_of=NOW)
    (entry,) = box.pending()
    box.delivered(entry.id)
    box.failed(entry.id, "too late")
    assert _waiting(database, after_s=1e6) == []


def test_the_limit_takes_the_oldest(database: Database) -> None:
    _put(database, *(f"run-{n}" for n in range(5)))
    assert [entry.run_id for entry in Outbox(database, as_of=NOW).pending(limit=2)] == ["run-0", "run-1"]
