"""Which faults our rules catch that the official schemas pass: sound documents, made wrong in one way each.

The city's own orders are resolved and published in every format, each document is changed in nine ways, and every
mutant is held against our rules and against the official schema.

    python benchmarks/mutants.py [--city helsinki] [--schemas ../shared/conformance] [--json] [--write docs/rules.md]

Goal: every mutant caught. ``--write`` puts the table between the marks in that file.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_BEGIN, _END = "<!-- mutants -->", "<!-- /mutants -->"


def main() -> int:
    arguments = _arguments()
    # a script's own folder comes first in the path: what lies beside it must not be taken for a package of that name
    sys.path[:] = [str(_HERE.parent), *(path for path in sys.path if Path(path or ".").resolve() != _HERE)]
    from benchmarks.mutant_trial.trial import as_table, outcomes_of
    from trafficfeed.pipeline.order_files import check_files
    from trafficfeed.pipeline.records import events_of
    from trafficfeed.pipeline.variants import feed_info
    from trafficfeed.pipeline.workspace import find_city, ground_of
    from trafficfeed.settings import settings

    city = find_city(arguments.city, settings().cities_dir)
    ground, now = ground_of(city), datetime.now(UTC).replace(microsecond=0)
    files = sorted([*(city.folder / "orders").glob("*.yaml"), *(city.folder / "orders").glob("*.json")])
    reports = check_files(files, city=city.name, settings=settings(), as_of=now)
    made = now - timedelta(days=1)
    common = {"settings": settings(), "ground": ground, "certificate": None, "version": 1}
    events = [
        event
        for report in reports
        if report.assessment
        for event in events_of(report.assessment, **common, created=made, updated=made)
    ]
    feed = replace(feed_info(ground, settings()), contact_email=settings().contact_email or "desk@example.org")
    schemas = arguments.schemas if arguments.schemas.is_dir() else None
    outcomes = outcomes_of(events, graph=ground.graph, feed=feed, published=now, schemas=schemas)
    table = as_table(outcomes)
    print(json.dumps([asdict(o) for o in outcomes], indent=1) if arguments.json else table)
    missed = [outcome for outcome in outcomes if not outcome.caught]
    passed = sum(outcome.schema_passes is True for outcome in outcomes)
    print(f"{len(outcomes) - len(missed)} of {len(outcomes)} caught; the schema alone passes {passed}", file=sys.stderr)
    if arguments.write:
        _write(arguments.write, table)
    return int(bool(missed) or not outcomes)


def _write(path: Path, table: str) -> None:
    before, _, rest = path.read_text("utf-8").partition(_BEGIN)
    path.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--city", default="helsinki", help="a built city with orders")
    parser.add_argument(
        "--schemas", type=Path, default=_HERE.parents[1] / "shared/conformance", help="official schemas"
    )
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    parser.add_argument("--write", type=Path, help="put the table into this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
