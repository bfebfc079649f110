"""Sites' parameters as arrays, a row for each site, in the order of the sites."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.parameters import SiteParameters
from trafficfeed.flooding.forecasting.reservoir import drain_mmph
from trafficfeed.flooding.sites import Site

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SiteArrays:
    """`(n_sites,)` each; names and units as in `SiteParameters`; `outfall_m` NaN: the tide does not block it."""

    rain_gain: Floats
    rain_depth_m: Floats
    drain_mmph: Floats
    outfall_m: Floats
    level_m: Floats
    level_error_m: Floats
    lag_s: Floats
    keeps_step: npt.NDArray[np.bool_]
    rate_ph: Floats
    lasts_s: Floats


def arrays(parameters: Sequence[SiteParameters], sites: Sequence[Site] | None = None) -> SiteArrays:
    """Return arrays; what a site itself says of its drain, outfall and tide goes before what was fitted."""
    told = sites if sites is not None else [None] * len(parameters)
    pairs = list(zip(parameters, told, strict=True))
    return SiteArrays(
        rain_gain=_column(parameters, "rain_gain"),
        rain_depth_m=_column(parameters, "rain_depth_m"),
        drain_mmph=np.array([_drain(*pair) for pair in pairs], dtype=np.float64),
        outfall_m=np.array([_outfall(site) for site in told], dtype=np.float64),
        level_m=np.array([_level(*pair) for pair in pairs], dtype=np.float64),
        level_error_m=_column(parameters, "level_error_m"),
        lag_s=_column(parameters, "lag_s"),
        keeps_step=np.array([one.keeps_step for one in parameters], dtype=np.bool_),
        rate_ph=_column(parameters, "rate_ph"),
        lasts_s=_column(parameters, "lasts_s"),
    )


def _column(parameters: Sequence[SiteParameters], name: str) -> Floats:
    return np.array([getattr(one, name) for one in parameters], dtype=np.float64)


def _drain(fitted: SiteParameters, site: Site | None) -> float:
    if site is not None and site.drain_m3ps is not None and site.catchment_m2:
        return drain_mmph(site.drain_m3ps, site.catchment_m2)
    return fitted.drain_mmph


def _outfall(site: Site | None) -> float:
    return np.nan if site is None or site.outfall_level_m is None else site.outfall_level_m


def _level(fitted: SiteParameters, site: Site | None) -> float:
    if site is None or np.isfinite(fitted.level_m):
        return fitted.level_m
    return np.nan if site.tidal is False or site.outfall_level_m is None else site.outfall_level_m
