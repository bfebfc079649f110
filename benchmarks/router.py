"""Whether a real router obeys what we publish: Valhalla reads the feed alone, and is asked for routes.

Edges of an OSM extract are closed one at a time: an officer's order, resolved, published, served. A partner with its
own map of the same extract (Valhalla) reads the closed lines from the feed (CIFS), matches them to its edges, closes
these in its live traffic, and routes by car from before the edge to after it. Counted are routes that pass the closure
all the same, routes in the other direction that still use it, and closures matched to exactly the OSM ways meant.

    python benchmarks/router.py [--osm FILE] [--closures 80] [--seed 1] [--json], or python -m benchmarks router

Goals: no route through a closure, the other direction open, 98 % of the closures matched exactly.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def main() -> None:
    arguments = _arguments()
    # a script's own folder comes first in the path: what lies beside it must not be taken for a package of that name
    sys.path[:] = [str(_HERE.parent), *(path for path in sys.path if Path(path or ".").resolve() != _HERE)]
    from benchmarks.router_trial.report import as_result, as_text
    from benchmarks.router_trial.trial import run_trial
    from trafficfeed.errors import TrafficFeedError
    from trafficfeed.pipeline.city_sources import demo_source
    from trafficfeed.running.bars import bars

    begin = time.perf_counter()
    kept = nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory(prefix="router-trial-")
    try:
        osm: Path = arguments.osm or demo_source()
        with kept as folder, bars() as progress:
            trial = run_trial(
                osm,
                Path(folder),
                closures=arguments.closures,
                seed=arguments.seed,
                left_hand=arguments.left_hand,
                timezone=arguments.timezone,
                progress=progress,
            )
    except TrafficFeedError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    result = as_result(trial, osm, seed=arguments.seed, seconds=time.perf_counter() - begin)
    print(json.dumps(result, indent=1, ensure_ascii=False) if arguments.json else as_text(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--osm", type=Path, help="OSM extract, PBF or XML; default: the demo city's")
    parser.add_argument("--closures", type=int, default=80, help="how many edges are closed")
    parser.add_argument("--seed", type=int, default=1, help="of the draw and of the officer's hand")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--left-hand", action="store_true", help="traffic keeps left")
    parser.add_argument("--timezone", default="UTC", help="IANA zone of the orders")
    parser.add_argument("--keep", type=Path, help="folder to keep the network, the releases and the tiles in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
