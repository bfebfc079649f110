"""Which readings may decide: each is judged by those before it, beside it and after it; what is judged anew is told.

A flood in a street really rises from 5 to 15 cm in about four minutes, so no jump is thrown away: one that water hardly
makes waits for the next reading, or for another gauge of the place, and is good when either agrees.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.gauge_record import GaugeRecord, Verdict
from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.quality_rule import QualityRule

_WAITING: Final = (Quality.UNCHECKED, Quality.SPIKE)
_MENDS: Final = {
    Quality.UNCHECKED: "wait for the next",
    Quality.SPIKE: "look at the gauge if it goes on: water does not jump",
    Quality.STUCK: "look at the gauge: it does not move",
    Quality.UNIT: "ask what unit it sends, and declare that",
    Quality.RANGE: "look at its unit and its zero point",
    Quality.TIME: "set its clock, or send times with an offset",
    Quality.LATE: "it is kept as history and decides nothing",
}
_QUIET: Final = (Quality.UNCHECKED, Quality.LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Readings with their quality: the new ones, stored ones that are judged anew, and what is to be said."""

    readings: Sequence[Reading]
    again: Sequence[Reading]
    findings: Sequence[Finding]


def judge(
    new: Sequence[Reading],
    history: Mapping[str, Sequence[Reading]],
    *,
    received_at: datetime,
    beside: Mapping[str, Sequence[str]] | None = None,
    late_s: float = 1200.0,
    rule: QualityRule | None = None,
) -> Judged:
    """Judge new readings by the history of their gauges.

    What was stored as good stays so, whatever comes later: it may have decided.

    Parameters
    ----------
    new
        As the adapters make them, in any order, each id once.
    history
        Stored readings by sensor, oldest first: half a day of each new one's sensor, and of those beside it.
    received_at
        When the new ones came, aware.
    beside
        By sensor those that look at the same place.
    late_s
        A reading that comes so late, and is good, is history only.
    """
    rule, neighbours = rule or QualityRule(), beside or {}
    sensors = {one.sensor for one in new}
    involved = sensors | {other for one in sensors for other in neighbours.get(one, ())}
    stored = {one.id: one for sensor in involved for one in history.get(sensor, ())}
    fresh = {one.id: one for one in new}
    settled = {id: one for id, one in stored.items() if id not in fresh}
    timelines = _timelines((*settled.values(), *fresh.values()))
    verdicts: dict[str, Verdict] = {}
    for sensor, timeline in timelines.items():
        others = [timelines[one] for one in neighbours.get(sensor, ()) if one in timelines and one != sensor]
        verdicts |= GaugeRecord(timeline, settled=settled, beside=others, rule=rule).judge()
    readings = [_as_judged(one, verdicts[one.id], received_at, late_s) for one in new]
    again = [
        _as_judged(replace(one, received_at=received_at), verdicts[id], received_at, late_s)
        for id, one in settled.items()
        if one.quality in _WAITING and verdicts[id][0] is Quality.GOOD
    ]
    corrections = [one for one in readings if one.id in stored]
    return Judged(readings=readings, again=again, findings=[*_findings(readings), *_corrected(corrections, stored)])


def gaps(history: Mapping[str, Sequence[Reading]], *, as_of: datetime, gap_s: float = 1200.0) -> list[Finding]:
    """Return a finding for each sensor that has told nothing usable for so long; silence never clears a road."""
    found = []
    for sensor, its in sorted(history.items()):
        good = [one for one in its if one.quality is Quality.GOOD and one.observed_at <= as_of]
        silent_s = (as_of - good[-1].observed_at).total_seconds() if good else float("inf")
        if silent_s > gap_s:
            since = f"since {good[-1].observed_at:%Y-%m-%d %H:%M:%S} UTC" if good else "yet"
            message = f"no good reading {since}"
            found.append(Finding(rule="reading.gap", severity=Severity.WARNING, message=message, where=sensor))
    return found


def _timelines(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {}
    for one in sorted(readings, key=lambda one: (one.observed_at, one.id)):
        found.setdefault(one.sensor, []).append(one)
    return found


def _as_judged(reading: Reading, verdict: Verdict, received_at: datetime, late_s: float) -> Reading:
    quality, why = verdict
    late = (received_at - reading.observed_at).total_seconds()
    if quality is Quality.GOOD and late > late_s:
        quality, why = Quality.LATE, f"it came {late:.0f} s late"
    return replace(reading, quality=quality, why=why)


def _findings(readings: Sequence[Reading]) -> list[Finding]:
    """Return one finding for each sensor and fault, however many readings have it."""
    faults: dict[tuple[str, Quality], list[Reading]] = {}
    for one in readings:
        if one.quality is not Quality.GOOD:
            faults.setdefault((one.sensor, one.quality), []).append(one)
    return [
        Finding(
            rule=f"reading.{quality}",
            severity=Severity.INFO if quality in _QUIET else Severity.WARNING,
            message=f"{len(its)} {'reading' if len(its) == 1 else 'readings'}, the first of "
            f"{its[0].observed_at:%Y-%m-%d %H:%M:%S} UTC: {its[0].why}",
            where=sensor,
            mend=_MENDS[quality],
            detail={"readings": [one.id for one in its[:20]], "count": len(its)},
        )
        for (sensor, quality), its in sorted(faults.items())
    ]


def _corrected(corrections: Sequence[Reading], stored: Mapping[str, Reading]) -> list[Finding]:
    return [
        Finding(
            rule="reading.corrected",
            severity=Severity.WARNING,
            message=f"{stored[one.id].depth_m:.3f} m at {one.observed_at:%Y-%m-%d %H:%M:%S} UTC "
            f"is now {one.depth_m:.3f} m",
            where=one.sensor,
            mend="both are kept, the later holds",
            detail={"reading": one.id},
        )
        for one in corrections
        if one.depth_m != stored[one.id].depth_m
    ]
