"""Rain by valid times to amounts in steps of one length, from the issue on; what the file lacks is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.parsed import noted, refused, told
from trafficfeed.flooding.observations import RainForecast

Floats = npt.NDArray[np.float64]

_ROUNDING_MM = 0.2  # packing of GRIB makes totals fall by so much
_MOST_MM_H = 400.0


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Amounts of rain in steps: `ends` ``(n_steps,)`` s since 1970 UTC, `rain_mm` ``(n_members, n_steps)``."""

    begin: float
    ends: Floats
    rain_mm: Floats


def from_totals(totals_mm: Floats, ends: Floats, begin: float) -> Steps:
    """Return the amounts between totals since `begin` (s since 1970): the first step begins there.

    Raises
    ------
    ValueError
        If a total falls by more than rounding: it was no total since the beginning.
    """
    if ends[0] <= begin:  # the total at the beginning is 0, whatever packing makes of it
        totals_mm, ends = totals_mm[:, 1:], ends[1:]
    amounts = np.diff(totals_mm, axis=1, prepend=np.zeros((len(totals_mm), 1)))
    if (worst := float(np.nanmin(amounts, initial=0.0))) < -_ROUNDING_MM:
        raise ValueError(f"a total falls by {-worst:.1f} mm: declare rain = interval if each is of its own step")
    return Steps(begin=begin, ends=ends, rain_mm=np.maximum(amounts, 0.0))


def forecast_of(
    steps: Steps, *, source: str, issued_at: datetime, lon: float, lat: float
) -> tuple[RainForecast | None, list[Finding]]:
    """Return the forecast that steps hold, those that are over at the issue left out; None where none is left."""
    where = f"{source} at {lon:.3f}, {lat:.3f}"
    bounds = np.concatenate([[steps.begin], steps.ends])
    lengths = np.diff(bounds)
    if not len(lengths) or np.any(lengths <= 0):
        return None, [refused("forecast.times", where, "its times do not rise", "see what its sender writes")]
    shortest = float(lengths.min())
    parts = lengths / shortest
    if np.any(np.abs(parts - np.round(parts)) > 1e-6):
        return None, [refused("forecast.times", where, "its steps are no multiples of the shortest")]
    findings = _doubts(steps, lengths, where)
    if any(one.rule == "forecast.range" for one in findings):
        return None, findings
    counts = np.round(parts).astype(int)
    if counts.max() > 1:
        findings.append(told("forecast.steps", where, f"longer steps are spread evenly over steps of {shortest:.0f} s"))
    rain_mm = np.repeat(steps.rain_mm / parts, counts, axis=1)
    starts = steps.begin + shortest * np.arange(counts.sum())
    ahead = starts + shortest > issued_at.timestamp()
    if not ahead.any():
        return None, [*findings, noted("forecast.old", where, f"ends before {issued_at.isoformat()}")]
    forecast = RainForecast(
        source=source, issued_at=issued_at, lon=lon, lat=lat,
        starts=starts[ahead], step_s=shortest, rain_mm=rain_mm[:, ahead],
    )  # fmt: skip
    return forecast, findings


def _doubts(steps: Steps, lengths: Floats, where: str) -> list[Finding]:
    findings = []
    gone = np.isnan(steps.rain_mm)
    if gone.any():
        share, members = float(gone.mean()), np.flatnonzero(gone.any(axis=1)).tolist()
        message = f"{share:.0%} of the values are missing, of members {_listed(members)}"
        findings.append(noted("forecast.holes", where, message, share=share))
    most = float(np.nanmax(steps.rain_mm / lengths * 3600.0, initial=0.0))
    if most > _MOST_MM_H or float(np.nanmin(steps.rain_mm, initial=0.0)) < 0:
        message = f"rain of {most:.0f} mm/h, or less than none: it is not used"
        findings.append(refused("forecast.range", where, message, "look at the unit"))
    return findings


def missing_members(present: Sequence[int], expected: int, where: str) -> list[Finding]:
    """Return a finding that names the members (0 is the control) that are not there.

    Without an expected number those are missing that the numbers skip.
    """
    wanted = range(expected) if expected else range(min(present, default=0), max(present, default=-1) + 1)
    gone = sorted(set(wanted) - set(present))
    if not gone:
        return []
    message = f"{len(gone)} of {len(wanted)} members are missing: {_listed(gone)}"
    return [noted("forecast.members", where, message, "the others are used", missing=gone)]


def issue_time(run: datetime | None, received_at: datetime, available_after_s: float | None) -> datetime:
    """Return when a run could be known: when it came, or earlier by what its source declares of its runs."""
    if run is None or available_after_s is None:
        return received_at
    return min(received_at, datetime.fromtimestamp(run.timestamp() + available_after_s, run.tzinfo))


def _listed(numbers: Sequence[int]) -> str:
    some = ", ".join(f"{number:02d}" for number in numbers[:12])
    return some + (f" and {len(numbers) - 12} more" if len(numbers) > 12 else "")
