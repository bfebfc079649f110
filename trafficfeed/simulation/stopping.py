"""How many seed pairs are driven, and when micro has to confirm: rules that give a rerun the same answer."""

import math
from collections.abc import Mapping, Sequence

from trafficfeed.settings import SimulationSettings, Thresholds
from trafficfeed.simulation.certificate import Estimate, Verdict
from trafficfeed.simulation.verdict import delay_excess, nearest_gate, verdict_of

_GROWTH = 1.5


def looks_of(least: int, most: int) -> tuple[int, ...]:
    """Return after how many pairs the gates are read: `least`, then half as many again each time, up to `most`.

    A few looks, in batches that do not depend on how many processes the machine has: every look is another chance to be
    wrong. With the default 5, 8, 12, 18, 25 a plan whose true effect lies right on a limit passes it in 7.7 % of cases
    (2.5 % with a single look, 10.7 % with a look after every pair; 200,000 draws of normal differences).
    """
    looks = [least]
    while looks[-1] < most:
        looks.append(min(most, math.ceil(looks[-1] * _GROWTH)))
    return tuple(looks)


def stopping_rule(looks: Sequence[int]) -> str:
    """Return the rule in words, for the certificate and its report."""
    if len(looks) == 1:
        return f"The gates are read after {looks[0]} pairs."
    return (
        f"The gates are read after {', '.join(map(str, looks[:-1]))} and {looks[-1]} pairs, until each is decided or "
        "one failed. Intervals are nominal at each look: a plan whose true effect lies right on a limit passes it "
        "about 1 time in 13, not 1 in 40."
    )


def confirmation_rule(simulation: SimulationSettings) -> str:
    """Return in words when micro confirms what meso found."""
    return (
        "Micro decides where meso cannot show an intervention (lanes, metering). Otherwise meso is driven first, and "
        f"micro decides after it: always up to {simulation.confirm_always_h:g} vehicle-hours driven in the base, and "
        f"up to {simulation.confirm_most_h:g} unless meso passes the plan with every figure farther than "
        f"{100 * simulation.confirm_near:g} % from its limit; not where meso holds it with the delay of all beyond "
        f"{simulation.confirm_hopeless:g} times its limit."
    )


def needs_confirmation(
    thresholds: Thresholds, simulation: SimulationSettings, metrics: Mapping[str, Estimate], vehicle_hours: float
) -> bool:
    """Tell whether micro has to confirm what meso found.

    A hold needs it as much as a pass does: in heavy traffic meso errs to either side (745 s for micro's 984 in
    Luxembourg, 746 for 442 in Bologna, 499 for 473 in Ingolstadt, mean trip of a whole hour).

    Parameters
    ----------
    metrics
        Of the mesoscopic pairs.
    vehicle_hours
        Time driven by all vehicles in one base run: what a microscopic run costs, on any machine.
    """
    if delay_excess(thresholds, metrics) >= simulation.confirm_hopeless:
        return False  # farther beyond than meso was ever seen to err, and a jam is what micro is slowest at
    near = nearest_gate(thresholds, metrics) < simulation.confirm_near
    clear = verdict_of(thresholds, metrics) is Verdict.PUBLISH and not near
    return vehicle_hours <= (simulation.confirm_always_h if clear else simulation.confirm_most_h)
