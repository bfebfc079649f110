"""What is taken for a site that was never fitted: from its own list of past floods and its bowl, else the city's."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from trafficfeed.flooding.forecasting.climatology import COUNTED_M
from trafficfeed.flooding.forecasting.parameters import SiteParameters
from trafficfeed.flooding.forecasting.reservoir import depth_in_bowl
from trafficfeed.flooding.sites import Site

_LIKE_FLOODS: Final = 0.5
"""The city's rate counts as much as so many floods of the site's own."""
_LEAST_HOURS: Final = 365.25 * 24.0
_MOST_GAIN: Final = 20.0
_DESIGN_MM: Final = 25.0


def taken_for(site: Site, fitted: SiteParameters, known_until: datetime | None) -> SiteParameters:
    """Return a site's parameters; those fitted on floods of its own stay as they are.

    Past floods over by `known_until` (aware) raise its gain and rate against the city's, from the first of them on and
    over a year at least. Its usual depth is theirs, else what 25 mm beyond the drain would make in its bowl.
    """
    if fitted.floods:
        return fitted
    past = [one for one in site.history if known_until is None or one.ended_at <= known_until]
    if past:
        fitted = _by_history(
            fitted, past[0].started_at, known_until or past[-1].ended_at, [one.max_depth_m for one in past]
        )
    elif site.bowl is not None and site.catchment_m2:
        usual = float(depth_in_bowl(np.array(_DESIGN_MM), site.bowl, site.catchment_m2))
        fitted = replace(fitted, rain_depth_m=float(np.clip(usual, 0.03, 0.6)))
    return fitted


def _by_history(fitted: SiteParameters, first: datetime, until: datetime, depths_m: list[float]) -> SiteParameters:
    hours = max((until - first).total_seconds() / 3600.0, _LEAST_HOURS)
    deep = sum(depth >= COUNTED_M for depth in depths_m)
    usual = float(np.clip(np.mean(depths_m), 0.03, 0.6))
    if np.isnan(fitted.rate_ph):
        return replace(fitted, rate_ph=(deep + _LIKE_FLOODS) / hours, rain_depth_m=usual)
    times = (deep + _LIKE_FLOODS) / (fitted.rate_ph * hours + _LIKE_FLOODS)
    gain = float(np.clip(fitted.rain_gain * times, fitted.rain_gain / _MOST_GAIN, fitted.rain_gain * _MOST_GAIN))
    return replace(fitted, rain_gain=gain, rate_ph=fitted.rate_ph * times, rain_depth_m=usual)
