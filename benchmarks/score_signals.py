"""How good the countdowns are: the production predictor against signals' own record, second by second.

    python benchmarks/score_signals.py FILE.parquet --json [--workers 2] [--slices N]
    python benchmarks/score_signals.py --hires FILE.parquet --json

FILE has a row for each slice of one signal group: `thing`, `start` and `end` of its cycles (epoch seconds), `states`
with a byte a second. Every slice is replayed alone and in order: at each second the predictor has seen that slice up
to that second and nothing else. A second can be scored if the group shows a timed aspect, that ends within the slice,
and has shown it eight times before in the slice: what the analogues of the yardstick need. With this the yardsticks
come out as they are known (median of the last five 65 % from the fifth run on, analogues 51 % at 98.0 % by duration).
`after_eight_cycles` takes the runs that began after eight whole cycles instead, `all_seconds` all, cold start included.

The shipped rule was fitted on some of the things of the Hamburg file, whose names it keeps. No headline figure has a
second of theirs: they are under `fitted_on`. On a file of other signals all count.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_REPO))

from benchmarks.signal_trial.replay import Slice, play  # noqa: E402
from benchmarks.signal_trial.sums import SCOPES, Sums, nothing, shares, sums_of, yardstick_shares  # noqa: E402
from benchmarks.signal_trial.yardsticks import Yardsticks  # noqa: E402
from trafficfeed.signals.prediction.countdown_rule import fitted_rule  # noqa: E402
from trafficfeed.signals.prediction.group import GroupPredictor  # noqa: E402

_HAMBURG = _REPO.parent / "shared/data/signals/hamburg_signal_cycles.parquet"
_ROWS_AT_ONCE = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, nargs="?", default=_HAMBURG)
    parser.add_argument("--hires", type=Path, help="a log of controller events instead")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--slices", type=int, help="the first N alone")
    given = parser.parse_args()
    if given.hires:
        from benchmarks.score_hires import score_hires  # another kind of record, with needs of its own

        report = score_hires(given.hires)
    else:
        report = score_file(given.file, given.workers, given.slices)
    print(json.dumps(report, indent=2) if given.json else as_text(report))


def score_file(path: Path, workers: int = 2, slices: int | None = None) -> dict[str, Any]:
    """Replay every slice of a file and return the report."""
    began = time.perf_counter()
    by_thing: dict[str, Sums] = defaultdict(nothing)
    n_rows = 0
    with ProcessPoolExecutor(workers) as pool:
        for scored in pool.map(score_rows, _batches(path, slices)):
            for thing, sums in scored:
                by_thing[thing] += sums
                n_rows += 1
    fitted_on = fitted_rule().fitted_on & by_thing.keys()
    unseen = [sums for thing, sums in by_thing.items() if thing not in fitted_on]
    report = {
        "file": path.name,
        "slices": n_rows,
        "things": len(by_thing),
        "things_scored": len(unseen),
        "things_fitted_on": len(fitted_on),
        "took_s": round(time.perf_counter() - began, 1),
        **_section(unseen),
    }
    if fitted_on:
        report["fitted_on"] = _section([by_thing[thing] for thing in sorted(fitted_on)])
    return report


def score_rows(rows: Sequence[dict[str, Any]]) -> list[tuple[str, Sums]]:
    """Replay some rows of the file; one entry a row."""
    scored = []
    for row in rows:
        total = nothing()
        for record in Slice.of_row(row):
            yardsticks = Yardsticks(record.starts)
            for run in play(record, GroupPredictor()):
                total += sums_of(run, yardsticks.say(run))
        scored.append((row["thing"], total))
    return scored


def as_text(report: dict[str, Any]) -> str:
    """Say the headline on a few lines."""
    lines = [f"{report.get('file')}: {report.get('things_scored')} things in {report.get('took_s')} s"]
    for name in ("after eight runs", "after eight cycles", "all seconds"):
        figures = report.get(name.replace(" ", "_"), report)
        if figures.get("published_share") is not None:
            lines.append(
                f"{name}: {figures['published_share']:.1%} published, {figures['within_1s'] or 0:.2%} within 1 s, "
                f"P10-P90 holds {figures['coverage_p10_p90']:.1%}"
            )
    return "\n".join(lines if len(lines) > 1 else [json.dumps(report, indent=2)])


def _section(sums: Sequence[Sums]) -> dict[str, Any]:
    total = sum(sums, nothing())
    headline, *others = ({**shares(of), "yardsticks": yardstick_shares(of)} for of in total)
    return {**headline, **dict(zip(SCOPES[1:], others, strict=True))}


def _batches(path: Path, slices: int | None) -> Iterator[list[dict[str, Any]]]:
    left = slices
    for batch in pq.ParquetFile(path).iter_batches(_ROWS_AT_ONCE):
        rows = batch.to_pylist()[:left]
        if left is not None:
            left -= len(rows)
        if rows:
            yield rows


if __name__ == "__main__":
    main()
