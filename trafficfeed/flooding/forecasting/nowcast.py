"""The next hour at a gauge in a flood: depth, chances and time to clear, from how like situations went on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecast import THRESHOLDS_M
from trafficfeed.flooding.forecasting.clearing import clear_times, flood_times
from trafficfeed.flooding.forecasting.nowcast_analogues import AFTER_S, Analogues, Ensemble, weighted_quantiles
from trafficfeed.flooding.forecasting.nowcast_situation import Situation, TideCurve, situation
from trafficfeed.flooding.forecasting.nowcast_state import states, tide_states
from trafficfeed.flooding.forecasting.recession import Recession
from trafficfeed.flooding.observations import Quality, Reading, TidePrediction

Floats = npt.NDArray[np.float64]

QUANTILES: Final = (0.10, 0.50, 0.90)
CLEAR_M: Final = THRESHOLDS_M[1]
_STALE_S: Final = 1200.0
_LOOKS_BACK: Final = timedelta(days=1)
_LEAST_INSTANTS: Final = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class NowcastParameters:
    """What the nowcast knows of past floods: instants of tidal and of other sites, each site's recession.

    `sites` are the ids that `Analogues.site` counts. With fewer than 200 instants of a kind, nothing is said of it.
    """

    sites: Sequence[str]
    rain: Analogues
    tidal: Analogues
    recession: Recession

    def kind(self, tidal: bool | None) -> Analogues:
        """Return the instants that a site is compared with."""
        return self.tidal if tidal else self.rain


@dataclass(frozen=True, kw_only=True)
class Nowcast:
    """One site's water from an instant on.

    `after_s` ``(n_times,)`` s; `p10_m`, `p50_m`, `p90_m` ``(n_times,)``; `exceedance`, `within` ``(3, n_times)``
    chances of `THRESHOLDS_M` at the time, and at any instant until it; `to_flood_s`, `to_clear_s` ``(3,)`` P10, P50,
    P90 of the time until 15 cm are reached and until it is below 15 cm for good (0: it is, inf: not within 12 h).
    """

    after_s: Floats
    p10_m: Floats
    p50_m: Floats
    p90_m: Floats
    exceedance: Floats
    within: Floats
    to_flood_s: Floats
    to_clear_s: Floats


def corrected(
    parameters: NowcastParameters,
    *,
    site: str,
    tidal: bool | None,
    readings: Sequence[Reading],
    as_of: datetime,
    tide: TideCurve | TidePrediction | None = None,
    after_s: Floats = AFTER_S,
) -> Nowcast | None:
    """Tell the next hour of one site from its own readings.

    Parameters
    ----------
    site
        Id; a site that was never seen is told by the floods of all.
    tidal
        Whether the tide floods it; None is taken as no.
    readings
        Of one gauge, at least of the last hour, better since the flood began; only good ones that were observed and
        received by `as_of` are looked at.
    tide
        Of the station next to a tidal site; None: told without. A `TideCurve` spares making one at each call.
    after_s
        s from `as_of`, within 12 h.

    Returns
    -------
    Nowcast or None
        None where there is no flood in progress (the readings say dry), the last good reading is older than 20 min,
        or no past floods of the kind are known.
    """
    since = as_of - _LOOKS_BACK
    good = {
        one.observed_at.timestamp(): one.depth_m
        for one in readings
        if one.quality is Quality.GOOD and since <= one.observed_at <= as_of and one.received_at <= as_of
    }
    times = np.array(sorted(good), dtype=np.float64)
    depths = np.array([good[at] for at in times], dtype=np.float64)
    now = as_of.timestamp()
    seen = situation(times, depths, now)
    if seen is None or seen.age_s > _STALE_S:
        return None
    curve = TideCurve(tide) if isinstance(tide, TidePrediction) else tide
    outlook = curve.outlook(np.array([now])) if curve is not None and tidal else None
    paths = ensemble(parameters, [site], [seen], tidal=tidal, tide_m=outlook)
    return None if paths is None else told(paths, after_s)


def ensemble(
    parameters: NowcastParameters,
    sites: Sequence[str],
    situations: Sequence[Situation],
    *,
    tidal: bool | None,
    tide_m: Floats | None = None,
    besides: npt.NDArray[np.int64] | None = None,
) -> Ensemble | None:
    """Return the paths of many situations of one kind at once; None where too few past floods are known.

    `tide_m` is ``(n, 4)`` as `TideCurve.outlook` has it; None or NaN: unknown. `besides` ``(n,)``: a flood of each that
    is not looked at, as `Analogues.flood` counts; -1: none.
    """
    past = parameters.kind(tidal)
    if len(past.state) < _LEAST_INSTANTS:
        return None
    state = states(situations, np.array([parameters.recession.rate(site) for site in sites]))
    if tidal:
        nothing = np.full((len(state), 4), np.nan)
        state = np.hstack([state, tide_states(nothing if tide_m is None else tide_m)])
    index: Mapping[str, int] = {site: i for i, site in enumerate(parameters.sites)}
    of = np.array([index.get(site, -1) for site in sites], dtype=np.int64)
    return past.ensemble(state, of, np.array([one.depth_m for one in situations], dtype=np.float64), besides=besides)


def told(paths: Ensemble, after_s: Floats = AFTER_S, row: int = 0) -> Nowcast:
    """Sum up the paths of one situation."""
    at = np.stack([np.interp(after_s, AFTER_S, path) for path in paths.paths_m[row]])
    weights = paths.weights[row]
    depths = _quantiles(at, weights[:, None])
    limits = np.array(THRESHOLDS_M)[:, None, None]
    highest = np.maximum.accumulate(at, axis=1)
    clear = clear_times(AFTER_S, paths.paths_m[row], CLEAR_M)
    flood = flood_times(AFTER_S, paths.paths_m[row], CLEAR_M)
    return Nowcast(
        after_s=after_s,
        p10_m=depths[0],
        p50_m=depths[1],
        p90_m=depths[2],
        exceedance=np.einsum("k,tkn->tn", weights, at >= limits),
        within=np.einsum("k,tkn->tn", weights, highest >= limits),
        to_flood_s=_quantiles(flood, weights),
        to_clear_s=_quantiles(clear, weights),
    )


def _quantiles(values: Floats, weights: Floats) -> Floats:
    return np.asarray(weighted_quantiles(values[None], weights[None], QUANTILES)[:, 0])
