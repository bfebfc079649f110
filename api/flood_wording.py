"""How pages put water: depths in centimetres, times to come as about so long, and why a place is listed first."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from api import wording

LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {"closed": "Closed", "hazard": "Water on the road", "clear": "Not closed"}
)
BASES: Final[Mapping[str, str]] = MappingProxyType(
    {"observed": "measured", "forecast": "forecast", "officer": "ordered by an officer", "published": "as published"}
)
METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assimilated": "gauge, fill model and rain forecast",
        "reservoir": "fill model and rain forecast",
        "threshold": "rain and tide against thresholds",
        "climatology": "how often it floods",
        "none": "nothing: no forecast can be made",
    }
)
VEHICLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "small": "Cars",
        "large": "Vans and large cars",
        "four_wheel_drive": "Lorries, buses, off-road vehicles",
        "emergency": "Emergency vehicles",
    }
)
DEPTH_CLASSES: Final = (
    ("d0", "under 10 cm"),
    ("d1", "10–15 cm"),
    ("d2", "15–30 cm"),
    ("d3", "30–45 cm"),
    ("d4", "45 cm and more"),
    ("dx", "not known"),
)


def centimetres(depth_m: float | None) -> str:
    """Return a depth for people; "not known" for None and NaN."""
    if depth_m is None or not np.isfinite(depth_m):
        return "not known"
    cm = round(depth_m * 100)
    return "dry" if cm <= 0 else f"{cm} cm"


def clock(instant: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """Return the wall time, with its day where that is not today."""
    told = wording.moment(instant, zone, now=now)
    today = instant.astimezone(zone).date() == now.astimezone(zone).date()
    return told.split(" ", 3)[3] if today else told


def duration(seconds: float) -> str:
    """Return how long, as exactly as a forecast of it deserves: to 5 min, later to half an hour, then to the hour."""
    minutes = max(round(seconds / 60), 0)
    if minutes < 10:
        return f"{minutes} min"
    if minutes < 88:
        return f"{round(minutes / 5) * 5} min"
    return f"{round(minutes / 30) / 2:g} h" if minutes < 225 else f"{round(minutes / 60)} h"


def time_ahead(what: str, told: Sequence[float] | None, since_issue: timedelta) -> str:
    """Return "15 cm in about 20 min (10 to 45 min)" of P10, P50, P90 from the issue on; "" where nothing is to come.

    The upper end is open where it lies beyond the forecast; where even the middle does, only the earliest is told.
    """
    if told is None:
        return ""
    low, middle, high = (max(second - since_issue.total_seconds(), 0.0) for second in told)
    if not np.isfinite(low):
        return ""
    if not np.isfinite(middle):
        return f"{what} possible from {duration(low)} on"
    if middle <= 60 and low <= 0:
        return ""  # it is so already
    if not np.isfinite(high):
        return f"{what} in about {duration(middle)} (from {duration(low)} on, or not at all)"
    if duration(low) == duration(high):
        return f"{what} in about {duration(middle)}"
    if low < 30:
        return f"{what} in about {duration(middle)} (up to {duration(high)})"
    return f"{what} in about {duration(middle)} ({duration(low)} to {duration(high)})"
