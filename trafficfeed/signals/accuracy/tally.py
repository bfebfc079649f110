"""Seconds counted by horizon: how many were scored, counted down, right, in the interval; whole numbers that add."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

HORIZONS_S: Final = (5, 10, 20, 40)
"""Upper ends, inclusive, of the time that was left in truth; beyond the last is one more."""
HORIZON_NAMES: Final = ("0-5 s", "5-10 s", "10-20 s", "20-40 s", "over 40 s")
COUNTED: Final = (
    "seconds",
    "published",
    "within_1s",
    "within_2s",
    "error_ms",
    "with_interval",
    "covered_ms",
    "shadow",
    "shadow_within_1s",
)
"""Per horizon. `covered_ms`: how much of the seconds with an interval P10 to P90 held. `shadow`: seconds that would
have been counted down, had the group not been demoted."""
_WIDTH: Final = len(COUNTED)
_CELLS: Final = len(HORIZON_NAMES) * _WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is published of a number of scored seconds; shares are 0..1, None where there is nothing to divide by.

    `published_share` is of all scored seconds; `within_1s`, `within_2s` and `mae_s` are of the seconds counted down;
    `coverage_p10_p90` of those with an interval; `shadow_within_1s` of those kept back while demoted.
    """

    seconds: int
    published_share: float | None
    within_1s: float | None
    within_2s: float | None
    mae_s: float | None
    coverage_p10_p90: float | None
    interval_share: float | None
    shadow_share: float | None
    shadow_within_1s: float | None


class Tally:
    """Counts of one group and day, or of anything: they add in any order to the same. Memory is constant."""

    __slots__ = ("counts", "lost", "runs")

    def __init__(self, counts: Iterable[int] = (), runs: int = 0, lost: int = 0) -> None:
        """Take counts horizon by horizon in the order of `COUNTED`, runs scored, and runs whose end is not known."""
        self.counts = list(counts) or [0] * _CELLS
        if len(self.counts) != _CELLS:
            raise ValueError(f"a tally has {_CELLS} counts, got {len(self.counts)}")
        self.runs = runs
        self.lost = lost

    def add(self, horizon: int, values: Sequence[int]) -> None:
        """Add counts in the order of `COUNTED` to one horizon."""
        begin = horizon * _WIDTH
        for k, value in enumerate(values, begin):
            self.counts[k] += value

    def merge(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.runs += other.runs
        self.lost += other.lost

    def at(self, horizon: int) -> Sequence[int]:
        """Return the counts of one horizon."""
        return self.counts[horizon * _WIDTH : (horizon + 1) * _WIDTH]

    def total(self) -> Sequence[int]:
        """Return the counts of all horizons together."""
        return [sum(self.counts[k::_WIDTH]) for k in range(_WIDTH)]

    def figures(self) -> Figures:
        """Return the figures of all horizons together."""
        return figures_of(self.total())

    def by_horizon(self) -> dict[str, Figures]:
        """Return the figures of each horizon, by its name."""
        return {name: figures_of(self.at(k)) for k, name in enumerate(HORIZON_NAMES)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        return (self.counts, self.runs, self.lost) == (other.counts, other.runs, other.lost)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Tally({self.figures()}, runs={self.runs}, lost={self.lost})"


def merged(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    total = Tally()
    for one in tallies:
        total.merge(one)
    return total


def figures_of(counts: Sequence[int]) -> Figures:
    """Return the figures of counts in the order of `COUNTED`."""
    of = dict(zip(COUNTED, counts, strict=True))
    return Figures(
        seconds=of["seconds"],
        published_share=_share(of["published"], of["seconds"]),
        within_1s=_share(of["within_1s"], of["published"]),
        within_2s=_share(of["within_2s"], of["published"]),
        mae_s=_share(of["error_ms"], 1000 * of["published"]),
        coverage_p10_p90=_share(of["covered_ms"], 1000 * of["with_interval"]),
        interval_share=_share(of["with_interval"], of["seconds"]),
        shadow_share=_share(of["shadow"], of["seconds"]),
        shadow_within_1s=_share(of["shadow_within_1s"], of["shadow"]),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
