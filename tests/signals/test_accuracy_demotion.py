"""Demotion: a group whose countdowns fail shows intervals only, by itself, and counts down again by itself."""

import random
from datetime import UTC
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_accuracy import GREEN, KEY, RED, at, lamp, said

from trafficfeed.signals.accuracy.demotion import DemotionRule, Demotions
from trafficfeed.signals.accuracy.tally import COUNTED, merged
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.events import GroupKey


def fed(demotions: Demotions, wrong: int, right: int, *, seconds: int = 20, key: GroupKey = KEY) -> None:
    """Score some wrong countdowns, then some right ones."""
    for k in range(wrong + right):
        demotions.scored(key, seconds=seconds, right=0 if k < wrong else seconds, at=at(k))


def test_a_group_may_count_down_until_thirty_countdowns_have_failed_it() -> None:
    demotions = Demotions()
    fed(demotions, wrong=29, right=0)
    assert demotions.allowed(KEY)
    fed(demotions, wrong=1, right=0)
    assert not demotions.allowed(KEY)
    assert demotions.allowed(GroupKey("crossing", 2))


@pytest.mark.parametrize(("wrong", "of", "stays"), [(3, 30, True), (5, 30, False), (6, 100, True), (7, 100, False)])
def test_the_rule_is_that_chance_would_do_it_less_than_once_in_a_thousand(wrong: int, of: int, stays: bool) -> None:
    assert DemotionRule().fails(of, wrong) is not stays


def test_a_demoted_group_comes_back_after_forty_five_right_countdowns_unseen() -> None:
    demotions = Demotions()
    fed(demotions, wrong=30, right=44)
    assert not demotions.allowed(KEY)
    fed(demotions, wrong=0, right=1)
    assert demotions.allowed(KEY)
    assert [change.demoted for change in demotions.changes] == [True, False]
    assert "right to a second" in demotions.changes[0].reason


def test_a_slow_decline_is_found_by_the_long_window_that_the_short_one_would_forgive() -> None:
    demotions = Demotions()
    for k in count():
        demotions.scored(KEY, seconds=20, right=0 if k % 15 == 0 else 20, at=at(k))  # 2 of 30: 93 %
        if not demotions.allowed(KEY):
            break
    assert demotions.changes[0].countdowns > 30


def test_short_ambers_that_are_always_right_do_not_hide_wrong_reds() -> None:
    demotions = Demotions()
    for k in range(60):
        fed(demotions, wrong=0, right=1, seconds=3)
        fed(demotions, wrong=int(k % 4 == 0), right=int(k % 4 != 0), seconds=60)
    assert not demotions.allowed(KEY)


@settings(max_examples=200, deadline=None)
@given(st.integers(30, 300), st.data())
def test_what_is_good_enough_to_come_back_is_never_bad_enough_to_go(n: int, data: st.DataObject) -> None:
    wrong = data.draw(st.floats(0, n))
    rule = DemotionRule()
    assert not (rule.fails(n, wrong) and rule.convinces(n, wrong))


def test_a_group_on_target_is_seldom_demoted_and_one_at_ninety_percent_always() -> None:
    chance = random.Random(7)
    demoted = dict.fromkeys((0.99, 0.9), 0)
    for share in demoted:
        for group in range(100):
            demotions, key = Demotions(), GroupKey("crossing", group)
            for k in range(400):
                demotions.scored(key, seconds=20, right=20 * (chance.random() < share), at=at(k))
            demoted[share] += any(change.demoted for change in demotions.changes)
    assert demoted[0.99] <= 5
    assert demoted[0.9] >= 95


def test_a_new_process_goes_on_with_the_demotions_of_the_last() -> None:
    demotions = Demotions()
    fed(demotions, wrong=30, right=0)
    again = Demotions(demoted=demotions.demoted().values())
    assert not again.allowed(KEY)
    fed(again, wrong=0, right=45)
    assert again.allowed(KEY)


def test_a_demoted_group_publishes_its_interval_and_is_scored_unseen_until_it_recovers() -> None:
    accuracy = Accuracy(UTC)
    shown = []
    for k in range(200):
        second, error = 100.0 * k, 8 if k < 40 else 0
        accuracy.observe(lamp(RED, second))
        published = accuracy.publishable(said(RED, second, second, second + 50 + error))
        shown.append(published.countdown_allowed)
        assert published.p10 is not None
        accuracy.observe(lamp(GREEN, second + 50))
    accuracy.finish()
    assert shown[:30] == [True] * 30
    demoted_at, back_at = shown.index(False), 200 - shown[::-1].index(False)
    assert 30 <= demoted_at <= 33
    assert 84 <= back_at <= 140
    assert all(shown[back_at:])
    of = dict(zip(COUNTED, merged(accuracy.tallies.values()).total(), strict=True))
    assert of["shadow"] == 50 * (back_at - demoted_at)
    assert of["published"] + of["shadow"] == of["seconds"] - _green_seconds(of)
    assert of["within_1s"] == 50 * (200 - back_at)


def _green_seconds(of: dict[str, int]) -> int:
    """Seconds of the greens in between, of which nothing was said."""
    return of["seconds"] - of["with_interval"]
