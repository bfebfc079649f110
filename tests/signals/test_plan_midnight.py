"""Fixed plans count from each day's own midnight: right before it, across it, and where clocks are changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.local_midnight import days_of
from trafficfeed.signals.prediction.plan import plan_timing
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.topology import SignalPlan, Stage

RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER
KEY = GroupKey("junction", 1)
HELSINKI = ZoneInfo("Europe/Helsinki")


def plan(cycle_s: float, offset_s: float = 0.0) -> SignalPlan:
    lengths = ((GREEN, cycle_s - 40.0), (AMBER, 3.0), (RED, 37.0))
    return SignalPlan(
        id="p",
        cycle_s=cycle_s,
        offset_s=offset_s,
        stages=[Stage(aspects={1: aspect}, duration_s=s, min_s=s, max_s=s) for aspect, s in lengths],
    )


def aspect_at(one: SignalPlan, zone: ZoneInfo, at: float) -> Aspect:
    """What a controller shows that begins the plan anew at each local midnight."""
    position = (at - days_of(zone).at(at).begin - one.offset_s) % one.cycle_s
    return GREEN if position < one.cycle_s - 40 else AMBER if position < one.cycle_s - 37 else RED


def wrong(one: SignalPlan, zone: ZoneInfo, begin: datetime, hours: float) -> tuple[list[str], float]:
    """Let a controller run, with its forecasts held against what it then did; the wrong ones, the share from the plan.

    Each run is asked of at its onset and at its middle, once the plan has been seen to be followed.
    """
    predictor = Predictor()
    predictor.use_plan(KEY, plan_timing(one, 1, zone))
    start = begin.timestamp()
    shown, asked, by_plan = None, 0, 0
    pending: list[Forecast] = []
    faults: list[str] = []
    for second in range(int(hours * 3600)):
        at = datetime.fromtimestamp(start + second, UTC)
        aspect = aspect_at(one, zone, start + second)
        if aspect is not shown:
            faults += [
                f"{said.made_at}: {said.likely_end}, was {at}"
                for said in pending
                if said.likely_end is None or abs((said.likely_end - at).total_seconds()) > 1.0
            ]
            shown, pending = aspect, []
            predictor.observe(LampEvent(key=KEY, aspect=aspect, observed_at=at, received_at=at, source="made"))
            if second > 900:
                said = predictor.forecast(KEY, at)
                assert said is not None
                asked += 1
                by_plan += said.method is Method.PLAN
                pending = [said] if said.method is Method.PLAN else []
    return faults, by_plan / asked


@pytest.mark.parametrize("cycle_s", [90.0, 80.0, 110.0, 97.0])
@pytest.mark.parametrize(
    ("zone", "evening"),
    [
        ("Europe/Helsinki", datetime(2026, 6, 1, 20, 0, tzinfo=UTC)),
        ("Europe/Helsinki", datetime(2026, 3, 28, 21, 0, tzinfo=UTC)),  # the day of 23 hours begins
        ("Europe/Helsinki", datetime(2026, 3, 29, 20, 0, tzinfo=UTC)),  # and ends
        ("Europe/Helsinki", datetime(2026, 10, 25, 21, 0, tzinfo=UTC)),  # one of 25 ends
        ("America/Santiago", datetime(2026, 9, 6, 2, 0, tzinfo=UTC)),  # midnight itself is left out
        ("Asia/Kathmandu", datetime(2026, 6, 1, 17, 0, tzinfo=UTC)),
    ],
)
def test_what_is_said_by_the_plan_is_right_across_midnight(zone: str, evening: datetime, cycle_s: float) -> None:
    faults, by_plan = wrong(plan(cycle_s, offset_s=25.0), ZoneInfo(zone), evening, hours=3.0)
    assert faults == []
    assert by_plan > 0.95, "the plan has to be what speaks"


def test_the_change_of_clocks_in_the_night_itself_moves_nothing() -> None:
    faults, by_plan = wrong(plan(110.0), HELSINKI, datetime(2026, 10, 24, 23, 0, tzinfo=UTC), hours=4.0)
    assert (faults, by_plan) == ([], 1.0)


@pytest.mark.parametrize(
    ("noon", "hours"),
    [
        (datetime(2026, 3, 29, 9, tzinfo=UTC), 23),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), 25),
        (datetime(2026, 10, 26, 10, tzinfo=UTC), 24),
    ],
)
def test_a_local_day_lasts_from_midnight_to_midnight(noon: datetime, hours: int) -> None:
    day = days_of(HELSINKI).at(noon.timestamp())
    assert day.length_s == hours * 3600
    assert datetime.fromtimestamp(day.begin, HELSINKI).hour == 0
    assert days_of(HELSINKI).at(day.end).begin == day.end
