"""What is decided for a site: nothing, a hazard or a closure; on what it rests, from when, and until when at least."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trafficfeed.flooding.road_state import WaterClass


class Level(StrEnum):
    """How bad; in rising order."""

    CLEAR = "clear"
    HAZARD = "hazard"  # water on the road: drive with care
    CLOSED = "closed"


class Basis(StrEnum):
    """What a decision rests on."""

    OBSERVED = "observed"  # readings that passed the checks, or an officer's report
    FORECAST = "forecast"
    OFFICER = "officer"  # an officer overrode it; the reason is in the audit log


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """When a road is closed, warned of and cleared; all in settings.

    `closes_m`: closed at once on a good reading of it. `hazard_m`: warned of. `clears_m`, `clears_after_s`: cleared
    only after good readings below it for so long, and with no re-flood forecast within `reflood_s` above
    `reflood_chance`. `ahead_s`: how far a forecast closure looks. `cost_ratio`: cost of a needless closure over the
    loss of a missed one; a forecast closure is made where the chance exceeds it (cost–loss: p > C/L);
    `hazard_cost_ratio` is that of warning of `clears_m` in the same time, which costs less. `hold_s`: no decision is
    relaxed sooner. `approval`: forecast closures wait for an officer. `silence_s`: so long without a good
    reading is silence, and silence never clears.
    """

    closes_m: float = 0.30
    hazard_m: float = 0.10
    clears_m: float = 0.15
    clears_after_s: float = 900.0
    ahead_s: float = 1800.0
    cost_ratio: float = 0.80
    hazard_cost_ratio: float = 0.35
    reflood_s: float = 3600.0
    reflood_chance: float = 0.10
    hold_s: float = 900.0
    silence_s: float = 1200.0
    approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What holds for a site from `decided_at` on, until another is made.

    Attributes
    ----------
    episode
        Id of the run of decisions from the first water to the clearing: ``<site>-<YYYYmmddTHHMM>``; stable, it names
        the order under which the episode is published. "" while clear.
    since
        When this level began.
    expected_end
        When it is expected to be below `clears_m` for good (P90 of the forecast), None where nothing can be said.
    awaits_approval
        A forecast closure that no officer has approved yet: shown to officers, not published.
    depth_m, low_m, high_m
        The last good depth and the band of the deepest expected in `ahead_s`; None where there is none.
    chance
        Of `closes_m` within `ahead_s`; None where the forecast abstains.
    closed_to
        The vehicle classes kept out; all but emergency vehicles where they would still pass.
    readings
        Ids of the readings that made it.
    forecast
        Issue time of the forecast that made it; None where none was at hand.
    reason
        A sentence for officers, and for the audit log.
    """

    site: str
    level: Level
    basis: Basis
    decided_at: datetime
    since: datetime
    episode: str = ""
    expected_end: datetime | None = None
    awaits_approval: bool = False
    depth_m: float | None = None
    low_m: float | None = None
    high_m: float | None = None
    chance: float | None = None
    closed_to: Sequence[WaterClass] = ()
    readings: Sequence[str] = ()
    forecast: datetime | None = None
    reason: str = ""
