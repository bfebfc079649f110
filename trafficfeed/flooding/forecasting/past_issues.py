"""Past issues as the forecaster would have met them: the rain known then, what had fallen, the water that stood."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.outlook import Outlook
from trafficfeed.flooding.forecasting.rain_features import FALLEN_H, lagged_mean
from trafficfeed.flooding.forecasting.sea import HOUR_S, SeaRule, SeaState, filter_anomaly
from trafficfeed.flooding.forecasting.sea_levels import usable_tide
from trafficfeed.flooding.forecasting.site_arrays import SiteArrays
from trafficfeed.flooding.forecasting.tides import TideTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LAGGED: int = 6
"""Issues of the last hours that a single-member forecast is averaged over."""
READ_AFTER_S = 120.0
"""How old the last reading is at an issue: sensors report each minute, and it takes a while to come in."""
WET_M, WET_FOR_S = 0.03, 5400.0
"""A site has just been flooded if it rose through this depth in this time."""
_SEA_WARM_UP_S = 7 * 86400.0


@dataclass(frozen=True, kw_only=True)
class IssueLog:
    """`issued` ``(n,)`` epoch s, rising; `rain_mm` ``(n, n_hours)`` in each hour from the issue; NaN: missing."""

    issued: Floats
    rain_mm: Floats

    def until(self, when: float) -> "IssueLog":
        """Return the issues before an instant, epoch s."""
        before = self.issued < when
        return IssueLog(issued=self.issued[before], rain_mm=self.rain_mm[before])

    @cached_property
    def blended(self) -> Floats:
        """Each issue's rain, averaged with what the issues of the `LAGGED` − 1 hours before said of the same hours."""
        older = []
        for lag in range(1, LAGGED):
            row = _row_at(self.issued, self.issued - lag * HOUR_S)
            shifted = np.full_like(self.rain_mm, np.nan)
            shifted[:, : self.rain_mm.shape[1] - lag] = self.rain_mm[row][:, lag:]
            older.append(np.where((row >= 0)[:, None], shifted, np.nan))
        return lagged_mean(self.rain_mm, older)

    @cached_property
    def fallen(self) -> Floats:
        """``(n, FALLEN_H)`` rain of the hours before each issue, of the issue made last before the hour; else 0."""
        fallen = np.zeros((len(self.issued), FALLEN_H))
        for back in range(1, FALLEN_H + 1):
            for lead in range(min(LAGGED, self.rain_mm.shape[1]) - 1, -1, -1):
                row = _row_at(self.issued, self.issued - (back + lead) * HOUR_S)
                said = self.rain_mm[row, lead]
                fallen[:, -back] = np.where((row >= 0) & np.isfinite(said), said, fallen[:, -back])
        return fallen


@dataclass(frozen=True, kw_only=True)
class PastIssues:
    """Issues, floods and tides, seen with sites' parameters. `live` False: as if no sensor had reported."""

    log: IssueLog
    history: History
    tide: TideTable
    sites: SiteArrays
    sea: SeaRule
    live: bool = True

    @cached_property
    def now_m(self) -> Floats:
        """``(n_issues, n_sites)`` depth last read at each issue; 0 dry."""
        every = np.arange(self.history.n_sites)
        return np.nan_to_num(self.history.depth_at(self.log.issued - READ_AFTER_S, every)) * self.live

    @cached_property
    def anomaly(self) -> SeaState:
        """The sea's anomaly at each issue, from the readings before."""
        tells = np.flatnonzero(self.sites.keeps_step & self.tide.known & np.isfinite(self.sites.level_m))
        if not len(tells) or not self.live:
            nothing = np.zeros(len(self.log.issued))
            return SeaState(mean_m=nothing, sd_m=nothing + self.sea.sd_m)
        first = self.log.issued[0]
        hours = np.arange(first - _SEA_WARM_UP_S, self.log.issued[-1] + 1.0, HOUR_S)
        excess = usable_tide(self.tide, hours, tells, self.sites.lag_s) - self.sites.level_m[tells]
        depth = self.history.depth_at(hours - READ_AFTER_S, tells)
        state = filter_anomaly(excess, depth, self.sites.level_error_m[tells], self.sea)
        at = np.searchsorted(hours, self.log.issued + 1.0) - 1
        return SeaState(mean_m=state.mean_m[at], sd_m=state.sd_m[at])

    @cached_property
    def wet(self) -> Floats:
        """``(n_issues,)`` log(1 + % of the watched rain sites that rose through 3 cm in the last 90 min)."""
        issued, history = self.log.issued, self.history
        inland = ~self.sites.keeps_step
        rose = [
            times[np.argmax(line >= WET_M)]
            for site, (times, line) in zip(history.site, history.lines, strict=True)
            if inland[site] and line.max() >= WET_M
        ]
        rose_at = np.sort(np.array(rose, dtype=np.float64))
        known = issued - READ_AFTER_S
        count = np.searchsorted(rose_at, known) - np.searchsorted(rose_at, known - WET_FOR_S)
        watched = np.zeros(len(issued))
        for since, until in zip(history.watched_from[inland], history.watched_until[inland], strict=True):
            watched += (issued >= since) & (issued <= until)
        return np.log1p(100.0 * count / np.maximum(watched, 1.0)) * self.live

    def outlook(self, site: Ints, issue: Ints, n_hours: int) -> Outlook:
        """Return the outlook of pairs of site and issue, ``(n_pairs,)``, `n_hours` ahead."""
        hours = self.log.issued[issue][:, None] + HOUR_S * np.arange(n_hours + 1) - self.sites.lag_s[site][:, None]
        tide = self.tide.level(site[:, None], hours)
        crest = np.maximum(tide, self.tide.level(site[:, None], hours - HOUR_S / 2))
        crest[:, 0] = tide[:, 0]
        return Outlook(
            rain_mm=self._rain(issue, n_hours),
            fallen_mm=self.log.fallen[issue],
            drain_mmph=self.sites.drain_mmph[site],
            outfall_m=self.sites.outfall_m[site],
            tide_m=tide,
            crest_m=crest,
            level_m=self.sites.level_m[site],
            level_error_m=self.sites.level_error_m[site],
            sea_mean_m=self.anomaly.mean_m[issue],
            sea_sd_m=self.anomaly.sd_m[issue],
            now_m=self.now_m[issue, site],
            wet=self.wet[issue],
            gain=self.sites.rain_gain[site],
            usual_m=self.sites.rain_depth_m[site],
        )

    def _rain(self, issue: Ints, n_hours: int) -> Floats:
        """Return so many hours of rain; NaN beyond what the issues reach."""
        rain = np.full((len(issue), n_hours), np.nan)
        reach = min(n_hours, self.log.blended.shape[1])
        rain[:, :reach] = self.log.blended[issue, :reach]
        return rain


def _row_at(issued: Floats, when: Floats) -> Ints:
    """Return the row of the issue of that hour (±½ h), -1 where there is none."""
    row = np.clip(np.searchsorted(issued, when - HOUR_S / 2), 0, len(issued) - 1)
    return np.where(np.abs(issued[row] - when) < HOUR_S / 2, row, -1)
