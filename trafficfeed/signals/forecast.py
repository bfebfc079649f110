"""When what is shown will end: an interval with its method, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey


class Method(StrEnum):
    """The rung of the ladder that a forecast stands on, best first."""

    PLAN = "plan"  # a published fixed plan that the controller has been seen to follow
    CLEARANCE = "clearance"  # a known lag after the conflicting green ends
    ANALOGUES = "analogues"  # nearest past cycles at the same position in the cycle
    ACTUATION = "actuation"  # past greens, and what the controller says beside its lamps: calls, gap-outs, walks
    SURVIVAL = "survival"  # past durations, given the time elapsed
    ABSTAIN = "abstain"  # nothing can be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the `aspect` that `key` shows since `since` ends; absolute, aware UTC.

    `p10`..`p90` are the calibrated quantiles, `min_end` and `max_end` hard bounds where they are known. All are None
    where `method` is abstain. `countdown_allowed`: a map app may count down the seconds to `likely_end`; elsewhere it
    may show the interval at most. `analogues` is the number of past cases that it rests on.
    """

    key: GroupKey
    aspect: Aspect
    since: datetime
    made_at: datetime
    method: Method
    min_end: datetime | None = None
    likely_end: datetime | None = None
    max_end: datetime | None = None
    p10: datetime | None = None
    p50: datetime | None = None
    p90: datetime | None = None
    countdown_allowed: bool = False
    analogues: int = 0
    next_aspect: Aspect | None = None
