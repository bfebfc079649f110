"""How pages put things."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api import wording
from trafficfeed.windows import Window

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)


def window(start: str, hours: float) -> Window:
    begin = datetime.fromisoformat(start).astimezone(UTC)
    return Window(start=begin, end=begin + timedelta(hours=hours))


def test_a_window_within_a_day_names_the_day_once() -> None:
    text = wording.span(window("2026-10-21T08:00+03:00", 4), HELSINKI, now=NOW)
    assert text == "Wed 21 Oct 08:00 – 12:00"


def test_a_window_over_midnight_names_both_days_and_an_estimate_says_about() -> None:
    text = wording.span(window("2026-10-21T22:00+03:00", 8), HELSINKI, now=NOW, estimate=True)
    assert text == "Wed 21 Oct 22:00 – about Thu 22 Oct 06:00"


def test_the_hour_that_a_dst_change_repeats_is_told_apart_by_its_zone() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert wording.moment(first, HELSINKI, now=NOW) == "Sun 25 Oct 03:30 EEST"
    assert wording.moment(first + timedelta(hours=1), HELSINKI, now=NOW) == "Sun 25 Oct 03:30 EET"
    assert wording.moment(first + timedelta(hours=2), HELSINKI, now=NOW) == "Sun 25 Oct 04:30"


def test_the_year_is_named_only_where_it_could_be_mistaken() -> None:
    assert wording.moment(datetime(2027, 1, 1, tzinfo=UTC), HELSINKI, now=NOW) == "Fri 1 Jan 02:00"
    assert wording.moment(datetime(2027, 10, 25, tzinfo=UTC), HELSINKI, now=NOW) == "Mon 25 Oct 2027 03:00"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"kind": "closure"}, "Closed"),
        ({"kind": "lanes_closed", "lanes": [1]}, "Lane 1 closed (1 is at the kerb)"),
        ({"kind": "lanes_closed", "lanes": [1, 2]}, "Lanes 1 and 2 closed (1 is at the kerb)"),
        ({"kind": "vehicles", "only": ["bus", "taxi"]}, "Only buses and taxis"),
        ({"kind": "vehicles", "banned": ["truck", "trailer", "coach"]}, "No trucks, trailers or coaches"),
        (
            {"kind": "vehicles", "max_weight_t": 3.5, "max_height_m": 4},
            "No vehicle over 3.5 t; no vehicle over 4 m high",
        ),
        ({"kind": "vehicles", "permit": "zone A"}, "Only with permit: zone A"),
        ({"kind": "speed_limit", "limit_kmh": 30}, "Speed limit 30 km/h"),
        ({"kind": "one_way"}, "One way"),
        ({"kind": "turn_ban"}, "No turn"),
        ({"kind": "metering", "flow_vph": 600.0}, "Metered: 600 vehicles an hour"),
        ({"kind": "something new"}, "Restricted"),
    ],
)
def test_a_rule_is_told_as_a_driver_would_say_it(rule: dict[str, Any], text: str) -> None:
    assert wording.rule_text(rule) == text


def test_several_rules_are_one_sentence_and_repeats_fall_away() -> None:
    rules = [{"kind": "closure"}, {"kind": "speed_limit", "limit_kmh": 30}, {"kind": "closure"}]
    assert wording.rules_text(rules) == "Closed; speed limit 30 km/h"


def test_a_text_is_in_the_language_asked_for_else_english_else_any() -> None:
    assert wording.text_in({"fi": "Konsertti", "en": "Concert"}, "fi") == ("Konsertti", "fi")
    assert wording.text_in({"zh": "音乐会", "en": "Concert"}, "zh-Hans") == ("音乐会", "zh")
    assert wording.text_in({"sv": "Konsert", "en": "Concert"}, "fi") == ("Concert", "en")
    assert wording.text_in({"sv": "Konsert"}, "fi") == ("Konsert", "sv")
    assert wording.text_in({}, "fi") == ("", "fi")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "just now"), (60, "1 minute ago"), (3599, "59 minutes ago"), (7200, "2 hours ago"), (90000, "1 day ago")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert wording.age(seconds) == text


def test_a_delay_has_its_sign() -> None:
    assert [wording.seconds(v) for v in (1.24, -0.04, -3.0, 25.4, None)] == ["+1.2 s", "0.0 s", "−3.0 s", "+25 s", "–"]
