"""The scorecard feed: released from what processes kept, with demotions that outlive them."""

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from made_accuracy import GREEN, KEY, RED, at, lamp, said

from trafficfeed.pipeline.signal_scorecards import (
    keep_scores,
    make_scorecard,
    release_scorecard,
    resume_demotions,
    take_scores,
)
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.store.objects import ObjectStore

ZONE = ZoneInfo("Europe/Helsinki")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    """A fresh store."""
    return ObjectStore(f"file://{tmp_path}")


def keep(objects: ObjectStore, accuracy: Accuracy, process: str, as_of: datetime) -> None:
    """Write down the scores so far."""
    keep_scores(objects, take_scores(accuracy, zone=ZONE, as_of=as_of), zone=ZONE, process=process)


def drive(accuracy: Accuracy, begin_s: float, count: int, *, error_s: float = 0.0) -> float:
    """Show and foretell some cycles; return when they are over."""
    for k in range(count):
        second = begin_s + 60.0 * k
        accuracy.observe(lamp(RED, second))
        accuracy.publishable(said(RED, second, second, second + 30 + error_s))
        accuracy.observe(lamp(GREEN, second + 30))
    return begin_s + 60.0 * count


def test_a_released_scorecard_says_what_every_group_was_worth(objects: ObjectStore) -> None:
    accuracy = Accuracy(ZONE, resume_demotions(objects))
    end = drive(accuracy, 0, 10)
    keep(objects, accuracy, "a", at(end))
    release = release_scorecard(objects, city="gridtown", zone=ZONE, as_of=at(end))
    card = json.loads(release.documents["scorecard.json"].data)
    assert card["format"] == "trafficfeed-signal-scorecard/1"
    assert card["days"] == ["2026-11-22"]
    (group,) = card["groups"]
    assert group["id"] == "crossing/1"
    assert group["countdown_allowed"] is True
    assert group["within_1s"] == group["by_horizon"]["0-5 s"]["within_1s"] == 1.0
    assert group["by_day"]["2026-11-22"]["seconds"] == card["overall"]["seconds"]
    assert card["overall"]["by_horizon"]["over 40 s"]["within_1s"] is None
    assert "98.5%" in card["rule"]["demoted"]


def test_the_same_facts_give_the_same_release(objects: ObjectStore) -> None:
    accuracy = Accuracy(ZONE, resume_demotions(objects))
    end = drive(accuracy, 0, 3)
    keep(objects, accuracy, "a", at(end))
    first, second = (release_scorecard(objects, city="c", zone=ZONE, as_of=at(end)) for _ in range(2))
    assert first.manifest.number == second.manifest.number == 1


def test_a_restarted_process_keeps_the_demotions_and_the_seconds_of_the_one_before(objects: ObjectStore) -> None:
    accuracy = Accuracy(ZONE, resume_demotions(objects))
    end = drive(accuracy, 0, 40, error_s=9)
    keep(objects, accuracy, "a", at(end + 20))
    again = Accuracy(ZONE, resume_demotions(objects))
    assert not again.allowed(KEY)
    end = drive(again, end + 1000, 100)
    keep(objects, again, "b", at(end + 20))
    assert again.allowed(KEY)
    card = make_scorecard(objects, city="c", zone=ZONE, as_of=at(end))
    assert [change.demoted for change in card.changes] == [True, False]
    assert card.groups[0].demoted is None
    assert card.groups[0].total.runs == 40 + 39 + 100 + 99  # the greens are runs too, of which nothing was said


def test_a_demoted_group_that_shows_nothing_any_more_is_still_named(objects: ObjectStore) -> None:
    accuracy = Accuracy(ZONE, resume_demotions(objects))
    end = drive(accuracy, 0, 40, error_s=9)
    keep(objects, accuracy, "a", at(end + 20))
    card = make_scorecard(objects, city="c", zone=ZONE, as_of=at(end + 30 * 86400))
    assert [group.demoted is not None for group in card.groups] == [True]
    assert not card.days


def test_a_day_that_was_let_go_is_not_written_over_by_a_very_late_event(objects: ObjectStore) -> None:
    accuracy = Accuracy(ZONE, resume_demotions(objects))
    drive(accuracy, 0, 10)
    keep(objects, accuracy, "a", at(3 * 86400))
    drive(accuracy, 700, 1)
    keep(objects, accuracy, "a", at(3 * 86400 + 60))
    card = make_scorecard(objects, city="c", zone=ZONE, as_of=at(3 * 86400))
    assert card.by_day[date(2026, 11, 22)].runs >= 10
