"""One signal group, online: takes what it shows, and says from the onset of each run when that will end."""

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.prediction.analogue_sets import NEAR_S, Present, analogue_sets
from trafficfeed.signals.prediction.countdown_rule import CountdownRule, fitted_rule
from trafficfeed.signals.prediction.cycles import cycle_at
from trafficfeed.signals.prediction.evidence import Asked, Evidence, ask, evidence_of
from trafficfeed.signals.prediction.history import GroupHistory
from trafficfeed.signals.prediction.outlook import Outlook
from trafficfeed.signals.prediction.quantiles import QuantileRule, Spread, fitted_quantiles
from trafficfeed.signals.prediction.setting import TrackRecord, setting_of, trust_of
from trafficfeed.signals.prediction.settled import settled_length, settled_outlook


class GroupPredictor:
    """The history of one group and the outlook of its present run; times are seconds since the epoch.

    The outlook is made once a run, at its onset, from whole runs before it: what it says later in the run follows from
    the time elapsed alone. So a later event cannot change what was said earlier, and a second costs a look-up.
    """

    __slots__ = ("_countdown", "_evidence", "_outlook", "_quantiles", "_records", "_settled_s", "history")

    def __init__(self, countdown: CountdownRule | None = None, quantiles: QuantileRule | None = None) -> None:
        """Take the rules that come with the package, unless others are given."""
        self.history = GroupHistory()
        self._countdown = countdown or fitted_rule()
        self._quantiles = quantiles or fitted_quantiles()
        self._records: dict[Aspect, TrackRecord] = {}
        self._evidence: Evidence | None = None
        self._settled_s: float | None = None
        self._outlook: Outlook | None = None

    def use_rule(self, countdown: CountdownRule) -> None:
        """Set who may count down, from the next run on: what was said of this one holds."""
        self._countdown = countdown

    def recall(self, aspect: Aspect, at: float) -> bool:
        """Take what was shown before this process began, as `observe` but without what would have been said of it."""
        was, since = self.history.aspect, self.history.since
        self.history.observe(aspect, at)
        self._evidence, self._settled_s, self._outlook = None, None, None
        return not (self.history.aspect is was and self.history.since == since)

    def observe(self, aspect: Aspect, at: float) -> bool:
        """Take what is shown at an instant; return whether a new run began."""
        was, since = self.history.aspect, self.history.since
        finished = self.history.observe(aspect, at)
        if self.history.aspect is was and self.history.since == since:
            return False
        if finished is not None and was is not None:
            self._score(was, finished.end - finished.start)
        self._evidence, self._settled_s, self._outlook = None, None, None
        self._look_ahead()
        return True

    def begin_cycle(self, at: float) -> None:
        """Take the start of a cycle; before the onsets that fall on it."""
        self.history.begin_cycle(at)

    @property
    def outlook(self) -> Outlook | None:
        """What is said of the present run; None where nothing is."""
        return self._outlook

    def _look_ahead(self) -> None:
        history = self.history
        aspect = history.aspect
        if aspect is None or not aspect.is_timed or not history.onset_known:
            return
        past = history.table(aspect)
        if not len(past):
            return
        if (length_s := settled_length(past)) is not None:
            self._settled_s, self._outlook = length_s, settled_outlook(past, length_s)
            return
        present = Present(history.since, history.opposite_s(aspect), history.same_s(aspect))
        cycle = cycle_at(history, past, history.since)
        setting = setting_of(aspect, past, present, cycle, self._records.get(aspect, TrackRecord()))
        asked = ask(analogue_sets(past, present, cycle), until_s=float(np.max(past[:, 1] - past[:, 0])))
        self._evidence = evidence_of(asked)
        self._outlook = self._judge(asked, self._evidence, setting)

    def _score(self, aspect: Aspect, lasted_s: float) -> None:
        record = self._records.setdefault(aspect, TrackRecord())
        if self._evidence is not None:
            record.add(self._evidence, lasted_s)
        elif self._settled_s is not None:
            record.add_settled(abs(self._settled_s - lasted_s) <= NEAR_S)

    def _judge(self, asked: Asked, evidence: Evidence, setting: NDArray[np.float64]) -> Outlook:
        choice = self._countdown.choose(evidence, setting)
        cases = np.add.reduceat(asked.valid, asked.begins, axis=1, dtype=np.intp)
        by_position = cases[:, 0] > 0
        rested_on = np.where(by_position, cases[:, 0], cases[:, 1])
        spread = Spread(asked, trust_of(setting))
        shown = np.where(asked.valid, asked.ends_s, np.nan)
        known: NDArray[np.bool_] = np.asarray(asked.valid.any(axis=1))
        bounds = np.full((len(known), 2), np.nan)
        bounds[known] = np.column_stack([np.nanmin(shown[known], axis=1), np.nanmax(shown[known], axis=1)])
        return Outlook(
            from_s=asked.at_s,
            likely_s=choice.end_s,
            quantiles_s=self._quantiles.quantiles(spread, asked.at_s, choice.probability, rested_on),
            bounds_s=bounds,
            probability=choice.probability,
            countdown=choice.allowed,
            cases=np.where(known, rested_on, 0),
            by_position=by_position,
        )
