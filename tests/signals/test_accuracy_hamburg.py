"""Real lamps: what the scorer says of replayed slices is what the benchmark counts, second by second."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.signal_trial.replay import Slice, play
from benchmarks.signal_trial.sums import COUNTED as BENCHMARK_COUNTED
from benchmarks.signal_trial.sums import nothing, sums_of
from benchmarks.signal_trial.yardsticks import Yardsticks
from trafficfeed.signals.accuracy.tally import COUNTED, merged
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.predictor import Predictor

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))
HAMBURG = SHARED / "data/signals/hamburg_signal_cycles.parquet"
pytestmark = pytest.mark.skipif(not HAMBURG.is_file(), reason=f"{HAMBURG} is not here")


def replayed(record: Slice, key: GroupKey) -> Accuracy:
    """Run a slice through predictor and scorer as the live feed does: an event, and all that is said until the next."""
    accuracy, predictor = Accuracy(UTC), Predictor()
    cycles = [datetime.fromtimestamp(int(start), UTC) for start in record.starts]
    zero = cycles[0]
    for aspect, first, after in record.runs():
        begin, end = zero + timedelta(seconds=first), zero + timedelta(seconds=after)
        while cycles and cycles[0] <= begin:
            predictor.begin_cycle(key, cycles.pop(0))
        event = LampEvent(key=key, aspect=aspect, observed_at=begin, received_at=begin, source="replay")
        accuracy.observe(event)
        predictor.observe(event)
        moment: datetime | None = begin
        while moment is not None and moment < end:
            forecast = predictor.forecast(key, moment)
            assert forecast is not None
            accuracy.publishable(forecast)
            moment = predictor.next_change(key, moment)
    accuracy.finish()
    return accuracy


def test_the_scorer_counts_what_the_benchmark_counts() -> None:
    rows = next(pq.ParquetFile(HAMBURG).iter_batches(6)).to_pylist()
    ours, theirs = [], nothing()
    for number, row in enumerate(rows):
        for part, record in enumerate(Slice.of_row(row)):
            yardsticks = Yardsticks(record.starts)
            for run in play(record, GroupPredictor()):
                theirs += sums_of(run, yardsticks.say(run))
            ours.extend(replayed(record, GroupKey(row["thing"], 10 * number + part)).tallies.values())
    of = dict(zip(COUNTED, merged(ours).total(), strict=True))
    expected = dict(zip(BENCHMARK_COUNTED, theirs[1].sum(axis=0).tolist(), strict=True))
    assert of["seconds"] == expected["seconds"] > 10_000
    assert of["published"] + of["shadow"] == expected["published"] > 5_000
    assert of["within_1s"] + of["shadow_within_1s"] == expected["within_1s"]
    assert of["with_interval"] == expected["with_interval"]
    assert of["covered_ms"] / 1000 == pytest.approx(expected["in_interval"], rel=0.002)
