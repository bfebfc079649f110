from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.prediction.analogue_sets import SETS, AnalogueSet
from trafficfeed.signals.prediction.countdown_rule import COLUMNS, CountdownRule
from trafficfeed.signals.prediction.evidence import OF_SET, Asked, ask, evidence_of
from trafficfeed.signals.prediction.quantiles import Spread
from trafficfeed.signals.prediction.settled import settled_length, settled_outlook
from trafficfeed.signals.prediction.trees import Trees


def lasting(*lengths_s: float) -> AnalogueSet:
    lengths = np.array(lengths_s, dtype=float)
    return AnalogueSet(lengths, np.zeros(len(lengths)), np.ones(len(lengths)))


def asked_of(members: AnalogueSet) -> Asked:
    others = [lasting()] * (len(SETS) - 1)
    return ask([members, *others], until_s=float(members.ends_s.max()))


def past(*lengths_s: float) -> np.ndarray:
    lengths = np.array(lengths_s)
    starts = 100.0 * np.arange(len(lengths))
    nothing = np.full(len(lengths), np.nan)
    return np.column_stack([starts, starts + lengths, nothing, nothing, nothing])


def test_those_that_have_ended_are_asked_no_more() -> None:
    asked = asked_of(lasting(20, 30, 40))
    assert asked.at_s.tolist() == [0, 20, 30, 40]
    assert asked.valid.sum(axis=1).tolist() == [3, 2, 1, 0]


def test_the_end_between_two_that_are_two_seconds_apart_is_right_for_both() -> None:
    evidence = evidence_of(asked_of(lasting(30, 30, 32, 32, 60)))
    assert evidence.centres_s[0, 0] == 31.0


def test_the_evidence_counts_who_agrees_and_who_would_be_earlier_or_later() -> None:
    evidence = evidence_of(asked_of(lasting(10, 30, 31, 30, 50)))
    first = dict(zip(OF_SET, evidence.table[0, : len(OF_SET)].tolist(), strict=True))
    assert evidence.candidate_s[0] == 30.0
    assert first["count"] == 5
    assert first["share"] == pytest.approx(3 / 5)
    assert first["exact"] == pytest.approx(2 / 5)
    assert (first["early_gap_s"], first["late_gap_s"]) == (20.0, 20.0)
    assert first["hits_in_row"] == 0
    assert first["last_three"] == pytest.approx(2 / 3)


def test_an_end_known_to_the_second_has_a_second_for_its_spread() -> None:
    spread = Spread(asked_of(lasting(30, 30, 30)), np.ones(len(SETS)))
    low, middle, high = (float(spread.at(np.full(2, level))[0]) for level in (0.1, 0.5, 0.9))
    assert (low, middle, high) == pytest.approx((29.6, 30.0, 30.4))
    assert spread.ends_at(0) == pytest.approx((29.5, 30.5))
    assert spread.share_before(0, 30.0) == pytest.approx(0.5)


def test_quantiles_of_many_lengths_lie_where_numpy_has_them() -> None:
    lengths = np.random.default_rng(2).integers(20, 90, 60).astype(float)
    spread = Spread(asked_of(lasting(*lengths)), np.ones(len(SETS)))
    for level in (0.1, 0.5, 0.9):
        n = len(asked_of(lasting(*lengths)).at_s)
        assert float(spread.at(np.full(n, level))[0]) == pytest.approx(np.quantile(lengths, level), abs=2.0)


def test_lengths_that_never_varied_are_settled_and_others_are_not() -> None:
    assert settled_length(past(*[30.0] * 8)) == 30.0
    assert settled_length(past(*[30.0] * 7)) is None
    assert settled_length(past(*[30.0] * 8, 33.0)) is None
    assert settled_length(past(*[30.0] * 8, 32.0)) == 31.0


def test_a_settled_outlook_ends_with_the_longest() -> None:
    outlook = settled_outlook(past(*[30.0] * 8, 31.0), 30.0)
    step = outlook.step(10.0)
    assert step is not None and step.countdown and step.likely_s == 30.0
    assert 29.5 <= step.low_s <= 30.0 <= step.high_s <= 31.5
    later = outlook.step(30.5)
    assert later is not None and later.likely_s == 31.0
    assert outlook.step(31.0) is None


def test_trees_walk_to_the_leaf_that_their_thresholds_lead_to() -> None:
    node = np.array([[0, 1, 2]], dtype=np.int16)
    tree = Trees(
        feature=np.zeros((1, 3), np.int16),
        threshold=np.array([[5.0, 0.0, 0.0]]),
        left=np.where(node == 0, 1, node).astype(np.int16),
        right=np.where(node == 0, 2, node).astype(np.int16),
        value=np.array([[0.0, -2.0, 2.0]], dtype=np.float32),
        base=0.0,
        depth=1,
    )
    low, edge, high = tree.probability(np.array([[1.0], [5.0], [9.0]]))
    assert low == edge == pytest.approx(1 / (1 + np.exp(2.0)))
    assert high == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_a_rule_fitted_on_other_columns_is_refused(tmp_path: Path) -> None:
    one = np.zeros((1, 1))
    whole = one.astype(np.int16)
    rule = CountdownRule(Trees(whole, one, whole, whole, one.astype(np.float32), 0.0, 1), 0.9)
    rule.save(tmp_path / "rule.npz")
    assert CountdownRule.read(tmp_path / "rule.npz").countdown_from == 0.9
    with np.load(tmp_path / "rule.npz") as parts:
        changed = {**parts, "columns": np.array(COLUMNS[1:], dtype=str)}
    np.savez(tmp_path / "other.npz", **changed)
    with pytest.raises(SourceMalformed, match="fit it anew"):
        CountdownRule.read(tmp_path / "other.npz")
