"""Signal scores kept: what comes back is what was kept, over processes and restarts."""

from datetime import UTC, date
from pathlib import Path

import pytest
from made_accuracy import GREEN, KEY, RED, lamp, said

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.accuracy.tally import Tally
from trafficfeed.signals.accuracy.watch import Accuracy, GroupDay
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.signal_scores import SignalScores

DAY = date(2026, 11, 22)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    """A fresh store."""
    return ObjectStore(f"file://{tmp_path}")


def cycles(count: int, *, error_s: float = 0.0, from_s: float = 0.0) -> Accuracy:
    """Score some reds of thirty seconds, foretold with an error."""
    accuracy = Accuracy(UTC)
    for k in range(count):
        second = from_s + 60.0 * k
        accuracy.observe(lamp(RED, second))
        accuracy.publishable(said(RED, second, second, second + 30 + error_s))
        accuracy.observe(lamp(GREEN, second + 30))
    accuracy.finish()
    return accuracy


def test_what_is_kept_comes_back_the_same(objects: ObjectStore) -> None:
    accuracy = cycles(3)
    SignalScores(objects, "one").save(accuracy.snapshot(), UTC)
    assert SignalScores(objects).tallies([DAY]) == accuracy.tallies


def test_saving_again_replaces_and_another_process_adds(objects: ObjectStore) -> None:
    first, second = cycles(3), cycles(2, from_s=5000)
    for _ in range(2):
        SignalScores(objects, "one").save(first.snapshot(), UTC)
    SignalScores(objects, "two").save(second.snapshot(), UTC)
    both = Tally()
    for accuracy in (first, second):
        both.merge(accuracy.tallies[GroupDay(KEY, DAY)])
    assert SignalScores(objects).tallies([DAY])[GroupDay(KEY, DAY)] == both


def test_days_without_scores_are_empty(objects: ObjectStore) -> None:
    assert SignalScores(objects).tallies([DAY]) == {}
    assert SignalScores(objects).changes([DAY]) == ()
    assert SignalScores(objects).demoted() == ()


def test_the_log_of_demotions_comes_back_and_so_does_who_may_not_count_down(objects: ObjectStore) -> None:
    accuracy = cycles(40, error_s=9)
    SignalScores(objects, "one").save(accuracy.snapshot(), UTC)
    kept = SignalScores(objects)
    assert kept.changes([DAY]) == tuple(accuracy.demotions.changes)
    assert [change.key for change in kept.demoted()] == [KEY]


def test_a_file_that_is_none_of_ours_is_named(objects: ObjectStore) -> None:
    objects.write("signals/scores/2026-11-22/bad.parquet", b"PAR1 not really")
    with pytest.raises(SourceMalformed, match=r"2026-11-22/bad\.parquet"):
        SignalScores(objects).tallies([DAY])
