"""The signal scorecard as JSON: shares to four decimals, null where nothing was scored, sorted by group."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from trafficfeed.formats.feed_info import utc_text
from trafficfeed.formats.json_documents import as_json
from trafficfeed.signals.accuracy.demotion import DemotionChange, DemotionRule
from trafficfeed.signals.accuracy.scorecard import GroupScore, Scorecard
from trafficfeed.signals.accuracy.tally import Tally, merged

FILE_NAME: Final = "scorecard.json"
FORMAT: Final = "trafficfeed-signal-scorecard/1"
MEDIA_TYPE: Final = "application/json"


def encode(card: Scorecard) -> bytes:
    """Return the scorecard; the same card gives the same bytes."""
    total = merged(group.total for group in card.groups)
    head: dict[str, Any] = {
        "format": FORMAT,
        "city": card.city,
        "timezone": card.timezone,
        "as_of": utc_text(card.as_of),
        "days": [day.isoformat() for day in card.days],
    }
    if card.simulated:
        head["simulated"] = True
    return (
        as_json(
            head
            | {
                "rule": rule_text(card.rule),
                "overall": {**_scores(total), "by_day": _by_day(card.by_day)},
                "groups": [_group(group) for group in card.groups],
                "changes": [_change(change) for change in card.changes],
            }
        )
        + b"\n"
    )


def rule_text(rule: DemotionRule) -> dict[str, Any]:
    """Return the rule by which countdowns are taken away and given back, in words and figures."""
    windows = ", ".join(map(str, rule.windows))
    return {
        "demoted": (
            f"of the latest {windows} countdowns (at least {rule.least}) so many seconds were off by more than 1 s "
            f"that a signal with {rule.target:.1%} right would do as badly with a chance below {rule.doubt:g}"
        ),
        "promoted": (
            f"the latest {rule.promotion_window} countdowns scored unseen since (at least {rule.least}) show with "
            f"{rule.confidence:.0%} confidence that more than {rule.floor:.0%} of seconds are right"
        ),
        "target_within_1s": rule.target,
        "floor_within_1s": rule.floor,
    }


def _group(group: GroupScore) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": f"{group.key.intersection}/{group.key.group}",
        "intersection": group.key.intersection,
        "group": group.key.group,
        "countdown_allowed": group.demoted is None,
    }
    if group.demoted is not None:
        value |= {"demoted_at": utc_text(group.demoted.at), "reason": group.demoted.reason}
    return {**value, **_scores(group.total), "by_day": _by_day(group.by_day)}


def _scores(tally: Tally) -> dict[str, Any]:
    return {
        **_figures(tally),
        "by_horizon": {name: asdict(figures) for name, figures in tally.by_horizon().items()},
    }


def _figures(tally: Tally) -> dict[str, Any]:
    return {"runs": tally.runs, "runs_lost": tally.lost, **asdict(tally.figures())}


def _by_day(by_day: Mapping[date, Tally] | Iterable[tuple[date, Tally]]) -> dict[str, Any]:
    return {day.isoformat(): _figures(tally) for day, tally in sorted(dict(by_day).items())}


def _change(change: DemotionChange) -> dict[str, Any]:
    return {
        "id": f"{change.key.intersection}/{change.key.group}",
        "at": utc_text(change.at),
        "change": "demoted" if change.demoted else "promoted",
        "countdowns": change.countdowns,
        "within_1s": round(change.within_1s, 4),
    }
