"""Whether a road may be opened again: what speaks against it, or nothing."""

from collections.abc import Iterable
from itertools import pairwise

from trafficfeed.flooding.decisions import DecisionRule
from trafficfeed.flooding.evidence import Evidence, Seen
from trafficfeed.flooding.expectation import Expectation

FRESH_SHARE = 1 / 3
"""Of `clears_after_s`: a reading older than this does not say that the road is free now."""

_RISES_M = 0.02  # more than a gauge that strays by 1 cm shows in still water
_DRY_M = 0.02
_SAME_M = 0.0001
_SEVERAL = 5
_SLACK_S = 30.0


def objection(limit_m: float, evidence: Evidence, expectation: Expectation, rule: DecisionRule) -> str:
    """Return why the road may not be taken as below `limit_m` for good; "" where nothing speaks against it.

    Silence always does: somebody who is heard now must have found it below the limit for `clears_after_s`, whoever
    found water last must have been heard since, and no reading in doubt may say otherwise. Where nothing is forecast,
    it must have been below for twice as long.
    """
    return (
        _silence(evidence, rule)
        or _unrefuted(evidence, rule)
        or _doubt(limit_m, evidence, rule)
        or _too_short(limit_m, evidence, expectation, rule)
        or _moves_wrongly(evidence, rule)
        or _reflood(expectation, rule)
    )


def _silence(evidence: Evidence, rule: DecisionRule) -> str:
    if evidence.latest(rule.clears_after_s * FRESH_SHARE):
        return ""
    return f"no good reading in the last {rule.clears_after_s * FRESH_SHARE / 60:.0f} min"


def _unrefuted(evidence: Evidence, rule: DecisionRule) -> str:
    """Name a witness who found water last and has not been heard since; another one's dry reading is elsewhere."""
    heard = evidence.latest(rule.clears_after_s * FRESH_SHARE)
    for witness, last in evidence.newest().items():
        if witness in heard or last.depth_m < rule.clears_m:
            continue
        if not (_seen_too(last, evidence, rule) if last.by_police else _police_later(last, evidence)):
            return f"{witness} last found {_cm(last.depth_m)} at {last.at:%H:%M} and has not been heard since"
    return ""


def _seen_too(report: Seen, evidence: Evidence, rule: DecisionRule) -> bool:
    """Tell whether a sensor saw the water that an officer reported: then it will also see it gone."""
    return any(
        not one.by_police
        and one.depth_m >= rule.clears_m
        and abs((one.at - report.at).total_seconds()) <= rule.silence_s
        for one in evidence.seen
    )


def _police_later(reading: Seen, evidence: Evidence) -> bool:
    return any(one.by_police and one.at > reading.at for one in evidence.seen)


def _doubt(limit_m: float, evidence: Evidence, rule: DecisionRule) -> str:
    for one in reversed(evidence.doubtful):
        age_s = (evidence.as_of - one.at).total_seconds()
        newer = all(good.at < one.at for good in evidence.seen if good.witness == one.witness)
        if one.depth_m >= limit_m and newer and age_s <= rule.clears_after_s:
            return f"{_cm(one.depth_m)} at {one.at:%H:%M} is not yet confirmed or refuted"
    return ""


def _too_short(limit_m: float, evidence: Evidence, expectation: Expectation, rule: DecisionRule) -> str:
    needed_s = rule.clears_after_s * (1 if expectation.reflood is not None else 2)
    deep = [one for one in evidence.since(needed_s) if one.depth_m >= limit_m]
    if deep:
        return f"{_cm(deep[-1].depth_m)} at {deep[-1].at:%H:%M}, not yet {needed_s / 60:.0f} min ago"
    fresh = evidence.latest(rule.clears_after_s * FRESH_SHARE)
    if max(_below_s(limit_m, (one for one in evidence.seen if one.witness == who), rule) for who in fresh) < needed_s:
        return f"not yet below {_cm(limit_m)} for {needed_s / 60:.0f} min of readings"
    return ""


def _moves_wrongly(evidence: Evidence, rule: DecisionRule) -> str:
    """Name a witness whose water rises again, or does not move at all, as water that drains away would.

    The highest of the last minutes counts: one low reading does not make rising water fall.
    """
    window = evidence.since(rule.clears_after_s)
    still = evidence.since(rule.clears_after_s * FRESH_SHARE + _SLACK_S)
    for witness, last in evidence.latest(rule.clears_after_s * FRESH_SHARE).items():
        lowest = min(one.depth_m for one in window if one.witness == witness)
        earlier = [one.depth_m for one in window if one.witness == witness and one not in still]
        now_m = max(one.depth_m for one in still if one.witness == witness)
        if now_m > min(earlier, default=lowest) + _RISES_M or last.depth_m > lowest + _RISES_M:
            return f"{witness} has risen from {_cm(lowest)} to {_cm(now_m)} again"
        same = [abs(one.depth_m - last.depth_m) <= _SAME_M for one in still if one.witness == witness]
        if len(same) >= _SEVERAL and all(same) and last.depth_m > _DRY_M:
            return f"{witness} reads {_cm(last.depth_m)} and does not move, as draining water would"
    return ""


def _below_s(limit_m: float, seen: Iterable[Seen], rule: DecisionRule) -> float:
    """Return for how long the last unbroken run of readings has been below the limit, s."""
    newest_first = list(seen)[::-1]
    if not newest_first or not newest_first[0].depth_m < limit_m:
        return 0.0
    begin = newest_first[0].at
    for later, earlier in pairwise(newest_first):
        if not earlier.depth_m < limit_m or (later.at - earlier.at).total_seconds() > rule.silence_s:
            break
        begin = earlier.at
    return (newest_first[0].at - begin).total_seconds()


def _reflood(expectation: Expectation, rule: DecisionRule) -> str:
    if expectation.reflood is None or expectation.reflood <= rule.reflood_chance:
        return ""
    return (
        f"{expectation.reflood:.0%} chance of {_cm(rule.clears_m)} within {rule.reflood_s / 60:.0f} min, "
        f"more than {rule.reflood_chance:.0%}"
    )


def _cm(depth_m: float) -> str:
    return f"{depth_m * 100:.0f} cm"
