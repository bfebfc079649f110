"""Base against plan, paired by vehicle and by seed: figures of one pair, and their intervals over pairs.

A plan must not look good because vehicles vanish. So the figure that the gates read, `delay_s`, is the *restricted*
mean: a vehicle that has not arrived when the run ends counts as driving until then, in the base as in the plan, which
makes its delay a lower bound. Whoever is cut off or teleported by the plan may cost time but never gain any.

Source: P. Royston, M. Parmar, "Restricted mean survival time", BMC Med Res Methodol 13:152 (2013); Student's paired t.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.certificate import Estimate
from trafficfeed.simulation.results import Fate, FloatArray, RunResult

BoolArray = npt.NDArray[np.bool_]

LOST = frozenset({Fate.TELEPORTED, Fate.DROPPED, Fate.NEVER_DEPARTED})
_SHUT_OUT = frozenset({Fate.DROPPED, Fate.ENDED_SHORT})
_NO_GAIN = (Fate.TELEPORTED, Fate.ENDED_SHORT)
_OUT_QUANTILE = 0.95


@dataclass(frozen=True, kw_only=True)
class PairedDelays:
    """Plan minus base, vehicle by vehicle; arrays are ``(n_vehicles,) float64``, s.

    `both_s` is NaN unless the vehicle finished in both runs. `bounded_s` is there for every vehicle that the base did
    not drop: a lower bound where the vehicle did not finish in the plan. `base_trip_s` and `plan_trip_s` are the trip
    times behind `bounded_s`.
    """

    vehicle_class: npt.NDArray[np.str_]
    informed: BoolArray
    both_s: FloatArray
    bounded_s: FloatArray
    base_trip_s: FloatArray
    plan_trip_s: FloatArray


def paired_delays(base: RunResult, plan: RunResult, *, until_s: float) -> PairedDelays:
    """Pair two runs of one seed by vehicle.

    Parameters
    ----------
    until_s
        End of both runs on the demand's clock.

    Raises
    ------
    SimulationFailed
        If the two runs do not have the same vehicles.
    """
    if list(base.vehicle_id) != list(plan.vehicle_id):
        raise SimulationFailed(
            f"base and plan of seed {base.seed} do not account for the same vehicles "
            f"({len(base.vehicle_id)} and {len(plan.vehicle_id)}): delete the cached runs and run them again"
        )
    base_trip, plan_trip = _restricted(base, until_s), _restricted(plan, until_s)
    bounded = plan_trip - base_trip
    for fate in _NO_GAIN:
        newly = _has(plan, {fate}) & ~_has(base, {fate})
        bounded[newly] = np.maximum(bounded[newly], 0.0)
    for column in (bounded, base_trip, plan_trip):
        column[_has(base, {Fate.DROPPED})] = np.nan
    return PairedDelays(
        vehicle_class=np.asarray(base.vehicle_class, dtype=np.str_),
        informed=plan.informed,
        both_s=plan.trip_s - base.trip_s,
        bounded_s=bounded,
        base_trip_s=base_trip,
        plan_trip_s=plan_trip,
    )


def figures_of(base: RunResult, plan: RunResult, *, until_s: float) -> dict[str, float]:
    """Return the figures of one seed pair by name (units in the names); what does not apply is left out.

    Raises
    ------
    SimulationFailed
        If the two runs do not have the same vehicles.
    """
    delays = paired_delays(base, plan, until_s=until_s)
    everyone = np.ones(len(delays.both_s), dtype=bool)
    emergency, bus = delays.vehicle_class == "emergency", np.isin(delays.vehicle_class, ("bus", "coach"))
    figures = {
        "delay_per_vehicle_s": _mean(delays.both_s, everyone),
        "delay_s": _mean(delays.bounded_s, everyone),
        "base_trip_s": _mean(delays.base_trip_s, everyone),
        "plan_trip_s": _mean(delays.plan_trip_s, everyone),
        "delay_informed_s": _mean(delays.bounded_s, delays.informed),
        "delay_surprised_s": _mean(delays.bounded_s, ~delays.informed),
        "delay_emergency_s": _mean(delays.bounded_s, emergency),
        "delay_emergency_p95_s": _quantile(delays.bounded_s, emergency, 0.95),
        "base_trip_emergency_s": _mean(delays.base_trip_s, emergency),
        "delay_bus_s": _mean(delays.bounded_s, bus),
        "time_to_95_out_change_s": time_to_95_out(plan, until_s) - time_to_95_out(base, until_s),
    }
    figures["delay_share"] = _ratio(figures["delay_s"], figures["base_trip_s"])
    figures |= _losses(base, plan, emergency)
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


def time_to_95_out(run: RunResult, until_s: float) -> float:
    """Return when 95 % of the demand's vehicles have arrived, s after the first wanted to start; `until_s` if never."""
    if not len(run.arrival_s):
        return 0.0
    arrival = np.sort(np.where(np.isfinite(run.arrival_s), run.arrival_s, until_s))
    last = arrival[min(len(arrival) - 1, int(np.ceil(_OUT_QUANTILE * len(arrival))) - 1)]
    return float(last - np.min(run.wanted_depart_s))


def accounting(runs: Iterable[RunResult]) -> dict[str, int]:
    """Return vehicles by fate summed over `runs`, all fates named; "demand" is their sum."""
    counts = dict.fromkeys((fate.value for fate in Fate), 0)
    for run in runs:
        for fate in run.fate:
            counts[Fate(fate).value] += 1
    return counts | {"demand": sum(counts.values())}


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of `values` (one a seed pair) with its two-sided 95 % interval, Student's t.

    With a single value the interval is the whole line: one pair decides nothing.
    """
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Estimate(mean=mean, low=float("-inf"), high=float("inf"), pairs=len(sample))
    half = float(stats.t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))
    return Estimate(mean=mean, low=mean - half, high=mean + half, pairs=len(sample))


def estimates(pairs: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """Return an estimate per figure over the pairs that have it, by name in alphabetical order."""
    names = sorted({name for figures in pairs for name in figures})
    return {name: estimate([figures[name] for figures in pairs if name in figures]) for name in names}


def _losses(base: RunResult, plan: RunResult, emergency: BoolArray) -> dict[str, float]:
    n = max(1, len(base.vehicle_id))
    reached = ~_has(base, _SHUT_OUT)
    return {
        "lost_share": float(_has(plan, LOST).sum() - _has(base, LOST).sum()) / n,
        "base_lost_share": float(_has(base, LOST).sum()) / n,
        "unfinished_share": float(_has(plan, {Fate.UNFINISHED}).sum() - _has(base, {Fate.UNFINISHED}).sum()) / n,
        "cut_off_vehicles": float((_has(plan, {Fate.ENDED_SHORT}) & reached).sum()),
        "emergency_cut_off_vehicles": float((_has(plan, _SHUT_OUT) & reached & emergency).sum()),
    }


def _restricted(run: RunResult, until_s: float) -> FloatArray:
    waited = np.maximum(until_s - run.wanted_depart_s, 0.0)
    return np.where(np.isfinite(run.trip_s), run.trip_s, waited)


def _has(run: RunResult, fates: Iterable[Fate]) -> BoolArray:
    return np.isin(np.asarray(run.fate, dtype=np.str_), [fate.value for fate in fates])


def _mean(values: FloatArray, where: BoolArray) -> float:
    chosen = values[where & np.isfinite(values)]
    return float(chosen.mean()) if len(chosen) else float("nan")


def _quantile(values: FloatArray, where: BoolArray, q: float) -> float:
    chosen = values[where & np.isfinite(values)]
    return float(np.quantile(chosen, q)) if len(chosen) else float("nan")


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
