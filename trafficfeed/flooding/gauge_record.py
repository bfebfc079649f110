"""One gauge's readings in the order of time, each judged by what came before it, beside it and after it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Final

from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.quality_rule import QualityRule

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_BY_ITSELF: Final = (Quality.TIME, Quality.RANGE)
_SOUND: Final = (Quality.GOOD, Quality.LATE)
_DRY_M: Final = 0.01
_PAIRS: Final = 5  # readings that tell the unit of a gauge by the one beside it
_UNKNOWN_S: Final = 480.0  # of a gauge whose interval is not known yet
_INTERVALS: Final = 50  # of the last readings, of which the usual interval is the median

Verdict = tuple[Quality, str]


class GaugeRecord:
    """The judging of one gauge.

    Parameters
    ----------
    timeline
        Its readings, oldest first, stored and new.
    settled
        Ids of the stored ones: those that were good stay so.
    beside
        Timelines of other gauges of the place.
    rule
        What is plausible.
    """

    def __init__(
        self,
        timeline: Sequence[Reading],
        *,
        settled: Mapping[str, Reading],
        beside: Sequence[Sequence[Reading]],
        rule: QualityRule,
    ) -> None:
        self._timeline = timeline
        self._settled = settled
        self._beside = [([one.observed_at for one in its], its) for its in beside]
        self._rule = rule
        self._verdicts: dict[str, Verdict] = {}
        self._good: Reading | None = None  # the last that was sound
        self._wet: Reading | None = None  # the last sound one with water
        self._waiting: list[Reading] = []  # suspects that agree with each other
        self._unit = ""  # which units it seems to have changed between
        self._shares: list[tuple[str, float]] = []  # what a gauge beside shows of it, as units, and its depth
        self._seen: list[Reading] = []
        self._jumped: list[datetime] = []
        self._still: Reading | None = None  # since when the value has been the same
        self._still_count = 0

    def judge(self) -> dict[str, Verdict]:
        """Return quality and reason of each reading by id."""
        for reading in self._timeline:
            fixed = self._by_itself(reading)
            if fixed is not None:
                self._verdicts[reading.id] = fixed
                continue
            self._note_jump(reading)
            self._note_stillness(reading)
            self._verdicts[reading.id] = self._verdict(reading)
            self._seen.append(reading)
        return self._verdicts

    def _by_itself(self, reading: Reading) -> Verdict | None:
        stored = reading.id in self._settled
        if reading.quality in _BY_ITSELF or (reading.quality is Quality.UNIT and not stored):
            return reading.quality, reading.why
        ahead_s = (reading.observed_at - reading.received_at).total_seconds()
        if ahead_s > self._rule.ahead_s:
            return Quality.TIME, f"it was {ahead_s:.0f} s in the future when it came"
        if reading.observed_at < _EARLIEST:
            return Quality.TIME, f"{reading.observed_at:%Y-%m-%d} is when the clock was never set"
        return None

    def _verdict(self, reading: Reading) -> Verdict:
        unit_beside = self._unit_beside(reading)
        if reading.id in self._settled and reading.quality in _SOUND:
            return self._sound(reading)
        if reading.id in self._settled and reading.quality is Quality.UNIT:
            self._unit = self._unit or reading.why
            return reading.quality, reading.why
        if self._is_stuck(reading):
            since = self._still.observed_at if self._still else reading.observed_at
            return Quality.STUCK, f"{reading.depth_m * 100:.1f} cm without a change since {since:%Y-%m-%d %H:%M:%S} UTC"
        if self._is_confirmed_beside(reading):
            self._unit, self._shares = "", []
            return self._sound(reading)
        if unit_beside:
            self._unit = unit_beside
            return Quality.UNIT, f"beside a gauge that rises and falls with it, it looks like {unit_beside}"
        if self._good is None or self._is_first_anew(reading):
            return self._first(reading)
        if self._unit and reading.depth_m > _DRY_M and not self._is_back(reading):
            return Quality.UNIT, f"goes on as after a change of unit: {self._unit}"
        if len(self._jumped) >= self._rule.wild_jumps:
            return Quality.SPIKE, f"it jumped {len(self._jumped)} times in {self._rule.jumping_s / 60:.0f} min"
        return self._after(self._good, reading)

    def _first(self, reading: Reading) -> Verdict:
        before = self._waiting[-1] if self._waiting else None
        if before is not None and self._is_soon(before, reading) and self._plausible(before, reading):
            return self._sound(reading)
        if self._good is not None and self._rule.agree(self._good.depth_m, reading.depth_m):
            return self._sound(reading)
        self._waiting = [reading]
        why = "it is the first of its gauge" if self._good is None else "it is the first after a pause"
        return Quality.UNCHECKED, why

    def _after(self, good: Reading, reading: Reading) -> Verdict:
        if self._waiting and self._agrees_with_waiting(good, reading):
            if self._may_confirm(good, reading):
                return self._sound(reading)
            self._waiting.append(reading)
            return Quality.SPIKE, f"away from {good.depth_m * 100:.1f} cm, which has not lasted long enough yet"
        if self._plausible(good, reading) and (not self._unit or self._is_back(reading)):
            return self._sound(reading)
        unit = self._rule.other_unit(good.depth_m, reading.depth_m)
        if unit:
            self._unit, self._waiting = unit, []
            return Quality.UNIT, f"{good.depth_m * 100:.1f} to {reading.depth_m * 100:.1f} cm looks like {unit}"
        self._waiting = [reading]
        return Quality.SPIKE, (
            f"{good.depth_m * 100:.1f} to {reading.depth_m * 100:.1f} cm in {_apart_s(good, reading):.0f} s "
            "is not confirmed yet"
        )

    def _sound(self, reading: Reading) -> Verdict:
        if self._waiting and self._is_soon(self._waiting[-1], reading) and self._near_waiting(reading):
            for one in self._waiting:
                self._verdicts[one.id] = (Quality.GOOD, "confirmed by the next")
        self._waiting, self._good = [], reading
        if reading.depth_m > _DRY_M:
            self._wet, self._unit = reading, ""
        return Quality.GOOD, ""

    def _near_waiting(self, reading: Reading) -> bool:
        if self._good is None:
            return self._plausible(self._waiting[-1], reading)
        return self._agrees_with_waiting(self._good, reading)

    def _agrees_with_waiting(self, good: Reading, reading: Reading) -> bool:
        """Tell whether a reading stays where the waiting ones jumped to, or goes on the same way."""
        last = self._waiting[-1]
        if not self._is_soon(last, reading):
            return False
        if self._rule.agree(last.depth_m, reading.depth_m):
            return True
        jump, more = last.depth_m - good.depth_m, reading.depth_m - last.depth_m
        return jump * more > 0 and abs(more) <= max(abs(jump), self._rule.allowed_m(_apart_s(last, reading)))

    def _may_confirm(self, good: Reading, reading: Reading) -> bool:
        if self._waiting[0].depth_m > good.depth_m and len(self._jumped) < self._rule.jumps:
            return True
        return _apart_s(self._waiting[0], reading) >= self._rule.calm_s

    def _is_back(self, reading: Reading) -> bool:
        return self._wet is not None and self._rule.agree(self._wet.depth_m, reading.depth_m)

    def _plausible(self, before: Reading, reading: Reading) -> bool:
        return abs(reading.depth_m - before.depth_m) <= self._rule.allowed_m(_apart_s(before, reading))

    def _usual_s(self) -> float:
        last = self._seen[-_INTERVALS:]
        return median(_apart_s(one, other) for one, other in pairwise(last)) if len(last) > 2 else _UNKNOWN_S

    def _is_soon(self, before: Reading, reading: Reading) -> bool:
        apart_s = _apart_s(before, reading)
        return apart_s <= self._rule.confirm_s or apart_s <= 2.5 * self._usual_s()

    def _is_first_anew(self, reading: Reading) -> bool:
        apart_s = _apart_s(self._seen[-1], reading)
        return apart_s > self._rule.gap_s and apart_s > 3 * self._usual_s()

    def _near_beside(self, reading: Reading) -> Iterator[Reading]:
        """Yield what gauges beside show at about the same time."""
        for times, its in self._beside:
            at = bisect_left(times, reading.observed_at)
            for one in its[max(at - 3, 0) : at + 3]:
                usable = one.quality not in (*_BY_ITSELF, Quality.UNIT)
                if usable and abs(_apart_s(one, reading)) <= self._rule.confirm_s:
                    yield one

    def _is_confirmed_beside(self, reading: Reading) -> bool:
        return any(self._rule.agree(one.depth_m, reading.depth_m) for one in self._near_beside(reading))

    def _unit_beside(self, reading: Reading) -> str:
        """Return in which units a deeper gauge beside has shown the same for some readings, through a rise or fall.

        The deeper of the two is believed: that keeps a road closed, and not open.
        """
        nearest = min(self._near_beside(reading), key=lambda one: abs(_apart_s(one, reading)), default=None)
        if nearest is None or reading.depth_m < self._rule.stuck_from_m:
            return ""
        unit = self._rule.other_unit(nearest.depth_m, reading.depth_m) if nearest.depth_m > reading.depth_m else ""
        self._shares = [*self._shares, (unit, reading.depth_m)][-_PAIRS:] if unit else []
        depths = [depth for same, depth in self._shares if same == unit]
        return unit if len(depths) == _PAIRS and max(depths) >= 1.2 * min(depths) else ""

    def _note_jump(self, reading: Reading) -> None:
        since = reading.observed_at.timestamp() - self._rule.jumping_s
        self._jumped = [at for at in self._jumped if at.timestamp() >= since]
        if self._seen and not self._plausible(self._seen[-1], reading) and not self._is_first_anew(reading):
            self._jumped.append(reading.observed_at)

    def _note_stillness(self, reading: Reading) -> None:
        if self._still is None or abs(self._still.depth_m - reading.depth_m) > self._rule.stuck_same_m:
            self._still, self._still_count = reading, 0
        self._still_count += 1

    def _is_stuck(self, reading: Reading) -> bool:
        if self._still is None or reading.depth_m < self._rule.stuck_from_m:
            return False
        lasted_s = _apart_s(self._still, reading)
        return self._still_count >= self._rule.stuck_readings and lasted_s > self._rule.stuck_after_s(reading.depth_m)


def _apart_s(one: Reading, other: Reading) -> float:
    return (other.observed_at - one.observed_at).total_seconds()
