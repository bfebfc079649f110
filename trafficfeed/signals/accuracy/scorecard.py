"""The scorecard: what every group's countdowns were worth, by day and horizon, and who may not count down now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from trafficfeed.signals.accuracy.demotion import DemotionChange, DemotionRule
from trafficfeed.signals.accuracy.tally import Tally, merged
from trafficfeed.signals.accuracy.watch import GroupDay
from trafficfeed.signals.events import GroupKey


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """One group: its tally by local day; `demoted` is what took its countdown away, None where it has it."""

    key: GroupKey
    by_day: Mapping[date, Tally]
    demoted: DemotionChange | None = None

    @property
    def total(self) -> Tally:
        """All days together."""
        return merged(self.by_day.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A city's scores.

    Attributes
    ----------
    city, timezone
        The city's name and IANA zone, by which days are counted.
    as_of
        Until when runs that had settled are in it, aware UTC.
    days
        That are in it, oldest first.
    groups
        Sorted by key; groups without a scored run in these days are not in it, unless they are demoted.
    changes
        Demotions and promotions in these days, oldest first.
    rule
        By which they are made.
    simulated
        Whether the lamps are those of a virtual city.
    """

    city: str
    timezone: str
    as_of: datetime
    days: Sequence[date]
    groups: Sequence[GroupScore]
    changes: Sequence[DemotionChange] = ()
    rule: DemotionRule = field(default_factory=DemotionRule)
    simulated: bool = False

    @property
    def by_day(self) -> dict[date, Tally]:
        """All groups together, by day."""
        return {day: merged(group.by_day[day] for group in self.groups if day in group.by_day) for day in self.days}


def groups_of(tallies: Mapping[GroupDay, Tally], demoted: Iterable[DemotionChange] = ()) -> tuple[GroupScore, ...]:
    """Return the groups of a scorecard, sorted by key."""
    away = {change.key: change for change in demoted}
    by_group: dict[GroupKey, dict[date, Tally]] = {key: {} for key in away}
    for own in sorted(tallies, key=lambda own: own.day):
        by_group.setdefault(own.key, {})[own.day] = tallies[own]
    return tuple(GroupScore(key=key, by_day=by_day, demoted=away.get(key)) for key, by_day in sorted(by_group.items()))
