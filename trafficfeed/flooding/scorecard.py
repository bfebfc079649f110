"""How good a storm's decisions were against what truly stood there: closures, warnings, clearings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from trafficfeed.flooding.decisions import Decision, DecisionRule, Level
from trafficfeed.flooding.observations import Floats
from trafficfeed.flooding.storms import TrueWater

_WARN_M: Final = 0.15
_NEAR_S: Final = 1800.0  # a closure is for water that comes within it
_AGAIN_S: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteScore:
    """One site in one storm.

    `real` counts the stretches in which it truly had to be closed, `closures` those in which it was; `needless` are
    closures with no such water until half an hour after them, `missed` real ones that no closure met. `warnings_s` is
    how long before the water reached 15 cm drivers were warned, by flood (negative: after), `false_alarms` how many
    warnings were followed by no 15 cm. `clears_above` are the instants at which it was declared clear with 15 cm there
    or back within 15 minutes. `exposed_s` is how long 30 cm and more stood on an open road.
    """

    site: str
    real: int
    closures: int
    needless: int
    missed: int
    warnings_s: Sequence[float] = ()
    warnings: int = 0
    false_alarms: int = 0
    clears_above: Sequence[datetime] = ()
    exposed_s: float = 0.0
    deepest_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """All sites of a storm."""

    sites: Sequence[SiteScore] = field(default_factory=tuple)

    @property
    def closures_per_real(self) -> float:
        """Published closures for each real one; NaN where none was real."""
        real = sum(one.real for one in self.sites)
        return sum(one.closures for one in self.sites) / real if real else float("nan")

    @property
    def clears_above(self) -> int:
        """Clearings that were wrong."""
        return sum(len(one.clears_above) for one in self.sites)

    @property
    def median_warning_s(self) -> float:
        """The median time from the warning to 15 cm; NaN where nothing flooded."""
        found = [seconds for one in self.sites for seconds in one.warnings_s]
        return float(np.median(found)) if found else float("nan")

    @property
    def false_alarm_ratio(self) -> float:
        """Share of warnings after which 15 cm never came; NaN without any."""
        warnings = sum(one.warnings for one in self.sites)
        return sum(one.false_alarms for one in self.sites) / warnings if warnings else float("nan")


def scored(decisions: Iterable[Decision], truth: Mapping[str, TrueWater], rule: DecisionRule) -> Scorecard:
    """Score the decisions of a storm, in any order; sites without truth are left out."""
    by_site: dict[str, list[Decision]] = {}
    for one in sorted(decisions, key=lambda one: one.decided_at):
        by_site.setdefault(one.site, []).append(one)
    return Scorecard(sites=tuple(_site(name, by_site.get(name, []), truth[name], rule) for name in sorted(truth)))


def _site(name: str, made: Sequence[Decision], water: TrueWater, rule: DecisionRule) -> SiteScore:
    end = float(water.times[-1])
    closed = _stretches(made, {Level.CLOSED}, end)
    warned = _stretches(made, {Level.CLOSED, Level.HAZARD}, end)
    real = _above(water, rule.closes_m)
    floods = _above(water, _WARN_M)
    return SiteScore(
        site=name,
        real=len(real),
        closures=len(closed),
        needless=sum(not _meets(stretch, real, later_s=_NEAR_S) for stretch in closed),
        missed=sum(not _meets(stretch, closed, later_s=0.0) for stretch in real),
        warnings_s=tuple(_warning(flood, warned) for flood in floods),
        warnings=len(warned),
        false_alarms=sum(not _meets(stretch, floods, later_s=_NEAR_S) for stretch in warned),
        clears_above=tuple(_wrong_clears(made, water)),
        exposed_s=sum(_outside(stretch, closed) for stretch in real),
        deepest_m=float(water.depth_m.max(initial=0.0)),
    )


Stretch = tuple[float, float]


def _stretches(made: Sequence[Decision], levels: set[Level], end: float) -> list[Stretch]:
    found: list[Stretch] = []
    since: float | None = None
    for one in made:
        holds = one.level in levels and not one.awaits_approval
        at = one.decided_at.timestamp()
        if holds and since is None:
            since = at
        elif not holds and since is not None:
            found.append((since, at))
            since = None
    return [*found, (since, max(end, since))] if since is not None else found


def _above(water: TrueWater, limit_m: float) -> list[Stretch]:
    """Return when it is that deep, with dips of under 15 minutes filled."""
    deep: Floats = np.concatenate([[0.0], (water.depth_m >= limit_m).astype(np.float64), [0.0]])
    begins, ends = np.flatnonzero(np.diff(deep) > 0), np.flatnonzero(np.diff(deep) < 0) - 1
    found: list[Stretch] = []
    for begin, stop in zip(water.times[begins].tolist(), water.times[ends].tolist(), strict=True):
        if found and begin - found[-1][1] < _AGAIN_S:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((begin, stop))
    return found


def _meets(stretch: Stretch, others: Iterable[Stretch], *, later_s: float) -> bool:
    return any(begin <= stretch[1] + later_s and stretch[0] <= end for begin, end in others)


def _warning(flood: Stretch, warned: Sequence[Stretch]) -> float:
    """Return how long before a flood the warning stood that covers it, or came late; the flood's length if none."""
    before = [begin for begin, end in warned if begin <= flood[0] <= end]
    if before:
        return flood[0] - max(before)
    late = [begin for begin, _ in warned if flood[0] < begin <= flood[1]]
    return flood[0] - min(late) if late else flood[0] - flood[1]


def _wrong_clears(made: Sequence[Decision], water: TrueWater) -> Iterable[datetime]:
    held = Level.CLEAR
    for one in made:
        if one.level is Level.CLEAR and held is not Level.CLEAR:
            at = one.decided_at.timestamp()
            soon = (water.times >= at) & (water.times <= at + _AGAIN_S)
            if max(water.at(one.decided_at), float(water.depth_m[soon].max(initial=0.0))) >= _WARN_M:
                yield one.decided_at.astimezone(UTC)
        held = one.level


def _outside(stretch: Stretch, closed: Sequence[Stretch]) -> float:
    covered = sum(max(0.0, min(stretch[1], end) - max(stretch[0], begin)) for begin, end in closed)
    return max(0.0, stretch[1] - stretch[0] - covered)
