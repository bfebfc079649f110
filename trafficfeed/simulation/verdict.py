"""The verdict: each gate's interval against its threshold, and what they come to together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trafficfeed.settings import Thresholds
from trafficfeed.simulation.certificate import Estimate, Reason, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate: the upper 95 % bound of `metric` has to lie at or below `limit`.

    `verdict` is what a measured failure comes to. `unit` is "s", "%" or a plural noun. `context` says in words what the
    limit is a share of.
    """

    name: str
    metric: str
    limit: float
    unit: str
    verdict: Verdict = Verdict.HOLD
    required: bool = True
    context: str = ""


def gates_of(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> tuple[Gate, ...]:
    """Return the gates, hard limits first.

    The emergency limit is the laxer of seconds and share of the base's own emergency trip; the general delay has to
    pass both.
    """
    base_emergency = metrics["base_trip_emergency_s"].mean if "base_trip_emergency_s" in metrics else 0.0
    share_s = thresholds.max_emergency_delay_share * base_emergency
    return (
        Gate(
            name="emergency delay",
            metric="delay_emergency_s",
            limit=max(thresholds.max_emergency_delay_s, share_s),
            unit="s",
            context=f"base trip {base_emergency:.0f} s" if base_emergency else "",
        ),
        Gate(
            name="emergency access",
            metric="emergency_cut_off_vehicles",
            limit=0.0,
            context="emergency trips that end short of their address",
            unit="vehicles a run",
        ),
        Gate(
            name="lost vehicles",
            metric="lost_share",
            limit=thresholds.max_lost_share,
            unit="%",
            verdict=Verdict.INCONCLUSIVE,
            context="teleported, dropped or never departed, beyond the base",
        ),
        Gate(
            name="unfinished vehicles",
            metric="unfinished_share",
            limit=thresholds.max_unfinished_share,
            unit="%",
            context="still under way at the end, beyond the base",
        ),
        Gate(name="delay", metric="delay_s", limit=thresholds.max_delay_per_vehicle_s, unit="s"),
        Gate(
            name="delay as a share",
            metric="delay_share",
            limit=thresholds.max_delay_share,
            unit="%",
            context=_base_trip(metrics),
        ),
        Gate(name="bus delay", metric="delay_bus_s", limit=thresholds.max_bus_delay_s, unit="s", required=False),
    )


def reasons_of(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> tuple[Reason, ...]:
    """Return one reason a gate, with the figures as a person reads them."""
    return tuple(_reason(gate, metrics.get(gate.metric)) for gate in gates_of(thresholds, metrics))


def verdict_of(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> Verdict:
    """Return the verdict.

    A decided failure of a gate that holds is a hold, even where vehicles were lost: delays are lower bounds. Otherwise
    any gate that failed or is not decided makes it inconclusive.
    """
    states = [(gate, _state(gate, metrics.get(gate.metric))) for gate in gates_of(thresholds, metrics)]
    if any(gate.verdict is Verdict.HOLD and decided and not passed for gate, (passed, decided) in states):
        return Verdict.HOLD
    return Verdict.PUBLISH if all(passed for _, (passed, _) in states) else Verdict.INCONCLUSIVE


def settled(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> bool:
    """Tell whether more seed pairs could not change the verdict by the stopping rule: all decided, or one failed."""
    states = [_state(gate, metrics.get(gate.metric)) for gate in gates_of(thresholds, metrics)]
    return any(decided and not passed for passed, decided in states) or all(decided for _, decided in states)


def nearest_gate(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> float:
    """Return how near the figures come to a gate: the smallest distance of an interval to its limit, over the limit.

    0 where an interval straddles its limit, infinite where nothing was measured or no limit is a number above 0.
    """
    return min((_distance(gate, metrics.get(gate.metric)) for gate in gates_of(thresholds, metrics)), default=math.inf)


def delay_excess(thresholds: Thresholds, metrics: Mapping[str, Estimate]) -> float:
    """Return how many times its limit the delay of all vehicles is at least (its lower bound); 0 where unmeasured.

    Only the delay of all: that of a few buses or ambulances may be the mesoscopic model's own doing.
    """
    limit = thresholds.max_delay_per_vehicle_s
    return metrics["delay_s"].low / limit if "delay_s" in metrics and limit > 0 else 0.0


def text_of(estimate: Estimate, unit: str) -> str:
    """Return an estimate as a person reads it: ``12.3 s (95 %: 10.1 to 14.5 s, 5 pairs)``."""
    factor, digits, suffix = (100.0, 2, " %") if unit == "%" else (1.0, 1, f" {unit}")
    mean, low, high = (f"{_unsigned_zero(x * factor, digits):.{digits}f}" for x in _three(estimate))
    return f"{mean}{suffix} (95 %: {low} to {high}, {estimate.pairs} pairs)"


def _reason(gate: Gate, estimate: Estimate | None) -> Reason:
    passed, decided = _state(gate, estimate)
    context = f" ({gate.context})" if gate.context else ""
    return Reason(
        gate=gate.name,
        passed=passed,
        decided=decided,
        measured=text_of(estimate, gate.unit) if estimate else _unmeasured(gate),
        threshold=f"{_limit(gate)}{context}",
    )


def _limit(gate: Gate) -> str:
    if not gate.limit:
        return "none"
    return f"at most {100 * gate.limit:g} %" if gate.unit == "%" else f"at most {gate.limit:.3g} {gate.unit}"


def _unmeasured(gate: Gate) -> str:
    if not gate.required:
        return "no such vehicle in the demand"
    return "not measured: no such vehicle was driven" if "emergency" in gate.name else "not measured"


def _state(gate: Gate, estimate: Estimate | None) -> tuple[bool, bool]:
    """Return (passed, decided); what is required and was not measured is open, a hard limit above all."""
    if estimate is None:
        return not gate.required, not gate.required
    passed, failed = estimate.high <= gate.limit, estimate.low > gate.limit
    return passed, passed or failed


def _distance(gate: Gate, estimate: Estimate | None) -> float:
    if estimate is None or gate.limit <= 0:
        return math.inf
    passed, decided = _state(gate, estimate)
    if not decided:
        return 0.0
    return abs(gate.limit - (estimate.high if passed else estimate.low)) / gate.limit


def _base_trip(metrics: Mapping[str, Estimate]) -> str:
    return f"of the base's mean trip, {metrics['base_trip_s'].mean:.0f} s" if "base_trip_s" in metrics else ""


def _three(estimate: Estimate) -> Sequence[float]:
    return estimate.mean, estimate.low, estimate.high


def _unsigned_zero(value: float, digits: int) -> float:
    return 0.0 if round(value, digits) == 0 else value
