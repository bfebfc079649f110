"""The countdown rule's threshold, set anew on a city's own log: past data only, in force within a minute."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.prediction.countdown_rule import CountdownRule, fitted_rule
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.simulation.departures import stable_share
from trafficfeed.store.objects import ObjectStore

WITHIN_1S: Final = 0.985
_MARGIN: Final = 0.002  # above the goal: what is chosen on one week is a little worse on the next
_LEAST_SECONDS: Final = 20_000
_MOST_EVENTS: Final = 40_000  # a sample of junctions is enough for one number
_BINS: Final = 200
_NEAR_S: Final = 1.01
_LEAST_CHANCE: Final = 0.5
_PATH: Final = "signals/countdown_threshold.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """From which probability on a countdown is allowed, and what it came to on the seconds that it was set on."""

    countdown_from: float
    seconds: int
    published_share: float
    within_1s: float
    since: str
    until: str


def fit_threshold(log: EventLog, *, since: datetime, until: datetime) -> Threshold | None:
    """Return the lowest threshold that keeps the promise on the log of [since, until); None where there is too little.

    Each second is judged by what the predictor would have said knowing only what came before it.
    """
    share = min(1.0, _MOST_EVENTS / max(sum(1 for _ in log.replay(since, until)), 1))
    sampled = (one for one in log.replay(since, until) if stable_share(one.key.intersection) < share)
    counts = np.zeros((_BINS + 1, 2))
    for chances, right in _judged(sampled):
        bins = (chances * _BINS).astype(np.intp)
        counts[:, 0] += np.bincount(bins, minlength=_BINS + 1)
        counts[:, 1] += np.bincount(bins, weights=right, minlength=_BINS + 1)
    seconds = int(counts[:, 0].sum())
    if seconds < _LEAST_SECONDS:
        return None
    from_above = counts[::-1].cumsum(axis=0)[::-1]
    kept = from_above[:, 1] / np.maximum(from_above[:, 0], 1.0)
    good = [k for k in range(int(_LEAST_CHANCE * _BINS), _BINS) if kept[k] >= WITHIN_1S + _MARGIN]
    k = good[0] if good else _BINS
    return Threshold(
        countdown_from=k / _BINS,
        seconds=seconds,
        published_share=round(float(from_above[k, 0]) / seconds, 4),
        within_1s=round(float(kept[k]), 4),
        since=since.isoformat(),
        until=until.isoformat(),
    )


def keep_threshold(objects: ObjectStore, threshold: Threshold) -> None:
    """Keep a threshold; live processes look for it once a minute."""
    objects.write(_PATH, json.dumps(asdict(threshold), indent=1).encode())


def rule_in_force(objects: ObjectStore) -> CountdownRule:
    """Return the rule that comes with the package, with the city's own threshold where one was fitted.

    Raises
    ------
    SourceMalformed
        If what is kept cannot be read.
    """
    data = objects.read(_PATH)
    if data is None:
        return fitted_rule()
    try:
        return fitted_rule()._replace(countdown_from=float(json.loads(data)["countdown_from"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(f"{objects.address(_PATH)} holds no threshold: {error!r}; delete it") from error


def _judged(events: Iterable[LampEvent]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield each whole run's seconds: the chance given to the best candidate, and whether that was right."""
    rule = fitted_rule()._replace(countdown_from=0.0)
    groups: dict[GroupKey, GroupPredictor] = {}
    for event in events:
        group = groups.setdefault(event.key, GroupPredictor(rule))
        was, since, said = group.history.aspect, group.history.since, group.outlook
        at = event.observed_at.timestamp()
        if not group.observe(event.aspect, at) or was is None or said is None or not event.aspect.is_timed:
            continue
        seconds = np.arange(0.0, at - since)
        step = np.searchsorted(said.from_s, seconds, side="right") - 1
        asked = (step >= 0) & said.countdown[step]
        right = np.abs(said.likely_s[step] - (at - since)) <= _NEAR_S
        yield np.where(asked, said.probability[step], 0.0), right & asked
