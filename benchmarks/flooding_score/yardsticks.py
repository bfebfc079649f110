"""What forecasts are held against: rain alone and climatology, each with its threshold fixed on the training slice."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.flooding_score.metrics import Scored, auc
from trafficfeed.flooding.forecasting.calibration import best_threshold, fit_isotonic
from trafficfeed.flooding.forecasting.past_issues import IssueLog

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of site and issue ``(n,)``, and whether the site flooded within the horizon."""

    site: Ints
    issue: Ints
    flooded: Bools


def rain_alone(log: IssueLog, hours: int, train: Pairs, test: Pairs) -> tuple[Scored, str]:
    """Return rain's own forecast: the same for all sites. Of four measures the one with the best AUC in training."""
    best, name = None, ""
    for measure, values in _measures(log, hours).items():
        skill = auc(values[train.issue], train.flooded) or 0.0
        if best is None or skill > best[0]:
            best, name = (skill, values), measure
    assert best is not None
    return _scored(best[1][train.issue], best[1][test.issue], train), name


def climatology(rate: Floats, train: Pairs, test: Pairs) -> Scored:
    """Return how often each site floods, told from the training slice; `rate` ``(n_sites,)`` chance in the horizon."""
    threshold = best_threshold(rate[train.site], train.flooded)[0] if train.flooded.any() else None
    return Scored(score=rate[test.site], threshold=threshold, chance=rate[test.site])


def _scored(of_train: Floats, of_test: Floats, train: Pairs) -> Scored:
    if not train.flooded.any():
        return Scored(score=of_test, threshold=None)
    rising = fit_isotonic(of_train, train.flooded)
    return Scored(score=of_test, threshold=best_threshold(of_train, train.flooded)[0], chance=rising.apply(of_test))


def _measures(log: IssueLog, hours: int) -> dict[str, Floats]:
    rain = np.nan_to_num(log.rain_mm[:, :hours])
    return {
        "sum of the newest issue": rain.sum(axis=1),
        "wettest hour of the newest issue": rain.max(axis=1),
        "sum, averaged over six issues": np.nan_to_num(log.blended[:, :hours]).sum(axis=1),
        "sum and the last 3 h": rain.sum(axis=1) + log.fallen[:, -3:].sum(axis=1),
    }
