"""The rung for actuated greens: asked where it should be, silent elsewhere, and never outside the interval."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.ingest.hires import event_of
from trafficfeed.signals.prediction.actuation import FEATURES, FITTED, UNKNOWN, Actuation, fitted_on, read_trees

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
CYCLE_S, GREEN_S = 80.0, 30.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(seconds: float, code: int, phase: int = 2) -> ControllerEvent:
    return event_of("7", at(seconds), code, phase)


def greens(count: int, reason: int = 6) -> list[ControllerEvent]:
    """Greens of one length, each begun a cycle after the last; then one more that has just begun."""
    rows = []
    for k in range(count):
        rows += [row(CYCLE_S * k, 1), row(CYCLE_S * k + GREEN_S, reason), row(CYCLE_S * k + GREEN_S, 7)]
    return [*rows, row(CYCLE_S * count, 1)]


def told(seconds: float) -> Forecast:
    """What the ladder says of the green that began last, without a countdown."""
    made_at = at(seconds)
    return Forecast(
        key=GroupKey("7", 2),
        aspect=Aspect.PROTECTED_GREEN,
        since=at(seconds // CYCLE_S * CYCLE_S),
        made_at=made_at,
        method=Method.SURVIVAL,
        min_end=made_at,
        likely_end=made_at + timedelta(seconds=60),
        max_end=made_at + timedelta(seconds=100),
        p10=made_at + timedelta(seconds=5),
        p50=made_at + timedelta(seconds=60),
        p90=made_at + timedelta(seconds=90),
    )


def after(rows: list[ControllerEvent]) -> Actuation:
    actuation = Actuation()
    for one in rows:
        actuation.observe(one)
    return actuation


def test_the_likely_end_moves_to_where_the_greens_have_always_ended_and_the_quantiles_stay() -> None:
    ladder = told(10 * CYCLE_S + 20)

    said = after(greens(10)).sharpen(ladder)

    assert said.likely_end is not None
    assert abs((said.likely_end - at(10 * CYCLE_S + GREEN_S)).total_seconds()) < 5
    assert said.method is Method.ACTUATION
    assert replace(said, likely_end=ladder.likely_end, method=ladder.method) == ladder


def test_it_never_leaves_the_bounds() -> None:
    ladder = replace(told(10 * CYCLE_S), min_end=at(10 * CYCLE_S + 70))

    said = after(greens(10)).sharpen(ladder)

    assert said.likely_end == ladder.min_end


@pytest.mark.parametrize(
    "change",
    [
        {"countdown_allowed": True},
        {"method": Method.PLAN},
        {"method": Method.CLEARANCE},
        {"method": Method.ABSTAIN},
        {"key": GroupKey("7", 3)},
        {"key": GroupKey("8", 2)},
    ],
)
def test_it_is_not_asked_where_another_rung_knows_or_the_group_has_no_log(change: dict[str, object]) -> None:
    ladder = replace(told(10 * CYCLE_S), **change)  # type: ignore[arg-type]

    assert after(greens(10)).sharpen(ladder) == ladder


def test_it_is_silent_before_eight_greens_and_after_the_green_has_ended() -> None:
    few, over = after(greens(7)), after([*greens(10), row(10 * CYCLE_S + 9, 7)])

    assert few.sharpen(told(7 * CYCLE_S)) == told(7 * CYCLE_S)
    assert over.sharpen(told(10 * CYCLE_S + 10)) == told(10 * CYCLE_S + 10)


def test_forced_ends_tell_the_cycle_and_what_is_left_in_it() -> None:
    features = after(greens(10)).features(told(10 * CYCLE_S + 12))

    assert features is not None
    by_name = dict(zip(FEATURES, features.tolist(), strict=True))
    assert by_name["left_in_cycle_forced_s"] == pytest.approx(GREEN_S - 12)
    assert by_name["forced_share"] == 1.0
    assert (by_name["walk_served"], by_name["left_of_walk_s"]) == (0.0, UNKNOWN)


def test_a_walk_that_has_begun_is_known_with_what_is_left_of_it() -> None:
    rows = greens(10)
    for k in range(3):
        rows += [row(CYCLE_S * (10 + k), 21), row(CYCLE_S * (10 + k) + 25, 23)]
    features = after([*rows, row(10 * CYCLE_S + 200, 21)]).features(told(10 * CYCLE_S + 210))

    assert features is not None
    assert dict(zip(FEATURES, features.tolist(), strict=True))["left_of_walk_s"] == pytest.approx(15)


def test_each_controller_that_the_model_was_fitted_on_has_one_that_has_not_seen_it() -> None:
    whole = read_trees(FITTED)

    assert fitted_on()
    for name in fitted_on():
        without = read_trees(FITTED, without=name)
        assert not np.array_equal(without.value, whole.value)
    assert np.array_equal(read_trees(FITTED, without="one of elsewhere").value, whole.value)
