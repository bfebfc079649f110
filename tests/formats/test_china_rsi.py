import json
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_events import CANCELLED, CLOSURE, EVENTS, FEED, PUBLISHED
from made_rsi import MADE_CODES, QUANZHOU, RSI_FEED

from trafficfeed.closures.orders import Reason
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import china_rsi, semantics
from trafficfeed.formats.china_rsi_reading import decode, points_of, read_rsi
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.windows import Window

CHINESE = replace(RSI_FEED, language="zh")
GOLDEN = Path(__file__).parents[1] / "golden/rsi" / china_rsi.FILE_NAME


def messages(*events: RoadEvent, feed: FeedInfo = RSI_FEED) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(china_rsi.encode(events, publication_time=PUBLISHED, feed=feed))[
        "messages"
    ]
    return found


def rsi_of(event: RoadEvent, feed: FeedInfo = RSI_FEED) -> dict[str, Any]:
    (message,) = messages(event, feed=feed)
    return decode(b64decode(message["uper"]))


def rte_of(event: RoadEvent, feed: FeedInfo = RSI_FEED) -> dict[str, Any]:
    (rte,) = rsi_of(event, feed)["rtes"]
    return dict(rte)


def lasting(start: datetime, end: datetime) -> RoadEvent:
    return replace(QUANZHOU, window=Window(start=start.replace(tzinfo=UTC), end=end.replace(tzinfo=UTC)))


def refused(event: RoadEvent, feed: FeedInfo = RSI_FEED) -> str:
    with pytest.raises(FeedNonConformant) as refusal:
        china_rsi.fragments(event, feed)
    (finding,) = refusal.value.findings
    assert finding.mend
    return finding.rule


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert china_rsi.encode(EVENTS, publication_time=PUBLISHED, feed=RSI_FEED) == GOLDEN.read_bytes()


def test_the_golden_document_breaks_no_rule() -> None:
    assert semantics.check("rsi", GOLDEN.read_bytes()) == ()


def test_a_closure_with_a_chinese_text_takes_some_eighty_bytes() -> None:
    (message,) = messages(QUANZHOU)
    assert len(b64decode(message["uper"])) <= 90


def test_the_first_bits_are_those_of_the_standard_put_together_by_hand() -> None:
    event = replace(QUANZHOU, title={"en": "Hi"}, street="", coordinates=((118.6, 24.9), (118.6001, 24.9)))
    expected = [
        "0" + "100",  # a message frame, not extended: the fifth of its five kinds
        "0" + "010",  # RSI, not extended: no moy, events, no signs
        f"{2:07b}",  # msgCnt
        "".join(f"{byte:08b}" for byte in sha256(event.id.encode()).digest()[:8]),
        "0" + f"{249_000_000 + 900_000_000:031b}" + f"{1_186_000_000 + 1_799_999_999:032b}",  # no elevation
        "000",  # one event, of up to eight
        "0" + "10111100",  # not extended: place, no radius, text, times, priority, paths, no links, no confidence
        f"{0:08b}" + f"{11111:016b}" + "0" + "010",  # rteId, event type, a known source, the government
        "0" + "000" + f"{2048:012b}" * 2,  # the place: no height, the smallest kind of offset, none
        "0" + f"{1:09b}" + f"{ord('H'):07b}{ord('i'):07b}",  # IA5, two characters, of seven bits
    ]
    (message,) = messages(event)
    bits = "".join(f"{byte:08b}" for byte in b64decode(message["uper"]))
    assert bits.startswith("".join(expected))


def test_the_line_comes_back_to_the_last_digit_in_the_direction_of_travel() -> None:
    assert points_of(rsi_of(QUANZHOU)) == QUANZHOU.coordinates


def test_street_and_title_are_in_gb2312_and_an_english_text_is_ascii() -> None:
    kind, text = rte_of(QUANZHOU, CHINESE)["description"]
    assert (kind, text.decode("gb2312")) == ("textGB2312", "丰泽街 供水管道施工")
    assert rte_of(CLOSURE)["description"] == ("textString", "High Street Water main renewal")


def test_a_chinese_feed_speaks_chinese_of_an_event_that_has_both() -> None:
    event = replace(QUANZHOU, title={"zh-Hans": "施工", "en": "Works"}, street="")
    chinese = rte_of(event, CHINESE)["description"]
    assert chinese == ("textGB2312", "施工".encode("gb2312"))
    assert rte_of(event)["description"] == ("textString", "Works")


def test_a_street_with_a_rare_character_is_left_out_of_the_text() -> None:
    event = replace(QUANZHOU, title={"zh": "施工"}, street="陶喆路")
    assert rte_of(event)["description"] == ("textGB2312", "施工".encode("gb2312"))


def test_a_rare_character_in_the_title_falls_back_to_english() -> None:
    event = replace(QUANZHOU, title={"zh": "陶喆演唱会", "en": "Concert"}, street="")
    assert rte_of(event, CHINESE)["description"] == ("textString", "Concert")


def test_a_rare_character_without_another_language_is_refused() -> None:
    assert refused(replace(QUANZHOU, title={"zh": "陶喆演唱会"})) == "rsi.text"


def test_a_long_text_is_cut_between_two_characters() -> None:
    _, text = rte_of(replace(QUANZHOU, title={"zh": "a" + "路" * 400}, street=""))["description"]
    assert len(text) == 511 and text.decode("gb2312").endswith("路")


def test_nothing_is_exported_without_a_table_of_event_codes() -> None:
    assert refused(QUANZHOU, FEED) == "rsi.event_code"
    with pytest.raises(FeedNonConformant, match="none is made up"):
        china_rsi.encode([], publication_time=PUBLISHED, feed=FEED)


def test_an_event_that_the_table_does_not_know_is_refused() -> None:
    assert refused(QUANZHOU, replace(FEED, event_codes={"lanes_closed": 22222})) == "rsi.event_code"


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({"closure": 1, "roadworks": 2, "roadworks.closure": 3}, 3),
        ({"closure": 1, "roadworks": 2}, 2),
        ({"closure": 1, "accident": 2}, 1),
    ],
)
def test_the_most_exact_entry_of_the_table_is_taken(codes: dict[str, int], code: int) -> None:
    assert rte_of(QUANZHOU, replace(FEED, event_codes=codes))["eventType"] == code


def test_a_line_of_many_points_is_cut_into_paths_that_join() -> None:
    line = tuple((round(118.6 + at * 1e-5, 7), round(24.9 + (at % 7) * 1e-6, 7)) for at in range(100))
    rsi = rsi_of(replace(QUANZHOU, coordinates=line))
    paths = rsi["rtes"][0]["referencePaths"]
    assert [len(path["activePath"]) for path in paths] == [32, 32, 32, 7]
    assert paths[0]["activePath"][-1] == paths[1]["activePath"][0]
    assert points_of(rsi) == line


def test_a_line_too_long_for_eight_paths_is_refused_and_not_simplified() -> None:
    line = tuple((118.6 + at * 1e-5, 24.9) for at in range(250))
    assert len(points_of(rsi_of(replace(QUANZHOU, coordinates=line[:249])))) == 249
    assert refused(replace(QUANZHOU, coordinates=line)) == "rsi.path"


@given(
    st.lists(
        st.tuples(st.integers(1_180_000_000, 1_195_000_000), st.integers(240_000_000, 255_000_000)),
        min_size=2,
        max_size=40,
        unique=True,
    )
)
def test_any_line_comes_back_whatever_the_offsets_take(units: list[tuple[int, int]]) -> None:
    line = tuple((lon / 1e7, lat / 1e7) for lon, lat in units)
    assert points_of(rsi_of(replace(QUANZHOU, coordinates=line))) == line


def test_times_are_minutes_of_the_year_in_utc_and_never_shorter_than_the_closure() -> None:
    event = lasting(datetime(2026, 1, 1, 0, 1, 30), datetime(2026, 1, 2, 0, 0, 1))
    assert rte_of(event)["timeDetails"] == {"startTime": 1, "endTime": 1441}


def test_a_closure_over_new_year_is_two_messages_each_within_its_year() -> None:
    event = lasting(datetime(2026, 12, 31, 22), datetime(2027, 1, 1, 5))
    old, new = messages(event)
    assert (old["id"], new["id"]) == (event.id, f"{event.id}.y2027")
    assert (old["end"], new["start"]) == ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    times = [decode(b64decode(m["uper"]))["rtes"][0]["timeDetails"] for m in (old, new)]
    assert times == [{"startTime": 525_480, "endTime": 525_599}, {"startTime": 0, "endTime": 300}]


def test_a_closure_until_midnight_of_new_year_is_one_message() -> None:
    (message,) = messages(lasting(datetime(2027, 12, 31, 22), datetime(2028, 1, 1)))
    assert (message["id"], message["year"]) == (QUANZHOU.id, 2027)


def test_the_end_of_a_leap_year_is_not_taken_for_unknown() -> None:
    old, _ = messages(lasting(datetime(2028, 12, 31, 22), datetime(2029, 1, 1, 1)))
    assert decode(b64decode(old["uper"]))["rtes"][0]["timeDetails"]["endTime"] == 527_039


def test_an_estimated_end_says_that_nothing_is_known_of_its_accuracy() -> None:
    assert rte_of(replace(QUANZHOU, end_is_estimate=True))["timeDetails"]["endTimeConfidence"] == "unavailable"


def test_an_emergency_is_more_urgent_than_planned_works_and_only_the_upper_bits_are_used() -> None:
    planned, urgent = (
        rte_of(QUANZHOU)["priority"],
        rte_of(replace(QUANZHOU, reason=Reason.EMERGENCY), replace(FEED, event_codes=MADE_CODES))["priority"],
    )
    assert urgent > planned
    assert all(level[0] & 0b11111 == 0 for level in (planned, urgent))


def test_a_cancelled_record_is_no_message() -> None:
    assert messages(CANCELLED) == []


def test_records_are_told_apart_by_sender_and_event_id() -> None:
    assert len({(rsi_of(event)["id"], rte_of(event)["rteId"]) for event in EVENTS if not event.cancelled}) == 9


def test_a_document_reads_back_to_what_the_rules_look_at() -> None:
    feed = read_rsi(GOLDEN.read_bytes())
    record = next(record for record in feed.records if record.id == CLOSURE.id)
    assert record.lines[0].coordinates == CLOSURE.coordinates
    assert (feed.standard, feed.bounds) == ("rsi", FEED.bounds)


def test_a_message_that_is_no_uper_is_read_as_a_line_that_the_rules_refuse() -> None:
    document = json.loads(GOLDEN.read_bytes())
    document["messages"][0]["uper"] = "AAAA"
    (line,) = read_rsi(json.dumps(document).encode()).records[0].lines
    assert isinstance(line.coordinates[0], str)
