"""Readings, reports and decisions for tests."""

from datetime import UTC, datetime, timedelta

from trafficfeed.flooding.decisions import Basis, Decision, Level
from trafficfeed.flooding.observations import Quality, Reading, Report, ReportedDepth
from trafficfeed.flooding.road_state import WaterClass

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def made_reading(minute: int = 0, depth_m: float = 0.1, *, sensor: str = "quay", after_s: float = 5) -> Reading:
    at = NOW + minute * MINUTE
    return Reading(
        id=f"{sensor}@{at:%Y%m%dT%H%M%SZ}",
        sensor=sensor,
        observed_at=at,
        received_at=at + timedelta(seconds=after_s),
        depth_m=depth_m,
        quality=Quality.GOOD,
        source="csv",
        raw="abc",
    )


def made_report(id: str = "r1") -> Report:
    return Report(id=id, lon=1.0, lat=2.0, observed_at=NOW, received_at=NOW, depth=ReportedDepth.KNEE, by_police=True)


def made_decision(site: str = "underpass", minute: int = 0, level: Level = Level.CLOSED) -> Decision:
    return Decision(
        site=site,
        level=level,
        basis=Basis.OBSERVED,
        decided_at=NOW + minute * MINUTE,
        since=NOW,
        episode=f"{site}-20260701T1200" if level is not Level.CLEAR else "",
        depth_m=0.31,
        closed_to=(WaterClass.SMALL, WaterClass.LARGE),
        readings=("quay@1", "quay@2"),
        reason="31 cm at the quay",
    )
