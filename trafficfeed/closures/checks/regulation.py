"""Check `regulation`: a speed limit that is none, and a metered release that never holds anybody back."""

from collections.abc import Iterator

from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.lanes import traffic_lanes
from trafficfeed.closures.orders import Metering, SpeedLimit
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import describe

LANE_CAPACITY_VPH = 1800.0
"""What a lane carries at most; HCM 7th ed., 12: 1,900 to 2,400 passenger cars on open road, less in town."""


def check(case: Case) -> Iterator[Finding]:
    """Compare limits with what the street has today."""
    for placed in case.own:
        rule = placed.measure.rule
        if isinstance(rule, SpeedLimit):
            yield from _speed(case, placed, rule)
        elif isinstance(rule, Metering):
            yield from _metering(case, placed, rule)


def _speed(case: Case, placed: Placed, rule: SpeedLimit) -> Iterator[Finding]:
    for section in placed.resolved.sections:
        fastest = float(case.graph.speed_mps[list(section.edges)].max()) * 3.6
        if rule.limit_kmh > fastest + 0.5:
            yield Finding(
                rule="regulation.speed",
                severity=Severity.WARNING,
                message=f"{rule.limit_kmh} km/h on {describe(case.graph, section)}, where the limit is {fastest:.0f}",
                where=placed.path,
                mend="set a lower limit, or leave the measure out",
                detail={"limit_kmh": rule.limit_kmh, "present_kmh": round(fastest, 1)},
            )


def _metering(case: Case, placed: Placed, rule: Metering) -> Iterator[Finding]:
    for section in placed.resolved.sections:
        capacity = LANE_CAPACITY_VPH * min(len(traffic_lanes(case.graph, e)) for e in section.edges)
        if rule.flow_vph >= capacity:
            yield Finding(
                rule="regulation.metering",
                severity=Severity.INFO,
                message=f"{rule.flow_vph:.0f} vehicles an hour are all that {describe(case.graph, section)} carries",
                where=placed.path,
                mend="lower the flow, or leave the measure out",
                detail={"flow_vph": rule.flow_vph, "capacity_vph": capacity},
            )
