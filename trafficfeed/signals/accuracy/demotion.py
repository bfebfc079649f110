"""Who may count down: a group whose countdowns prove wrong loses the right by itself, and earns it back unseen.

The unit is a countdown: a run in which the ladder counted down, whether that was shown or, for a demoted group, only
scored. Its seconds are no independent trials (they are right or wrong together), so that shares are weighted by seconds
but judged as so many trials as there are countdowns of equal length to the same effect (Kish).

- **Demoted**: of the latest 30, 100 or 300 countdowns since the last change (at least 30), so many were off by more
  than a second that a group on target (98.5 % of seconds) would do as badly less than once in a thousand times.
- **Promoted**: the latest 100 countdowns scored unseen since the demotion (at least 30) show with 90 % confidence that
  more than 95 % of seconds are right. Without a fault that takes 45 of equal length.

Source: exact binomial tails (Clopper and Pearson 1934) by the incomplete beta function, which takes the fractions that
the weights make; effective number of trials: Kish, Survey Sampling, 1965.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scipy.special import betainc

from trafficfeed.signals.events import GroupKey

_REMEMBERED: Final = 1000  # changes kept in memory, for whoever writes them down


@dataclass(frozen=True, slots=True, kw_only=True)
class DemotionRule:
    """When the right is lost and earned back; shares 0..1, windows in countdowns, shortest first."""

    target: float = 0.985
    doubt: float = 0.001
    least: int = 30
    windows: Sequence[int] = (30, 100, 300)
    floor: float = 0.95
    confidence: float = 0.9
    promotion_window: int = 100

    def fails(self, trials: float, wrong: float) -> bool:
        """Tell whether so many wrong of so many trials are too many for a group on target."""
        return wrong > 0 and float(betainc(wrong, trials - wrong + 1, 1 - self.target)) < self.doubt

    def convinces(self, trials: float, wrong: float) -> bool:
        """Tell whether so few wrong of so many trials show that the share is above the floor."""
        return trials > wrong and 1 - float(betainc(wrong + 1, trials - wrong, 1 - self.floor)) <= 1 - self.confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class DemotionChange:
    """One line of the log: `demoted` or promoted, when, on how many countdowns, of which this share was right."""

    key: GroupKey
    demoted: bool
    at: datetime
    countdowns: int
    within_1s: float

    @property
    def reason(self) -> str:
        """The change in words."""
        judged = f"{self.within_1s:.1%} of the seconds of the last {self.countdowns} countdowns were right to a second"
        return f"demoted to intervals: {judged}" if self.demoted else f"counts down again: {judged}, unseen"


class Demotions:
    """The groups that may not count down. Memory is bounded for each group; a scored countdown costs the same always.

    Not safe for use by several threads at once.
    """

    def __init__(self, rule: DemotionRule | None = None, demoted: Iterable[DemotionChange] = ()) -> None:
        """Begin with the groups that were demoted before, by the changes that demoted them."""
        self.rule = rule or DemotionRule()
        self.changes: deque[DemotionChange] = deque(maxlen=_REMEMBERED)
        self._demoted = {change.key: change for change in demoted if change.demoted}
        self._records: dict[GroupKey, _Record] = {}

    def allowed(self, key: GroupKey) -> bool:
        """Tell whether countdowns of this group may be published; so they may until it has failed."""
        return key not in self._demoted

    def demoted(self) -> dict[GroupKey, DemotionChange]:
        """Return the demoted groups, and what demoted each."""
        return dict(self._demoted)

    def scored(self, key: GroupKey, *, seconds: int, right: int, at: datetime) -> DemotionChange | None:
        """Take one countdown whose outcome is known; return the change that it made, None if it made none.

        Parameters
        ----------
        seconds
            That were counted down, or would have been.
        right
            Those of them that were right to a second.
        at
            When the outcome was known, aware.
        """
        if seconds <= 0:
            return None
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(self.rule)
        record.add(seconds, right)
        judged = record.proves_good() if key in self._demoted else record.proves_bad()
        return self._change(key, judged, at) if judged else None

    def _change(self, key: GroupKey, window: "_Window", at: datetime) -> DemotionChange:
        demoted = key not in self._demoted
        change = DemotionChange(
            key=key, demoted=demoted, at=at, countdowns=len(window.kept), within_1s=window.right / window.seconds
        )
        if demoted:
            self._demoted[key] = change
        else:
            del self._demoted[key]
        del self._records[key]
        self.changes.append(change)
        return change


class _Window:
    """The latest countdowns, at most `length`, as running sums of whole numbers."""

    __slots__ = ("kept", "length", "right", "seconds", "squares")

    def __init__(self, length: int) -> None:
        self.length = length
        self.kept: deque[tuple[int, int]] = deque()
        self.seconds = self.squares = self.right = 0

    def add(self, seconds: int, right: int) -> None:
        self.kept.append((seconds, right))
        self._count(seconds, right, 1)
        if len(self.kept) > self.length:
            self._count(*self.kept.popleft(), -1)

    def _count(self, seconds: int, right: int, sign: int) -> None:
        self.seconds += sign * seconds
        self.right += sign * right
        self.squares += sign * seconds * seconds

    @property
    def trials(self) -> float:
        return self.seconds**2 / self.squares

    @property
    def wrong(self) -> float:
        return self.trials * (1 - self.right / self.seconds)


class _Record:
    """The countdowns of one group since its last change."""

    __slots__ = ("_promoting", "_rule", "_windows")

    def __init__(self, rule: DemotionRule) -> None:
        self._rule = rule
        self._windows = [_Window(length) for length in rule.windows]
        self._promoting = _Window(rule.promotion_window)

    def add(self, seconds: int, right: int) -> None:
        for window in (*self._windows, self._promoting):
            window.add(seconds, right)

    def proves_bad(self) -> _Window | None:
        return next((w for w in self._windows if self._is_full(w) and self._rule.fails(w.trials, w.wrong)), None)

    def proves_good(self) -> _Window | None:
        window = self._promoting
        return window if self._is_full(window) and self._rule.convinces(window.trials, window.wrong) else None

    def _is_full(self, window: _Window) -> bool:
        return len(window.kept) >= self._rule.least
