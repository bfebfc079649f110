"""Whether an end may be counted down to: the chance that it is right to a second, by a model fitted on past data."""

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.prediction.analogue_sets import SETS
from trafficfeed.signals.prediction.evidence import OF_ALL, OF_SET, Evidence
from trafficfeed.signals.prediction.setting import OF_RUN
from trafficfeed.signals.prediction.trees import Trees

FITTED: Final = Path(__file__).with_name("countdown_rule.npz")
COLUMNS: Final = (
    "elapsed_s",
    "to_end_s",
    *(f"{name}_{column}" for name in SETS for column in OF_SET),
    *OF_ALL,
    *OF_RUN,
)
"""What the model reads, in order."""
_LONGEST_S: Final = 300.0


class Choice(NamedTuple):
    """The best candidate of each instant, shape (n,); probability 0 and end NaN where there is none."""

    end_s: NDArray[np.float64]
    probability: NDArray[np.float64]
    allowed: NDArray[np.bool_]


class CountdownRule(NamedTuple):
    """A countdown is allowed from a probability of `countdown_from` on, and with `least_cases` past runs at least."""

    trees: Trees
    countdown_from: float
    least_cases: int = 5
    fitted_on: frozenset[str] = frozenset()  # names of the things that it was fitted on

    def choose(self, evidence: Evidence, setting: NDArray[np.float64]) -> Choice:
        """Choose the end that is most likely right to a second, at each instant."""
        n = len(evidence.at_s)
        end, probability = np.full(n, np.nan), np.zeros(n)
        if len(evidence.instant):
            chances = self.trees.probability(rule_table(evidence, setting))
            order = np.lexsort((chances, evidence.instant))
            last = order[np.append(np.diff(evidence.instant[order]) > 0, True)]
            end[evidence.instant[last]] = evidence.candidate_s[last]
            probability[evidence.instant[last]] = chances[last]
        enough = setting[OF_RUN.index("past_runs")] >= self.least_cases
        return Choice(end, probability, (probability >= self.countdown_from) & enough)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        SourceMalformed
            If it was fitted on other columns.
        """
        with np.load(path, allow_pickle=False) as parts:
            if "columns" not in parts or tuple(parts["columns"].tolist()) != COLUMNS:
                raise SourceMalformed(
                    f"{path} was fitted on other columns than this version reads; fit it anew with "
                    "python -m benchmarks.signal_trial.fit"
                )
            trees = Trees.of(parts)
            return cls(
                trees, float(parts["countdown_from"]), int(parts["least_cases"]), frozenset(parts["fitted_on"].tolist())
            )

    def save(self, path: Path) -> None:
        """Write it as arrays."""
        np.savez_compressed(
            path,
            **self.trees._asdict(),
            countdown_from=self.countdown_from,
            least_cases=self.least_cases,
            columns=np.array(COLUMNS, dtype=str),
            fitted_on=np.array(sorted(self.fitted_on), dtype=str),
        )


@cache
def fitted_rule() -> CountdownRule:
    """Return the rule that comes with the package; how it was fitted is in docs/signals.md."""
    return CountdownRule.read(FITTED)


def rule_table(evidence: Evidence, setting: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `COLUMNS` for each candidate; shape (rows, 92)."""
    elapsed = evidence.at_s[evidence.instant]
    return np.column_stack(
        [
            elapsed.clip(max=_LONGEST_S),
            (evidence.candidate_s - elapsed).clip(max=_LONGEST_S),
            evidence.table,
            np.broadcast_to(setting, (len(elapsed), len(setting))),
        ]
    )
