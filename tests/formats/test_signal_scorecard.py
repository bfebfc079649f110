"""The scorecard document: sorted, the same bytes for the same card, nulls where nothing was scored."""

import json
from datetime import date

from made_accuracy import KEY, at

from trafficfeed.formats.signal_scorecard import encode
from trafficfeed.signals.accuracy.demotion import DemotionChange
from trafficfeed.signals.accuracy.scorecard import Scorecard, groups_of
from trafficfeed.signals.accuracy.tally import COUNTED, Tally
from trafficfeed.signals.accuracy.watch import GroupDay
from trafficfeed.signals.events import GroupKey

DAYS = (date(2026, 11, 21), date(2026, 11, 22))
OTHER = GroupKey("avenue", 2)


def tally(published: int, right: int) -> Tally:
    """Make a tally of a hundred seconds, five seconds before the end at most."""
    made = Tally(runs=4, lost=1)
    row = {"seconds": 100, "published": published, "within_1s": right, "within_2s": right, "error_ms": 500 * published}
    made.add(0, [row.get(name, 0) for name in COUNTED])
    return made


def card(reverse: bool = False) -> Scorecard:
    """Make a card of two groups, one of them demoted."""
    tallies = {
        GroupDay(KEY, DAYS[0]): tally(80, 60),
        GroupDay(KEY, DAYS[1]): tally(20, 20),
        GroupDay(OTHER, DAYS[1]): tally(0, 0),
    }
    items = sorted(tallies.items(), reverse=reverse)
    change = DemotionChange(key=KEY, demoted=True, at=at(0), countdowns=30, within_1s=0.75)
    return Scorecard(
        city="c", timezone="UTC", as_of=at(60), days=DAYS, groups=groups_of(dict(items), [change]), changes=[change]
    )


def test_the_order_in_which_scores_come_changes_no_byte() -> None:
    assert encode(card()) == encode(card(reverse=True))


def test_shares_are_of_what_they_say() -> None:
    document = json.loads(encode(card()))
    group = next(one for one in document["groups"] if one["id"] == "crossing/1")
    assert group["published_share"] == 0.5
    assert group["within_1s"] == 0.8
    assert group["mae_s"] == 0.5
    assert group["by_day"]["2026-11-21"]["within_1s"] == 0.75
    assert group["by_horizon"]["0-5 s"]["seconds"] == 200
    assert document["overall"]["published_share"] == round(100 / 300, 4)
    assert document["overall"]["runs"] == 12
    assert document["overall"]["runs_lost"] == 3


def test_nothing_scored_is_null_and_no_zero() -> None:
    document = json.loads(encode(card()))
    silent = document["groups"][0]
    assert silent["id"] == "avenue/2"
    assert silent["within_1s"] is silent["mae_s"] is silent["coverage_p10_p90"] is None
    assert silent["published_share"] == 0.0


def test_a_demoted_group_is_named_with_its_reason_and_the_log_with_it() -> None:
    document = json.loads(encode(card()))
    group = document["groups"][1]
    assert group["countdown_allowed"] is False
    assert group["demoted_at"] == "2026-11-22T12:00:00Z"
    assert "75.0%" in group["reason"]
    assert document["changes"] == [
        {"id": "crossing/1", "at": "2026-11-22T12:00:00Z", "change": "demoted", "countdowns": 30, "within_1s": 0.75}
    ]
    assert "demoted_at" not in document["groups"][0]
    assert "simulated" not in document
