"""Which past pairs of site and issue weights are fitted on: what flooded, much that might have, some of the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.outlook import chances
from trafficfeed.flooding.forecasting.past_issues import PastIssues
from trafficfeed.flooding.forecasting.rain_sensitivity import STORM_GAP_S, RainSensitivity, storms
from trafficfeed.flooding.forecasting.risk import RiskRule
from trafficfeed.flooding.forecasting.risk_fitting import FIT_DEPTHS_M, RiskRows
from trafficfeed.flooding.forecasting.sea import HOUR_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_RAINY_MM = 5.0
_SHARES = {"dry": 0.01, "rainy": 0.06, "sea": 0.15}
_MOST_ROWS = 14_000
_OTHERS = 0.02
_AT_ONCE = 50_000
_STORM_AHEAD_S = 72 * HOUR_S


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Draws rows of issues from `since` whose horizon is over at `until`; each counts for as many as it stands for."""

    past: PastIssues
    rain: RainSensitivity
    since: float
    until: float
    seed: int

    def within(self, horizon_s: float) -> RiskRows:
        """Return rows of the deepest from issue to horizon."""
        return self._rows(self.past.history.deepest(self.past.log.issued, 0.0, horizon_s), horizon_s, within=True)

    def at(self, lead_s: float) -> RiskRows:
        """Return rows of the depth at a time after the issue."""
        every = np.arange(self.past.history.n_sites)
        depth = self.past.history.depth_at(self.past.log.issued + lead_s, every).T
        return self._rows(depth, lead_s, within=False)

    def foretold(self, rule: RiskRule, horizon_s: float, depth_m: float) -> tuple[Floats, Bools, Floats]:
        """Return chance, whether it flooded, and weight, of pairs; all of those that could well have flooded.

        Of the others one in 50 is drawn: they hardly matter to a threshold, and all the more to the base rate.
        """
        deepest = self.past.history.deepest(self.past.log.issued, 0.0, horizon_s)
        usable = np.isfinite(deepest) & (self.past.log.issued >= self.since)
        usable &= self.past.log.issued + horizon_s <= self.until
        might = self._might(deepest, horizon_s)
        drawn = usable & (might | (np.random.default_rng(self.seed).random(deepest.shape) < _OTHERS))
        site, issue = np.nonzero(drawn)
        chance = foretold(self.past, rule, site, issue, horizon_s, depth_m)
        known = np.isfinite(chance)
        weight = np.where(might[drawn], 1.0, 1.0 / _OTHERS)
        return chance[known], deepest[drawn][known] >= depth_m, weight[known]

    def _rows(self, deepest: Floats, horizon_s: float, *, within: bool) -> RiskRows:
        site, issue, weight = self._draw(deepest, horizon_s)
        n_hours = round(horizon_s / HOUR_S)
        look = self.past.outlook(site, issue, n_hours if within else n_hours + 1)
        features = look.features(within=within)[:, n_hours]
        reach = [look.reach(depth, self.past.sea, within=within)[:, n_hours] for depth in FIT_DEPTHS_M]
        known = np.isfinite(features).all(axis=1)
        rows = RiskRows(
            features=features,
            wet=look.wet,
            log_gain=np.log(self._gain(site, issue)),
            usual_m=look.usual_m,
            now_m=look.now_m,
            deepest_m=deepest[site, issue],
            weight=weight,
            reach=np.stack(reach, axis=-1),
        )
        return RiskRows(**{name: getattr(rows, name)[known] for name in RiskRows.__dataclass_fields__})

    def _draw(self, deepest: Floats, horizon_s: float) -> tuple[Ints, Ints, Floats]:
        issued = self.past.log.issued
        usable = np.isfinite(deepest) & (issued >= self.since) & (issued + horizon_s <= self.until)
        share = self._shares(deepest, horizon_s, usable)
        drawn = usable & (np.random.default_rng(self.seed).random(deepest.shape) < share)
        site, issue = np.nonzero(drawn)
        return site, issue, 1.0 / share[drawn]

    def _shares(self, deepest: Floats, horizon_s: float, usable: Bools) -> Floats:
        rainy = self._rainy(horizon_s)
        share = np.where(rainy, _SHARES["rainy"], _SHARES["dry"])[None, :].repeat(len(deepest), axis=0)
        share[np.isfinite(self.past.sites.level_m)] = _SHARES["sea"]
        share *= min(1.0, _MOST_ROWS / max(float((share * usable).sum()), 1.0))
        sure = (deepest >= FIT_DEPTHS_M[0]) | (self.past.now_m.T > 0)
        return np.where(sure, min(1.0, _MOST_ROWS / max(int((sure & usable).sum()), 1)), share)

    def _rainy(self, horizon_s: float) -> Bools:
        ahead = np.nansum(self.past.log.blended[:, : max(1, round(horizon_s / HOUR_S))], axis=1)
        return np.asarray(ahead + self.past.log.fallen[:, -3:].sum(axis=1) >= _RAINY_MM)

    def _might(self, deepest: Floats, horizon_s: float) -> Bools:
        might = np.broadcast_to(self._rainy(horizon_s), deepest.shape) | (self.past.now_m.T > 0)
        return np.asarray(might | np.isfinite(self.past.sites.level_m)[:, None])

    def _gain(self, site: Ints, issue: Ints) -> Floats:
        """Return gains without the storm that the issue is of: else a site's flood would foretell itself."""
        rain, gain = self.rain, self.past.sites.rain_gain[site].copy()
        issued = self.past.log.issued[issue]
        for start, end, less, expected in self._storms:
            mine = (issued >= start - _STORM_AHEAD_S) & (issued <= end)
            who = site[mine]
            gain[mine] = (rain.floods[who] - less[who] + rain.shape) / (
                np.maximum(rain.expected[who] - expected[who], 0.0) + rain.shape
            )
        return gain

    @cached_property
    def _storms(self) -> list[tuple[float, float, Floats, Floats]]:
        return list(_each_storm(self))


def foretold(past: PastIssues, rule: RiskRule, site: Ints, issue: Ints, horizon_s: float, depth_m: float) -> Floats:
    """Return the chance, before calibration, that a depth is reached within a horizon, of pairs of site and issue."""
    chance = np.empty(len(site))
    n_hours = round(horizon_s / HOUR_S)
    for begin in range(0, len(site), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        look = past.outlook(site[part], issue[part], n_hours)
        told = chances(look, rule, past.sea, np.array([depth_m]), np.array([horizon_s]), within=True)
        chance[part] = told[0, :, 0]
    return chance


def _each_storm(sampler: Sampler) -> Iterator[tuple[float, float, Floats, Floats]]:
    floods = sampler.rain.of
    for storm in storms(floods.start, STORM_GAP_S):
        at, end = floods.start[storm].min(), floods.end[storm].max()
        there = (floods.watched_from <= at) & (floods.watched_until >= at)
        flooded = np.zeros(floods.n_sites)
        flooded[floods.site[storm]] = 1.0
        flooded *= there
        yield at, end, flooded, there * flooded.sum() / max(int(there.sum()), 1)
