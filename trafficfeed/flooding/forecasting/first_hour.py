"""The first hour from the site's own readings: the nowcast takes the forecast's place, and fades out by two hours."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecast import CityForecast, Method
from trafficfeed.flooding.forecasting.nowcast import Nowcast, NowcastParameters, corrected
from trafficfeed.flooding.forecasting.nowcast_situation import TideCurve
from trafficfeed.flooding.forecasting.water_at_sites import WaterAtSites
from trafficfeed.flooding.observations import TidePrediction
from trafficfeed.flooding.sites import Site

Floats = npt.NDArray[np.float64]
_ALONE_S, _GONE_S = 3600.0, 7200.0


def merged(
    made: CityForecast,
    nowcast: NowcastParameters | None,
    sites: Sequence[Site],
    water: WaterAtSites,
    tides: Sequence[TidePrediction],
) -> CityForecast:
    """Return the forecast with the nowcast in it, at sites in flood whose readings are fresh; else as it was."""
    if nowcast is None:
        return made
    curves = [(one, TideCurve(one)) for one in tides]
    for row, site in enumerate(sites):
        if np.isfinite(water.now_m[row]) and water.readings[row]:
            told = _told(nowcast, site, water, row, curves, made.issued_at, made.horizons_s)
            if told is not None:
                made = _put_in(made, row, told)
    return made


def _told(
    nowcast: NowcastParameters, site: Site, water: WaterAtSites, row: int,
    curves: Sequence[tuple[TidePrediction, TideCurve]], as_of: datetime, horizons_s: Floats,
) -> Nowcast | None:  # fmt: skip
    nearest = min(curves, key=lambda one: np.hypot(one[0].lon - site.lon, one[0].lat - site.lat), default=None)
    return corrected(
        nowcast,
        site=site.id,
        tidal=site.tidal,
        readings=water.readings[row],
        as_of=as_of,
        tide=nearest[1] if nearest else None,
        after_s=horizons_s[horizons_s <= _GONE_S],
    )


def _put_in(made: CityForecast, row: int, told: Nowcast) -> CityForecast:
    n = len(told.after_s)
    weight = np.clip((_GONE_S - told.after_s) / (_GONE_S - _ALONE_S), 0.0, 1.0)

    def mixed(old: Floats, new: Floats) -> Floats:
        result = old.copy()
        before = old[..., row, :n]
        result[..., row, :n] = np.where(np.isnan(before), new, weight * new + (1.0 - weight) * before)
        return result

    within = mixed(made.within, told.within)
    within[:, row] = np.maximum.accumulate(within[:, row], axis=-1)
    to_flood, to_clear = made.to_flood_s.copy(), made.to_clear_s.copy()
    to_flood[row], to_clear[row] = told.to_flood_s, told.to_clear_s
    method = list(made.method)
    method[row] = Method.ASSIMILATED
    return replace(
        made,
        p10_m=mixed(made.p10_m, told.p10_m),
        p50_m=mixed(made.p50_m, told.p50_m),
        p90_m=mixed(made.p90_m, told.p90_m),
        exceedance=np.minimum(mixed(made.exceedance, told.exceedance), within),
        within=within,
        method=tuple(method),
        to_flood_s=to_flood,
        to_clear_s=to_clear,
    )
