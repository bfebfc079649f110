"""From releases to a partner's door: a real receiver, real refusals, and a process that is killed at it."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_events import CLOSURE, FEED, KERB_LANE, SLOW
from push_receiver import SECRET, Receiver, is_sealed, receiving

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.pipeline.pushing import Pusher
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.partners import Partner
from trafficfeed.publishing.push_delivery import Delivered
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.database import open_database, upgrade
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.push_outbox import LEASE, PushOutbox

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
_FORK = multiprocessing.get_context("fork")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


class Town:
    """An installation that releases and pushes."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'trafficfeed.db'}"
        self.database = open_database(self.url)
        self.store = ReleaseStore(ObjectStore(str(folder)), "closures")
        self.waze = Partner(
            id="waze", title="Waze", profile="waze", formats=("cifs",), push_url=url, push_secret=SECRET
        )
        self.pusher = Pusher(self.database, self.store, public_url="https://traffic.example")

    def release(self, *events: RoadEvent, minute: int = 0) -> None:
        at = NOW + timedelta(minutes=minute)
        native = STANDARDS["native"].encode(events, publication_time=at, feed=replace(FEED, tombstones=()))
        document = Document(data=native, media_type="application/geo+json")
        self.store.publish({"closures.geojson": document}, as_of=at, facts={})

    def queue(self) -> int:
        return self.pusher.queue([self.waze], as_of=NOW)

    def send(self, after_s: float = 0, **how: float) -> Delivered:
        return self.pusher.send([self.waze], as_of=NOW + timedelta(seconds=after_s), **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded, empty database file, made once."""
    path = tmp_path_factory.mktemp("store") / "trafficfeed.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(autouse=True)
def _database(empty: Path, tmp_path: Path) -> None:
    shutil.copy(empty, tmp_path / "trafficfeed.db")


@pytest.fixture
def town(tmp_path: Path, receiver: Receiver) -> Iterator[Town]:
    made = Town(tmp_path, receiver.url)
    yield made
    made.database.close()


def test_a_partner_is_told_of_each_change_with_a_seal_and_a_way_to_read_it(town: Town, receiver: Receiver) -> None:
    town.release(CLOSURE, SLOW)
    assert (town.queue(), town.send()) == (2, Delivered(delivered=2))
    town.release(replace(CLOSURE, description={"en": "Deeper."}), minute=1)
    assert (town.queue(), town.send(60)) == (2, Delivered(delivered=2))
    assert (town.queue(), town.send(120)) == (0, Delivered())

    said = {(one["id"], one["kind"]): one for one in receiver.messages()}
    assert set(said) == {(CLOSURE.id, "new"), (SLOW.id, "new"), (CLOSURE.id, "update"), (SLOW.id, "cancel")}
    first = said[CLOSURE.id, "new"]
    assert datetime.fromisoformat(first["valid_from"]) == CLOSURE.window.start
    assert datetime.fromisoformat(first["valid_to"]) == CLOSURE.window.end
    assert first["href"] == "https://traffic.example/v1/partners/waze/closures/cifs"
    assert (first["version"], said[CLOSURE.id, "update"]["version"]) == (1, 2)
    assert all(is_sealed(headers, body) for headers, body in receiver.requests)
    assert len(set(receiver.keys())) == 4
    assert [one.status for one in PushOutbox(town.database, as_of=NOW).list(state="delivered")] == [204] * 4


def test_what_is_refused_comes_again_with_the_same_key_and_never_out_of_order(town: Town, receiver: Receiver) -> None:
    receiver.answers = [503]
    town.release(CLOSURE)
    town.queue()
    assert town.send() == Delivered(failed=1)
    town.release(replace(CLOSURE, description={"en": "Deeper."}), minute=1)
    town.queue()
    assert town.send(1) == Delivered(), "the update waits for the first message"
    assert town.send(3) == Delivered(delivered=2)
    assert [(one["kind"], one["version"]) for one in receiver.messages()] == [("new", 1), ("new", 1), ("update", 2)]
    first, again, _ = receiver.keys()
    assert first == again


def test_a_receiver_that_is_down_is_tried_once_a_round_and_loses_nothing(town: Town, receiver: Receiver) -> None:
    receiver.answers = [500]
    town.release(CLOSURE, SLOW, KERB_LANE)
    town.queue()
    assert town.send() == Delivered(failed=1)
    assert len(receiver.requests) == 1
    assert town.send(5) == Delivered(delivered=3)


def test_one_message_that_is_refused_holds_no_other_back(town: Town, receiver: Receiver) -> None:
    receiver.answers = [422]
    town.release(CLOSURE, SLOW, KERB_LANE)
    town.queue()
    assert town.send() == Delivered(delivered=2, failed=1)


def test_after_so_many_failures_a_message_is_a_dead_letter_that_can_be_revived(town: Town, receiver: Receiver) -> None:
    receiver.answers = [400, 400]
    town.release(CLOSURE)
    town.queue()
    assert town.send(most_attempts=2).dead == 0
    assert town.send(10, most_attempts=2).dead == 1
    assert town.send(9999) == Delivered()
    box = PushOutbox(town.database, as_of=NOW)
    (dead,) = box.list(state="dead")
    assert dead.error == "HTTP 400 Bad Request"
    box.retry(dead.id)
    assert town.send() == Delivered(delivered=1)


def test_nothing_goes_where_a_redirection_leads(town: Town, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answers, receiver.headers = [307], {"Location": elsewhere.url}
        town.release(CLOSURE)
        town.queue()
        assert town.send() == Delivered(failed=1)
        assert elsewhere.requests == []


def test_a_receiver_that_does_not_answer_is_given_up_for_the_round(town: Town, receiver: Receiver) -> None:
    receiver.pause_s = 0.5
    town.release(CLOSURE)
    town.queue()
    assert town.send(timeout_s=0.1) == Delivered(failed=1)
    (waiting,) = PushOutbox(town.database, as_of=NOW).list(state="waiting")
    assert waiting.status is None and "Timeout" in (waiting.error or "")


def test_a_partner_without_a_url_is_told_nothing(town: Town, receiver: Receiver) -> None:
    town.release(CLOSURE)
    quiet = replace(town.waze, push_url=None, push_secret=None)
    assert town.pusher.queue([quiet], as_of=NOW) == 0
    assert town.pusher.send([quiet], as_of=NOW) == Delivered()


def _killed_while_sending(folder: str, url: str, after: int) -> None:
    """Queue and send; die by SIGKILL when so many messages have been answered, before the receipt is kept."""
    town = Town(Path(folder), url)
    kept, answered = PushOutbox.delivered, iter(range(after))

    def delivered(self: PushOutbox, message: object, status: int) -> None:
        if next(answered, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        kept(self, message, status)  # type: ignore[arg-type]

    PushOutbox.delivered = delivered  # type: ignore[method-assign,assignment]
    town.queue()
    town.send()


@pytest.mark.parametrize("after", [0, 2])
def test_killed_while_it_sends_a_process_loses_nothing_and_repeats_with_the_same_key(
    tmp_path: Path, receiver: Receiver, after: int
) -> None:
    town = Town(tmp_path, receiver.url)
    town.release(CLOSURE, SLOW, KERB_LANE)
    town.database.close()
    sender = _FORK.Process(target=_killed_while_sending, args=(str(tmp_path), receiver.url, after))
    sender.start()
    sender.join(60)
    assert sender.exitcode == -signal.SIGKILL
    assert len(receiver.requests) == after + 1

    town = Town(tmp_path, receiver.url)
    assert town.queue() == 0, "messages and cursor were written together"
    town.send(LEASE.total_seconds() + 1)
    town.database.close()
    assert {one["id"] for one in receiver.messages()} == {CLOSURE.id, SLOW.id, KERB_LANE.id}
    assert len(receiver.requests) == 4 and len(set(receiver.keys())) == 3
    assert receiver.keys()[after] in receiver.keys()[after + 1 :]


def _killed_while_queueing(folder: str) -> None:
    import trafficfeed.pipeline.pushing as pushing

    write = pushing.put

    def put(*given: object, **more: object) -> None:
        write(*given, **more)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    pushing.put = put
    Town(Path(folder), "https://x.example").queue()


def test_killed_before_the_commit_a_process_leaves_neither_messages_nor_cursor(tmp_path: Path) -> None:
    town = Town(tmp_path, "https://x.example")
    town.release(CLOSURE, SLOW)
    town.database.close()
    queueing = _FORK.Process(target=_killed_while_queueing, args=(str(tmp_path),))
    queueing.start()
    queueing.join(60)
    assert queueing.exitcode == -signal.SIGKILL
    town = Town(tmp_path, "https://x.example")
    assert PushOutbox(town.database, as_of=NOW).list() == ()
    assert town.queue() == 2
    assert town.queue() == 0
    town.database.close()
