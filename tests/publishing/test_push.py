"""What partners are told between two releases, and how it is sealed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from made_events import CLOSURE, EVENTS, FEED, KERB_LANE, SLOW
from push_receiver import SECRET, is_sealed

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.increments import RECORDS, Parts, taken_apart
from trafficfeed.publishing.push import PushMessage, messages_between, seal

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _parts(*events: RoadEvent, format: str = "native", stones: tuple[Tombstone, ...] = ()) -> Parts:
    feed = replace(FEED, tombstones=stones)
    return taken_apart(STANDARDS[format].encode(events, publication_time=AT, feed=feed), format)


def _told(before: Parts | None, after: Parts, format: str = "native", release: int = 2) -> tuple[PushMessage, ...]:
    stones = after.head if format == "native" else {}
    return messages_between(before, after, format, release=release, at=AT, href="https://x.example/f", stones=stones)


def _kinds(messages: tuple[PushMessage, ...]) -> dict[str, str]:
    return {one.id: f"{one.kind} {one.reason}".strip() for one in messages}


def test_a_record_is_new_then_updated_then_cancelled_with_its_reason() -> None:
    changed = replace(CLOSURE, description={"en": "Dug up further."})
    stone = Tombstone(id=CLOSURE.id, reason="withdrawn", at=AT)
    assert _kinds(_told(_parts(SLOW), _parts(SLOW, CLOSURE))) == {CLOSURE.id: "new"}
    assert _kinds(_told(_parts(SLOW, CLOSURE), _parts(SLOW, changed))) == {CLOSURE.id: "update"}
    assert _kinds(_told(_parts(SLOW, CLOSURE), _parts(SLOW, stones=(stone,)))) == {CLOSURE.id: "cancel withdrawn"}
    assert _told(_parts(SLOW, CLOSURE), _parts(SLOW, CLOSURE)) == ()


def test_a_cancelled_order_is_told_once_though_its_record_stays_for_a_while_and_then_goes() -> None:
    cancelled = replace(CLOSURE, cancelled=True)
    assert _kinds(_told(_parts(CLOSURE), _parts(cancelled))) == {CLOSURE.id: "cancel cancelled"}
    assert _told(_parts(cancelled), _parts()) == ()
    assert _told(None, _parts(cancelled)) == (), "nobody is told of the end of what he never heard of"
    assert _kinds(_told(_parts(cancelled), _parts(CLOSURE))) == {CLOSURE.id: "new"}


@pytest.mark.parametrize("format", sorted(set(RECORDS) & set(STANDARDS)))
def test_every_format_with_increments_gives_messages_with_their_validity(format: str) -> None:
    messages = _told(None, _parts(CLOSURE, KERB_LANE, format=format), format)
    assert messages and {one.kind for one in messages} == {"new"}
    starts = {one.valid_from for one in messages}
    ends = {one.valid_to for one in messages}
    assert starts <= {CLOSURE.window.start, KERB_LANE.window.start} and ends <= {
        CLOSURE.window.end,
        KERB_LANE.window.end,
    }


def test_a_later_release_gives_a_greater_version_and_another_key_the_same_release_the_same() -> None:
    (first,) = _told(_parts(), _parts(CLOSURE), release=2)
    (again,) = _told(_parts(), _parts(CLOSURE), release=2)
    (later,) = _told(_parts(), _parts(CLOSURE), release=3)
    assert first.for_partner("waze") == again.for_partner("waze")
    keys = {first.for_partner("waze").key, later.for_partner("waze").key, first.for_partner("here").key}
    assert len(keys) == 3 and later.version > first.version


def test_a_seal_proves_body_key_and_time() -> None:
    body = _told(None, _parts(*EVENTS))[0].for_partner("waze").body
    headers = seal(body, key="msg_1", secret=SECRET, at=AT)
    assert is_sealed(headers, body.encode())
    assert not is_sealed(headers, body.encode() + b" ")
    assert not is_sealed({**headers, "webhook-id": "msg_2"}, body.encode())
    later = str(int((AT + timedelta(hours=1)).timestamp()))
    assert not is_sealed({**headers, "webhook-timestamp": later}, body.encode())


def test_the_seal_is_that_of_the_published_scheme() -> None:
    """The example of the Standard Webhooks specification's own test suites."""
    headers = seal(
        '{"test": 2432232314}',
        key="msg_p5jXN8AQM9LWM0D4loKWxJek",
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
