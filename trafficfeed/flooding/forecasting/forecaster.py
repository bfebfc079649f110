"""The forecast of a city's sites at an instant: the best method that what is at hand allows, site by site."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecast import HORIZONS_S, THRESHOLDS_M, CityForecast, Method
from trafficfeed.flooding.forecasting import climatology
from trafficfeed.flooding.forecasting.depths import LADDER_M, clear_times, flood_times, quantiles
from trafficfeed.flooding.forecasting.fallback import threshold_chance
from trafficfeed.flooding.forecasting.first_hour import merged
from trafficfeed.flooding.forecasting.outlook import Outlook, chances
from trafficfeed.flooding.forecasting.parameters import FloodParameters, SiteParameters
from trafficfeed.flooding.forecasting.rain_at_sites import RainAtSites, rain_at
from trafficfeed.flooding.forecasting.risk import RiskRule, standing_hazard
from trafficfeed.flooding.forecasting.sea import HOUR_S, filter_anomaly
from trafficfeed.flooding.forecasting.sea_levels import usable_tide
from trafficfeed.flooding.forecasting.site_arrays import arrays
from trafficfeed.flooding.forecasting.site_priors import taken_for
from trafficfeed.flooding.forecasting.tides import tide_table
from trafficfeed.flooding.forecasting.water_at_sites import SEA_HOURS, WaterAtSites, water_at
from trafficfeed.flooding.observations import RainForecast, RainReading, Reading, TidePrediction
from trafficfeed.flooding.sites import Site

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

N_HOURS: Final = 72
_HELD: Final = {
    Method.ASSIMILATED: 0.9,
    Method.RESERVOIR: 0.7,
    Method.THRESHOLD: 0.4,
    Method.CLIMATOLOGY: 0.2,
    Method.NONE: 0.0,
}
_KNOWN_AFTER: Final = 5.0


class Forecaster:
    """Forecasts for a fixed list of sites; holds no state between forecasts."""

    def __init__(self, sites: Sequence[Site], parameters: FloodParameters, tide: Sequence[TidePrediction] = ()) -> None:
        self._sites, self._parameters = list(sites), parameters
        self._of = [taken_for(site, parameters.of(site.id), parameters.fitted_until) for site in sites]
        self._arrays = arrays(self._of, self._sites)
        self._tides = list(tide)
        self._lon = np.array([site.lon for site in sites], dtype=np.float64)
        self._lat = np.array([site.lat for site in sites], dtype=np.float64)
        self._tide = tide_table(
            lon=self._lon, lat=self._lat, stations=[(one.lon, one.lat, one.times, one.level_m) for one in tide]
        )

    def forecast(
        self,
        *,
        readings: Mapping[str, Sequence[Reading]],
        rain: Sequence[RainForecast],
        gauges: Sequence[RainReading],
        as_of: datetime,
    ) -> CityForecast:
        """Return the forecast that could be made at `as_of`: whatever is later in time, issue or receipt is not seen.

        Parameters
        ----------
        readings
            By sensor id, at least of the last hours; with those of the last two days the sea's anomaly is told too.
        rain
            Issues of any sources and places; of single-member ones those of the last six hours.
        """
        water = water_at(self._sites, readings, self._arrays.keeps_step, as_of)
        falls = rain_at(self._lon, self._lat, rain, gauges, as_of, N_HOURS)
        look = self._outlook(water, falls, as_of)
        method = self._methods(water, falls, look)
        within = self._chances(look, method, THRESHOLDS_M, within=True)
        ladder = self._chances(look, method, LADDER_M, within=False)
        ladder, within = _observed_now(ladder, within, water.now_m)
        exceedance = np.minimum(ladder[[LADDER_M.index(depth) for depth in THRESHOLDS_M]], within)
        p10, p50, p90 = (_read_now(depth, water.now_m) for depth in quantiles(ladder))
        made = CityForecast(
            issued_at=as_of,
            sites=tuple(site.id for site in self._sites),
            horizons_s=HORIZONS_S,
            p10_m=p10,
            p50_m=p50,
            p90_m=p90,
            exceedance=exceedance,
            within=within,
            method=tuple(method),
            confidence=np.array([_held(kind, one) for kind, one in zip(method, self._of, strict=True)]),
            to_flood_s=flood_times(within[1]),
            to_clear_s=clear_times(exceedance[1]),
            inputs=self._inputs(water, falls),
        )
        return merged(made, self._parameters.nowcast, self._sites, water, self._tides)

    def _outlook(self, water: WaterAtSites, falls: RainAtSites, as_of: datetime) -> Outlook:
        every, now = np.arange(len(self._sites)), as_of.timestamp()
        hours = now + HOUR_S * np.arange(N_HOURS + 1, dtype=np.float64) - self._arrays.lag_s[:, None]
        tide = self._tide.level(every[:, None], hours)
        crest = np.maximum(tide, self._tide.level(every[:, None], hours - HOUR_S / 2))
        crest[:, 0] = tide[:, 0]
        mean, sd = self._anomaly(water, now)
        place = np.maximum(falls.place, 0)
        return Outlook(
            rain_mm=np.where((falls.place >= 0)[:, None], falls.rain_mm[:, place], np.nan),
            fallen_mm=falls.fallen_mm[place],
            drain_mmph=self._arrays.drain_mmph,
            outfall_m=self._arrays.outfall_m,
            tide_m=tide,
            crest_m=crest,
            level_m=self._arrays.level_m,
            level_error_m=self._arrays.level_error_m,
            sea_mean_m=np.full(len(every), mean),
            sea_sd_m=np.full(len(every), sd),
            now_m=water.now_m,
            wet=np.full(len(every), water.wet),
            gain=self._arrays.rain_gain,
            usual_m=self._arrays.rain_depth_m,
        )

    def _anomaly(self, water: WaterAtSites, now: float) -> tuple[float, float]:
        sea, tells = self._parameters.sea, np.flatnonzero(self._arrays.keeps_step & self._tide.known)
        if not len(tells):
            return 0.0, sea.sd_m
        hours = now - HOUR_S * np.arange(SEA_HOURS, -1, -1, dtype=np.float64)
        excess = usable_tide(self._tide, hours, tells, self._arrays.lag_s) - self._arrays.level_m[tells]
        state = filter_anomaly(excess, water.hourly_m[:, tells], self._arrays.level_error_m[tells], sea)
        return float(state.mean_m[-1]), float(state.sd_m[-1])

    def _methods(self, water: WaterAtSites, falls: RainAtSites, look: Outlook) -> list[Method]:
        rain = _rain_at_hand(look)
        fresh = np.isfinite(water.now_m)
        sea = np.isfinite(look.tide_m[:, 0]) & np.isfinite(look.level_m)
        found = []
        for i in range(len(self._sites)):
            if rain[i] and self._parameters.fitted_until is not None:
                found.append(Method.ASSIMILATED if fresh[i] else Method.RESERVOIR)
            elif rain[i]:
                found.append(Method.THRESHOLD)
            elif np.isfinite(self._arrays.rate_ph[i]):
                found.append(Method.THRESHOLD if sea[i] else Method.CLIMATOLOGY)
            else:
                found.append(Method.NONE)
        return found

    def _chances(self, look: Outlook, method: Sequence[Method], depths_m: Sequence[float], *, within: bool) -> Floats:
        rule = self._parameters.within if within else self._parameters.at_time
        result = np.full((len(depths_m), len(method), len(HORIZONS_S)), np.nan)
        fitted = _are(method, Method.ASSIMILATED, Method.RESERVOIR)
        if fitted.any():
            by_model = chances(look, rule, self._parameters.sea, np.array(depths_m), HORIZONS_S, within=within)
            result[:, fitted] = self._parameters.platt.apply(by_model, HORIZONS_S)[:, fitted]
        usual = climatology.chance(self._arrays.rate_ph, self._arrays.lasts_s, depths_m, HORIZONS_S, within=within)
        crude = _are(method, Method.THRESHOLD)
        if crude.any():
            by_threshold = threshold_chance(look, depths_m, HORIZONS_S / HOUR_S, within=within)
            dry = ~_rain_at_hand(look)
            by_threshold[:, dry] = _sea_or_usual(look, usual, depths_m, within=within)[:, dry]
            result[:, crude] = by_threshold[:, crude]
        seldom = _are(method, Method.CLIMATOLOGY)
        result[:, seldom] = usual[:, seldom]
        result[:, ~fitted] = _with_standing(result[:, ~fitted], rule, look.now_m[~fitted], depths_m)
        return np.maximum.accumulate(result, axis=-1) if within else result

    def _inputs(self, water: WaterAtSites, falls: RainAtSites) -> dict[str, str]:
        fitted, newest = self._parameters.fitted_until, [mine[-1].id for mine in water.readings if mine]
        return {
            "readings": f"{sum(len(mine) for mine in water.readings)} good; newest {' '.join(sorted(newest)[:50])}",
            "rain": "; ".join(falls.issues),
            "tide": "; ".join(one.station for one in self._tides),
            "parameters": f"fitted until {fitted.isoformat()} on {self._parameters.floods} floods"
            if fitted
            else "shipped",
        }


def _sea_or_usual(look: Outlook, usual: Floats, depths_m: Sequence[float], *, within: bool) -> Floats:
    """Return chances where no rain is foretold: of the tide against the level, and of how often it floods besides."""
    still = replace(look, rain_mm=np.zeros_like(look.rain_mm[:1]), fallen_mm=np.zeros_like(look.fallen_mm))
    sea = threshold_chance(still, depths_m, HORIZONS_S / HOUR_S, within=within)
    return 1.0 - (1.0 - sea) * (1.0 - usual)


def _rain_at_hand(look: Outlook) -> Bools:
    return np.asarray(np.isfinite(look.rain_mm[..., 0]).any(axis=0))


def _with_standing(chance: Floats, rule: RiskRule, now_m: Floats, depths_m: Sequence[float]) -> Floats:
    """Return chances with those of the water that is read to stand there now."""
    weights = rule.at(HORIZONS_S)
    stands = [standing_hazard(weights, now_m[:, None], depth, HORIZONS_S) for depth in depths_m]
    return 1.0 - (1.0 - chance) * np.exp(-np.stack(stands))


def _are(method: Sequence[Method], *kinds: Method) -> Bools:
    return np.array([one in kinds for one in method], dtype=np.bool_)


def _observed_now(ladder: Floats, within: Floats, now_m: Floats) -> tuple[Floats, Floats]:
    """Put what is read for what is foretold at the instant itself; what has been reached stays reached."""
    read = np.isfinite(now_m) & np.isfinite(ladder[0, :, 0])
    for k, depth in enumerate(LADDER_M):
        ladder[k, read, 0] = now_m[read] >= depth
    for k, depth in enumerate(THRESHOLDS_M):
        within[k, read, 0] = now_m[read] >= depth
        within[k, read & (now_m >= depth)] = 1.0
    return ladder, within


def _read_now(depth_m: Floats, now_m: Floats) -> Floats:
    read = np.isfinite(now_m) & np.isfinite(depth_m[:, 0])
    depth_m[read, 0] = now_m[read]
    return depth_m


def _held(method: Method, site: SiteParameters) -> float:
    return _HELD[method] * (0.6 + 0.4 * site.floods / (site.floods + _KNOWN_AFTER))
