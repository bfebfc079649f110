"""Stops with the advice of our own published feed against none, in SUMO, over paired seeds; and the countdowns' error.

    python benchmarks/signal_gate.py [--scenario cologne8|ingolstadt7|PATH]... [--seeds 5] [--json]

PATH is a SUMO configuration or a folder with one. Without --scenario the two RESCO networks and, where it is there,
../shared/data/networks/bologna_acosta are driven.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

_REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_REPO))

from trafficfeed.pipeline.signal_gate import GateQuestion, GateReport, run_gate  # noqa: E402
from trafficfeed.signals.advice import AdviceRule  # noqa: E402
from trafficfeed.simulation.certificate import plain  # noqa: E402
from trafficfeed.simulation.drive_scenario import read_configuration  # noqa: E402

_BOLOGNA = _REPO.parent / "shared/data/networks/bologna_acosta"
_SHOWN = ("base_stops", "advised_stops", "stops_change", "trip_change", "waiting_change", "teleports_change")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenario", action="append", help="cologne8, ingolstadt7, or a path; may be repeated")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the vehicles that are equipped")
    parser.add_argument("--floor", type=float, default=AdviceRule().floor_mps, help="lowest speed advised, m/s")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    names = given.scenario or ["cologne8", "ingolstadt7", *([str(_BOLOGNA)] if _BOLOGNA.is_dir() else [])]
    reports = []
    for name in names:
        began = time.perf_counter()
        question = GateQuestion(
            scenario=read_configuration(find(name)),
            seeds=range(1, given.seeds + 1),
            rule=AdviceRule(floor_mps=given.floor),
            share=given.share,
        )
        with tempfile.TemporaryDirectory(prefix="signal-gate-") as folder:
            report = run_gate(question, folder=Path(folder), workers=given.workers)
        reports.append(as_document(report, time.perf_counter() - began))
        if not given.json:
            print(as_text(reports[-1]), flush=True)
    if given.json:
        print(json.dumps(reports, indent=2))


def find(name: str) -> Path:
    """Return the configuration of a RESCO network by name, or the path itself."""
    if Path(name).exists():
        return Path(name)
    package = importlib.util.find_spec("sumo_rl")
    folder = Path(next(iter(package.submodule_search_locations or ()))) if package else _REPO
    found = folder / "nets" / "RESCO" / name
    if not found.is_dir():
        sys.exit(f"there is no {name}: give a path, or a RESCO network of the package sumo-rl")
    return found


def as_document(report: GateReport, took_s: float) -> dict[str, Any]:
    return {
        "scenario": report.question.scenario.name,
        "seeds": list(report.question.seeds),
        "verdict": str(report.verdict),
        "reasons": [asdict(reason) for reason in report.reasons],
        "metrics": plain({name: asdict(one) for name, one in report.metrics.items()}, digits=5),
        "countdowns": {kind: asdict(figures) for kind, figures in report.countdowns.items()},
        "conflicting_greens": len(report.conflicts),
        "illegal_transitions": len(report.illegal),
        "published_states": report.states,
        "took_s": round(took_s, 1),
    }


def as_text(document: dict[str, Any]) -> str:
    lines = [f"{document['scenario']}: {document['verdict']} ({len(document['seeds'])} seeds, {document['took_s']} s)"]
    shown = [(name, document["metrics"][name]) for name in _SHOWN if name in document["metrics"]]
    lines += [f"  {name:18} {one['mean']:+.3f} [{one['low']}, {one['high']}]" for name, one in shown]
    lines += [
        f"  {kind:18} published {of['published_share']}, within 1 s {of['within_1s']}, MAE {of['mae_s']} s"
        for kind, of in document["countdowns"].items()
    ]
    lines += [f"  {'ok' if one['passed'] else 'NO'}  {one['gate']}: {one['measured']}" for one in document["reasons"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
