"""How readily each site floods in rain against the city's average, from which sites each storm flooded."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from trafficfeed.flooding.forecasting.history import History

Floats = npt.NDArray[np.float64]
STORM_GAP_S = 6 * 3600.0
_DEPTH_PRIOR_FLOODS = 4.0
_SHAPES: Floats = np.array([0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.5, 5.0])


@dataclass(frozen=True, kw_only=True)
class RainSensitivity:
    """`gain` ``(n_sites,)``, mean 1 for a site nobody knows; `shape` of its gamma prior; `depth_m` usual depth, m.

    `floods`, `expected` ``(n_sites,)``: counted, and what an average site had in the storms that it was there for.
    `of`: the floods that it is told from.
    """

    gain: Floats
    shape: float
    depth_m: Floats
    city_depth_m: float
    floods: Floats
    expected: Floats
    of: History


def fit_sensitivity(rain_floods: History) -> RainSensitivity:
    """Fit gains by indirect standardisation: floods over those expected from each storm's share of flooded sites.

    The gains are gamma with mean 1 (floods are then negative binomial); its shape is the likeliest, so that a city of
    sites that are all alike pools fully and one of a few notorious places hardly.
    """
    expected = np.zeros(rain_floods.n_sites)
    counted = np.zeros(rain_floods.n_sites)
    for storm in storms(rain_floods.start, STORM_GAP_S):
        at = rain_floods.start[storm].min()
        there = (rain_floods.watched_from <= at) & (rain_floods.watched_until >= at)
        flooded = np.unique(rain_floods.site[storm])
        flooded = flooded[there[flooded]]
        counted[flooded] += 1.0
        expected[there] += len(flooded) / max(int(there.sum()), 1)
    shape = likeliest_shape(counted, expected)
    city_depth = float(np.mean(rain_floods.depth_m)) if len(rain_floods.depth_m) else 0.08
    total, number = rain_floods.per_site(rain_floods.depth_m), rain_floods.per_site()
    return RainSensitivity(
        gain=(counted + shape) / (expected + shape),
        shape=shape,
        depth_m=(total + _DEPTH_PRIOR_FLOODS * city_depth) / (number + _DEPTH_PRIOR_FLOODS),
        city_depth_m=city_depth,
        floods=counted,
        expected=expected,
        of=rain_floods,
    )


def storms(start: Floats, gap_s: float) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each storm: instants (rising) with no gap between them longer than that."""
    if not len(start):
        return []
    cuts = np.flatnonzero(np.diff(start) > gap_s) + 1
    return [np.asarray(rows, dtype=np.int64) for rows in np.split(np.arange(len(start)), cuts)]


def likeliest_shape(counted: Floats, expected: Floats) -> float:
    """Return the shape of the gamma distribution, mean 1, of which counts over expected counts come likeliest."""
    return float(max(_SHAPES, key=lambda shape: _likelihood(counted, expected, float(shape))))


def _likelihood(counted: Floats, expected: Floats, shape: float) -> float:
    seen = expected > 0
    n, mean = counted[seen], expected[seen]
    log = (
        gammaln(n + shape) - gammaln(shape) + shape * np.log(shape / (shape + mean)) + n * np.log(mean / (shape + mean))
    )
    return float(log.sum())
