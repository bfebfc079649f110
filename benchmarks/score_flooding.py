"""How good flood forecasts are on a record of sensors: chances, nowcast, decisions, and Norfolk's streets.

    python benchmarks/score_flooding.py --events F --sensors F --forecasts F --tides DIR --train-until 2025-07-01 --json
    python benchmarks/score_flooding.py --norfolk DIR --json

Files are laid out as in ../shared/data/flooding: floods (inches, UTC), sensors with the days they were hung and taken
down, rain issues (local wall time with its offset), hourly tides. Everything that is fitted, thresholds too, is fitted
on what was over at --train-until; what is scored comes after it (and before --test-until, if given).
`horizons["6h"]` and `["24h"]` hold the forecast with the readings that are known at the issue, as in production, and
under `without_readings` the same as if no sensor had reported; `rain_alone` and `climatology` beside it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

_REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_REPO))

from benchmarks.flooding_score import decisions, norfolk, nowcast, skill  # noqa: E402
from benchmarks.flooding_score.files import Record, read_record  # noqa: E402

_PARTS = ("skill", "nowcast", "decisions")


def main() -> None:
    given = _arguments()
    report: dict[str, Any] = {"seed": given.seed}
    if given.events:
        record = read_record(given.events, given.sensors, given.forecasts, given.tides)
        report |= score_record(record, given.train_until, given.test_until, given.seed, given.parts)
    if given.norfolk:
        report["norfolk"] = norfolk.score(given.norfolk, given.seed)
    print(json.dumps(_plain(report), indent=2, allow_nan=False) if given.json else as_text(report))


def score_record(
    record: Record, train_until: float, test_until: float = np.inf, seed: int = 0, parts: tuple[str, ...] = _PARTS
) -> dict[str, Any]:
    """Return the report of one record."""
    report: dict[str, Any] = {"sample": _sample(record, train_until, test_until), "took_s": {}}
    if "skill" in parts:
        trial = _timed(report, "fit", lambda: skill.trial_of(record, train_until, test_until, seed))
        report["horizons"] = _timed(report, "skill", lambda: skill.score(trial, seed))
    if "nowcast" in parts:
        by_kind = _timed(report, "nowcast", lambda: nowcast.score(record, train_until, test_until))
        report["nowcast"] = {f"{minute}min": _of_minute(by_kind, str(minute)) for minute in nowcast.MINUTES}
        report["time_to_clear"] = {kind: told.get("time_to_clear") for kind, told in by_kind.items()}
        report["nowcast_by_kind"] = by_kind
    if "decisions" in parts:
        report["decisions"] = _timed(report, "decisions", lambda: decisions.score(record, train_until))
    return report


def _of_minute(by_kind: dict[str, Any], minute: str) -> dict[str, Any]:
    found = {}
    for kind, told in by_kind.items():
        if told.get("instants"):
            errors = {name: values[minute] for name, values in told["mae_cm"].items() if minute in values}
            found[kind] = {"mae_cm": errors, "coverage_p10_p90": told["coverage_p10_p90"][minute]}
    return found


def _timed(report: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    result = work()
    report["took_s"][name] = round(time.perf_counter() - began, 1)
    return result


def _sample(record: Record, train_until: float, test_until: float) -> dict[str, Any]:
    issued, floods = record.rain.issued, record.floods
    return {
        "train_until": _iso(train_until),
        "test_until": _iso(test_until),
        "sensors": len(record.sensors.ids),
        "sensors_with_floods": len({flood.sensor for flood in floods}),
        "sensors_near_a_tide_station": int((record.station >= 0).sum()),
        "floods_train": sum(flood.end <= train_until for flood in floods),
        "floods_test": sum(train_until < flood.start < test_until for flood in floods),
        "issues_train": int((issued < train_until).sum()),
        "issues_test": int(((issued >= train_until) & (issued < test_until)).sum()),
        "first_issue": _iso(float(issued[0])) if len(issued) else None,
        "last_issue": _iso(float(issued[-1])) if len(issued) else None,
    }


def as_text(report: dict[str, Any]) -> str:
    """Return a table of the main figures."""
    lines = []
    for name, told in report.get("horizons", {}).items():
        for method, row in {"forecast": told, **{key: told.get(key) for key in _METHODS}}.items():
            if row and "auc" in row:
                lines.append(
                    f"{name:4} {method:17} AUC {row['auc']}  CSI {row['csi']}  Brier skill {row['brier_skill']}"
                )
    if "norfolk" in report:
        lines.append(f"norfolk {report['norfolk']['any_street_flooded']}")
    return "\n".join(lines)


_METHODS = ("without_readings", "dry_at_issue", "rain_alone", "climatology")


def _plain(value: Any) -> Any:
    """Return it with NaN and infinity as null: JSON has neither."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _iso(when: float) -> str | None:
    return datetime.fromtimestamp(when, UTC).isoformat() if np.isfinite(when) else None


def _day(text: str) -> float:
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=Path, help="floods, CSV or CSV.GZ")
    parser.add_argument("--sensors", type=Path, help="sensors, CSV")
    parser.add_argument("--forecasts", type=Path, help="rain issues, parquet")
    parser.add_argument("--tides", type=Path, help="folder of tide_*.csv")
    parser.add_argument("--train-until", type=_day, help="day (UTC); what is fitted was over then")
    parser.add_argument("--test-until", type=_day, default=np.inf, help="day (UTC) on which the test ends")
    parser.add_argument("--parts", nargs="+", default=_PARTS, choices=_PARTS)
    parser.add_argument("--norfolk", type=Path, help="folder of norfolk_daily*.csv")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.events and not (given.sensors and given.forecasts and given.train_until):
        parser.error("--events needs --sensors, --forecasts and --train-until")
    if not given.events and not given.norfolk:
        parser.error("nothing to score: give --events or --norfolk")
    return given


if __name__ == "__main__":
    main()
