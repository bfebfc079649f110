from random import Random

import pytest

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.prediction.cycles import cycle_at
from trafficfeed.signals.prediction.history import GroupHistory

RED, GREEN = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN


def coordinated(cycle_s: float, cycles: int, seed: int = 1) -> GroupHistory:
    """A green that begins when demand has it, and always ends at the same second of the cycle."""
    random, history = Random(seed), GroupHistory()
    for n in range(cycles):
        history.observe(RED, n * cycle_s + random.choice((-0.3, 0.0, 0.3)))
        history.observe(GREEN, n * cycle_s + random.uniform(20, 50))
    return history


@pytest.mark.parametrize("cycle_s", [60.0, 72.4, 90.0, 118.0])
def test_the_length_of_a_cycle_is_read_off_its_onsets(cycle_s: float) -> None:
    history = coordinated(cycle_s, 25)
    cycle = cycle_at(history, history.table(GREEN), 25 * cycle_s)
    assert cycle is not None
    assert cycle.length_s == pytest.approx(cycle_s, abs=0.1)


def test_cycles_in_which_the_green_was_not_called_count_as_several() -> None:
    history = GroupHistory()
    for n in range(40):
        if n % 3 and n % 5:
            history.observe(GREEN, n * 80.0)
            history.observe(RED, n * 80.0 + 20)
    cycle = cycle_at(history, history.table(RED), 3200.0)
    assert cycle is not None
    assert cycle.length_s == pytest.approx(80.0)


def test_lengths_without_a_rhythm_have_no_cycle() -> None:
    random, history, second = Random(4), GroupHistory(), 0.0
    for _ in range(40):
        for aspect in (RED, GREEN):
            history.observe(aspect, second)
            second += random.uniform(10, 80)
    assert cycle_at(history, history.table(RED), second) is None


def test_a_cycle_that_its_source_tells_is_taken_as_told() -> None:
    history = coordinated(90.0, 25)
    for n in range(26):
        history.begin_cycle(n * 75.0)
    cycle = cycle_at(history, history.table(GREEN), 25 * 75.0)
    assert cycle is not None
    assert (cycle.length_s, cycle.complete) == (75.0, 25)
