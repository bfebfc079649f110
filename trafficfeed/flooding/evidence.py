"""What is known of a site's water now: readings that passed the checks, and what people saw there."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.flooding.observations import Quality, Reading, Report, ReportedDepth
from trafficfeed.flooding.sites import Site

REPORTED_M: Final[Mapping[ReportedDepth, float]] = {
    ReportedDepth.WET: 0.0,
    ReportedDepth.ANKLE: 0.10,
    ReportedDepth.HALF_WHEEL: 0.30,
    ReportedDepth.KNEE: 0.45,
    ReportedDepth.DEEPER: 0.60,
}
"""Depth that a person's words stand for, m."""

_POLICE: Final = "police"
_DOUBTFUL: Final = frozenset({Quality.UNCHECKED, Quality.SPIKE})
"""May still turn out to be water; the other faults say that the number is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One trustworthy depth at one instant, m, and the id of the reading or report that says so."""

    id: str
    witness: str  # the sensor, or "police"
    at: datetime
    received_at: datetime
    depth_m: float

    @property
    def by_police(self) -> bool:
        """Whether an officer saw it."""
        return self.witness == _POLICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is trustworthy up to an instant, oldest first, and what may turn out to be water.

    `doubtful` are readings that are not checked, or jumped and are not confirmed: they close nothing, but a road is
    not cleared against them. `citizens` are reports that ask for a look.
    """

    seen: Sequence[Seen]
    doubtful: Sequence[Seen]
    citizens: Sequence[Report]
    as_of: datetime

    def since(self, seconds: float) -> list[Seen]:
        """Return what was seen in the last seconds."""
        begin = self.as_of - timedelta(seconds=seconds)
        return [one for one in self.seen if one.at >= begin]

    def latest(self, seconds: float) -> dict[str, Seen]:
        """Return the newest of each witness that is not older than the seconds."""
        return {one.witness: one for one in self.since(seconds)}

    def newest(self) -> dict[str, Seen]:
        """Return the newest of each witness, however old."""
        return {one.witness: one for one in self.seen}


def gathered(site: Site, readings: Iterable[Reading], reports: Iterable[Report], as_of: datetime) -> Evidence:
    """Sort out what is known of a site at an instant: nothing that was observed or received later counts.

    Readings of sensors that do not look at the site are left out, where the site names its sensors; reports that are
    of another site likewise.
    """
    mine = [one for one in readings if _known(one, as_of) and (not site.sensors or one.sensor in site.sensors)]
    told = [one for one in reports if _known(one, as_of) and one.site in ("", site.id)]
    good = [_of_reading(one) for one in mine if one.quality is Quality.GOOD and math.isfinite(one.depth_m)]
    police = [_of_report(one) for one in told if one.by_police]
    return Evidence(
        seen=sorted(good + police, key=_when),
        doubtful=sorted((_of_reading(one) for one in mine if one.quality in _DOUBTFUL), key=_when),
        citizens=[one for one in told if not one.by_police],
        as_of=as_of,
    )


def _known(one: Reading | Report, as_of: datetime) -> bool:
    return one.observed_at <= as_of and one.received_at <= as_of


def _when(one: Seen) -> tuple[datetime, str]:
    return one.at, one.id


def _of_reading(one: Reading) -> Seen:
    return Seen(
        id=one.id, witness=one.sensor, at=one.observed_at, received_at=one.received_at, depth_m=max(one.depth_m, 0.0)
    )


def _of_report(one: Report) -> Seen:
    return Seen(
        id=one.id,
        witness=_POLICE,
        at=one.observed_at,
        received_at=one.received_at,
        depth_m=REPORTED_M[one.depth],
    )
