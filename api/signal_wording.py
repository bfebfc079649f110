"""What the signal pages say in words: aspects, methods, when an aspect ends. The script says the same later on."""

from datetime import datetime
from math import ceil, floor
from typing import Final, NamedTuple

from trafficfeed.formats.signal_times import told
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.states import GroupState

LAMPS: Final = {
    Aspect.UNAVAILABLE: "off",
    Aspect.DARK: "off",
    Aspect.STOP_THEN_PROCEED: "red",
    Aspect.STOP_AND_REMAIN: "red",
    Aspect.PRE_MOVEMENT: "redamber",
    Aspect.PERMISSIVE_GREEN: "green",
    Aspect.PROTECTED_GREEN: "green",
    Aspect.PERMISSIVE_AMBER: "amber",
    Aspect.PROTECTED_AMBER: "amber",
    Aspect.FLASHING_AMBER: "flash",
}
"""The symbol of each aspect on the map."""

ASPECTS: Final = {
    Aspect.UNAVAILABLE: "not known",
    Aspect.DARK: "dark",
    Aspect.STOP_THEN_PROCEED: "flashing red",
    Aspect.STOP_AND_REMAIN: "red",
    Aspect.PRE_MOVEMENT: "red and amber",
    Aspect.PERMISSIVE_GREEN: "green, give way",
    Aspect.PROTECTED_GREEN: "green",
    Aspect.PERMISSIVE_AMBER: "amber",
    Aspect.PROTECTED_AMBER: "amber",
    Aspect.FLASHING_AMBER: "flashing amber",
}

METHODS: Final = {
    Method.PLAN: "published plan",
    Method.CLEARANCE: "known lag after the other green",
    Method.ANALOGUES: "past cycles alike",
    Method.ACTUATION: "past greens and the controller's own log",
    Method.SURVIVAL: "past durations",
    Method.ABSTAIN: "",
}


class Saying(NamedTuple):
    """What is said of the end of an aspect: the seconds to count down from, or None; and the interval in words."""

    countdown_s: int | None
    interval: str
    method: str


def saying(group: GroupState, now: datetime) -> Saying:
    """Say when what a group shows will end; "not known" where nothing may be said."""
    end = told(group, now)
    if end is None or group.forecast is None:
        return Saying(None, "not known", "")
    low, high = group.forecast.p10, group.forecast.p90
    early = floor((low - now).total_seconds()) if low is not None and low >= now else None
    late = _left(high if high is not None and high >= now else end.latest, now)
    return Saying(_left(end.likely, now), interval(early, late), METHODS[group.forecast.method])


def interval(early_s: int | None, late_s: int | None) -> str:
    """Return an interval in words, in whole seconds from now: ``between 12 and 30 s``."""
    if late_s is None:
        return "not known" if early_s is None else f"not before {early_s} s"
    if not early_s:
        return f"within {late_s} s"
    return f"in {late_s} s" if early_s == late_s else f"between {early_s} and {late_s} s"


def _left(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(ceil((moment - now).total_seconds()), 0)
