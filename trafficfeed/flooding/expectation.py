"""What a forecast says of one site from an instant on, in the few figures that decisions rest on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from trafficfeed.flooding.decisions import DecisionRule
from trafficfeed.flooding.forecast import THRESHOLDS_M, CityForecast

_TOO_OLD_S = 5400.0  # half as old again as the hourly round: nothing is decided on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Chances and band as a forecast has them; None where it abstains, or there is none that is fresh.

    `closing` and `wetting` are the chances of `closes_m` and of `clears_m` within `ahead_s`, `reflood` that of
    `clears_m` within `reflood_s`. `low_m`, `high_m` are the band of the deepest within `ahead_s`.
    """

    issued_at: datetime | None = None
    closing: float | None = None
    wetting: float | None = None
    reflood: float | None = None
    low_m: float | None = None
    high_m: float | None = None
    clear_by: datetime | None = None


def expected(site: str, forecast: CityForecast | None, rule: DecisionRule, as_of: datetime) -> Expectation:
    """Read from a forecast what it says of a site from `as_of` on.

    A forecast that was issued a while ago is read that much further, so its chances include the time that has passed
    since: rather too high than too low. A rule's depth that is not forecast is read at the next lower one that is.
    """
    if forecast is None or site not in forecast.sites:
        return Expectation()
    age_s = (as_of - forecast.issued_at).total_seconds()
    if not 0 <= age_s <= _TOO_OLD_S:
        return Expectation()
    row = forecast.row(site)
    ahead = timedelta(seconds=age_s + rule.ahead_s)
    near = forecast.horizons_s <= age_s + rule.ahead_s + 1e-6
    return Expectation(
        issued_at=forecast.issued_at,
        closing=_said(forecast.chance(site, _forecast_depth(rule.closes_m), within=ahead)),
        wetting=_said(forecast.chance(site, _forecast_depth(rule.clears_m), within=ahead)),
        reflood=_said(
            forecast.chance(site, _forecast_depth(rule.clears_m), within=timedelta(seconds=age_s + rule.reflood_s))
        ),
        low_m=_said(float(np.max(forecast.p10_m[row, near], initial=0.0))),
        high_m=_said(float(np.max(forecast.p90_m[row, near], initial=0.0))),
        clear_by=_clear_by(forecast, row),
    )


def _forecast_depth(depth_m: float) -> float:
    return max((one for one in THRESHOLDS_M if one <= depth_m + 1e-9), default=THRESHOLDS_M[0])


def _said(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None


def _clear_by(forecast: CityForecast, row: int) -> datetime | None:
    seconds = float(forecast.to_clear_s[row, 2])
    return forecast.issued_at + timedelta(seconds=round(seconds)) if np.isfinite(seconds) else None
