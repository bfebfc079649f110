"""Makes the nowcast's parameters of recorded floods: instants of each, what came after, how wide the paths must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.nowcast import NowcastParameters
from trafficfeed.flooding.forecasting.nowcast_analogues import AFTER_S, PLAIN, Analogues
from trafficfeed.flooding.forecasting.nowcast_situation import Situation, TideCurve, situation
from trafficfeed.flooding.forecasting.nowcast_state import rate_state, states, tide_states
from trafficfeed.flooding.forecasting.recession import Recession, fit_recession
from trafficfeed.flooding.observations import TidePrediction

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_EVERY_S: Final = {False: 300.0, True: 600.0}  # tidal floods last longer: more instants of them tell no more
_FAR: Final = 1e3
_STORM_GAP_S: Final = 6 * 3600.0
_PROBE: Final = 4000
_NARROWEST: Final = 0.7
_WIDEST: Final = 3.0
_LEAST_OFF_M: Final = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodTrace:
    """One recorded flood: `times` ``(n,)`` epoch s, `depth_m` ``(n,)``; dry after the last. `tide`: station's name."""

    site: str
    tidal: bool
    times: Floats
    depth_m: Floats
    tide: str = ""


def fit(
    floods: Sequence[FloodTrace], tides: Mapping[str, TidePrediction], until: float | None = None
) -> NowcastParameters:
    """Fit the nowcast to floods that were over by `until` (epoch s; None: all of them).

    `tides` are the predictions by station name; floods of stations that are not there are learned without a tide.
    """
    known = [flood for flood in floods if until is None or flood.times[-1] <= until]
    sites = sorted({flood.site for flood in known})
    recession = fit_recession([(flood.site, flood.times, flood.depth_m) for flood in known])
    curves = {name: TideCurve(tide) for name, tide in tides.items()}
    banks = {}
    for tidal in (False, True):
        mine = of_kind(known, tidal=tidal)
        banks[tidal] = _calibrated(
            _analogues(mine, sites, recession, curves, tidal=tidal), storms(mine), recession.pooled_per_s
        )
    return NowcastParameters(sites=sites, rain=banks[False], tidal=banks[True], recession=recession)


def of_kind(floods: Sequence[FloodTrace], *, tidal: bool) -> list[FloodTrace]:
    """Return the floods of one kind, in the order in which `Analogues.flood` counts them."""
    return [flood for flood in floods if flood.tidal is tidal]


def instants(flood: FloodTrace, every_s: float) -> tuple[Floats, list[Situation | None], Floats]:
    """Return instants of a flood, what was known then, and what came: ``(n, n_steps)`` m, the first as it was read.

    Known is None where the gauge had read dry for a while. Between two readings the water is on the line between them.
    """
    times, first = np.unique(flood.times, return_index=True)
    depth_m = flood.depth_m[first]
    at = np.arange(times[0], times[-1], every_s)
    ahead = np.interp(at[:, None] + AFTER_S, times, depth_m, right=0.0)
    ahead[:, 0] = depth_m[np.searchsorted(times, at, side="right") - 1]
    return at, [situation(times, depth_m, one) for one in at], ahead


def _analogues(
    floods: Sequence[FloodTrace],
    sites: Sequence[str],
    recession: Recession,
    curves: Mapping[str, TideCurve],
    *,
    tidal: bool,
) -> Analogues:
    number = {site: i for i, site in enumerate(sites)}
    width = PLAIN + (4 if tidal else 0)
    state, site, of, ahead = [np.empty((0, width))], [], [], [np.empty((0, len(AFTER_S)))]
    for i, flood in enumerate(floods):
        at, known, came = instants(flood, _EVERY_S[tidal])
        wet = np.array([one is not None for one in known], dtype=bool)
        begin, came, seen = at[wet], came[wet], [one for one in known if one is not None]
        if not seen:
            continue
        rows = states(seen, np.full(len(seen), recession.rate(flood.site)))
        if tidal:
            rows = np.hstack([rows, _tides(curves.get(flood.tide), begin)])
        whole = np.isfinite(rows).all(axis=1)
        state.append(rows[whole])
        ahead.append(came[whole])
        site += [number[flood.site]] * int(whole.sum())
        of += [i] * int(whole.sum())
    return Analogues(
        state=np.vstack(state),
        site=np.array(site, dtype=np.int64),
        flood=np.array(of, dtype=np.int64),
        depth_m=np.vstack(ahead),
        narrow=np.ones(len(AFTER_S)),
        wide=np.ones(len(AFTER_S)),
    )


def _tides(curve: TideCurve | None, at: Floats) -> Floats:
    """Return the tide's part of the states; where it is not known far from all, so that only the rest is compared."""
    told = tide_states(curve.outlook(at)) if curve is not None else np.full((len(at), 4), np.nan)
    return np.where(np.isfinite(told).all(axis=1, keepdims=True), told, _FAR)


def storms(floods: Sequence[FloodTrace]) -> Ints:
    """Return the storm or high tide of each flood: a new one where nothing floods anywhere for six hours."""
    of, number, end = np.zeros(len(floods), dtype=np.int64), -1, -np.inf
    for i in np.argsort([flood.times[0] for flood in floods]):
        number += int(floods[i].times[0] > end + _STORM_GAP_S)
        end = max(end, float(floods[i].times[-1]))
        of[i] = number
    return of


def _calibrated(past: Analogues, storm: Ints, pooled_per_s: float) -> Analogues:
    """Widen or narrow the paths so that P10 and P90 hold for instants that nothing of is known beforehand.

    Half of them are told without the floods of their storm, half without those of their site: as gauges will be that
    are hung up later.
    """
    if len(past.state) < 2:
        return past
    probe = np.unique(np.linspace(0, len(past.state) - 1, _PROBE).astype(np.int64))
    in_new_storm = _tried(replace(past, flood=storm[past.flood]), probe[::2])
    unseen = past.state[probe[1::2]]
    unseen[:, PLAIN - 1] = rate_state(pooled_per_s)
    at_new_site = _tried(replace(past, flood=past.site), probe[1::2], unseen)
    off = [np.vstack(both) for both in zip(in_new_storm, at_new_site, strict=True)]
    factors = [np.array([_factor(side[:, k]) for k in range(len(AFTER_S))]) for side in off]
    return replace(past, narrow=factors[0], wide=factors[1])


def _tried(past: Analogues, probe: Ints, unseen: Floats | None = None) -> tuple[Floats, Floats]:
    """Return how far what came lay below and above the median, in distances of P10 and of P90: ``(n, n_steps)`` each.

    0 where it lay on the other side. `unseen`: the instants' states as those of sites that are not known.
    """
    site = past.site[probe] if unseen is None else np.full(len(probe), -1, dtype=np.int64)
    state = past.state[probe] if unseen is None else unseen
    paths = past.ensemble(state, site, past.depth_m[probe, 0], besides=past.flood[probe])
    low, middle, high = paths.quantiles((0.1, 0.5, 0.9))
    came = past.depth_m[probe]
    below = np.maximum(middle - came, 0.0) / np.maximum(middle - low, _LEAST_OFF_M)
    above = np.maximum(came - middle, 0.0) / np.maximum(high - middle, _LEAST_OFF_M)
    return below, above


def _factor(off: Floats) -> float:
    """Return by how much an edge is moved so that a tenth of all lies beyond it."""
    return float(np.clip(np.quantile(off, 0.9), _NARROWEST, _WIDEST))
