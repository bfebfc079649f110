"""A trial's result: as JSON-able values with all that is needed to get them again, and as text for a person."""

import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from benchmarks.router_trial.outcome import EXACT_GOAL, totals
from benchmarks.router_trial.trial import Trial
from trafficfeed.network.sumo_binary import sumo_version

_RULES = (
    "a route counts as passing the closure where it follows any of the edges meant from one OSM node to the next",
    "exact: the set of (OSM way, direction) of the router's edges that a published line covers by more than half, "
    "as the router names them, is the set that those of the order's edges have in our import that cars may use",
    "edges are drawn from all that cars may use, by stratum; none is left out for being unknown to the router, short, "
    "unnamed or ambiguous: those count as mismatches",
    "edges that nobody can get past in our graph are put back, unless too few others are left (see `drawn`)",
    "a trip is tested where the router takes it along the edge while all is open",
    "nodes that ways refer to and the extract lacks are taken out before the tiles are built, as the router would "
    "otherwise drop the road; nothing else of its roads is changed",
)


def as_result(trial: Trial, osm: Path, *, seed: int, seconds: float) -> dict[str, Any]:
    """Return the figures, and all that is needed to get them again, as JSON-able values."""
    found = totals(trial.outcomes)
    draw = trial.draw
    return {
        **{key: value for key, value in found.items() if key != "mismatches"},
        "goals": {
            "routes_through_closure": 0,
            "exact_match_share": EXACT_GOAL,
            "reverse_kept_share": 1.0,
            "reached": reached(found),
        },
        "seed": seed,
        "osm": {
            "file": str(osm),
            "sha256": hashlib.sha256(osm.read_bytes()).hexdigest(),
            "ways": trial.extract.ways,
            "ways_cut_by_the_rim": trial.extract.cut_ways,
            "edges": trial.edges,
        },
        "standard": trial.standard,
        "drawn": {
            "drivable_edges": draw.drivable,
            "put_back_as_nobody_gets_past": draw.no_way_round,
            "of_those_taken_after_all": draw.filled,
        },
        "places_tried": _places(trial),
        "rules": list(_RULES),
        "versions": {
            "pyvalhalla": importlib.metadata.version("pyvalhalla-weekly"),
            "sumo": sumo_version(),
            "trafficfeed": importlib.metadata.version("trafficfeed"),
            "python": platform.python_version(),
        },
        "seconds": {**trial.seconds, "all": round(seconds, 3)},
        "mismatches": found["mismatches"],
    }


def reached(found: dict[str, Any]) -> bool:
    """Tell whether the goals are reached."""
    return (
        found["routes_through_closure"] == 0
        and (found["exact_match_share"] or 0.0) >= EXACT_GOAL
        and found["reverse_kept_share"] in {None, 1.0}
    )


def as_text(result: dict[str, Any]) -> str:
    """Return the result for a person."""
    osm, drawn = result["osm"], result["drawn"]
    lines = [
        f"{osm['file']}: {osm['edges']} edges, {drawn['drivable_edges']} for cars; seed {result['seed']}, "
        f"feed {result['standard']}",
        f"closures                      {result['closures']}",
        f"routes through a closure      {result['routes_through_closure']} of {result['routes_tested']} "
        f"({result['routes_without_another_way']} had no other way left), of {result['closures_with_routes']} closures",
        f"matched exactly               {_percent(result['exact_match_share'])}",
        f"other direction still used    {_percent(result['reverse_kept_share'])} of {result['reverse_routes_tested']}",
        f"length closed as meant        {_percent(result['length_closed_share'])}, "
        f"besides {_percent(result['length_besides_share'])}",
    ]
    lines += [f"  {count:3} not exact: {cause}" for cause, count in result["causes"].items()]
    lines += [
        f"      {one['at'][1]:.5f},{one['at'][0]:.5f} {one['kind']}, {one['length_m']} m: "
        f"missing {_ways(one['missing'])}, besides {_ways(one['besides'])}"
        for one in result["mismatches"]
    ]
    seconds = ", ".join(f"{stage} {took:.1f}" for stage, took in result["seconds"].items())
    return "\n".join([*lines, f"seconds: {seconds}", f"goals {'reached' if result['goals']['reached'] else 'MISSED'}"])


def _places(trial: Trial) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (kind, outcome), count in sorted(trial.places.items()):
        found.setdefault(kind, {})[outcome] = count
    return found


def _percent(share: float | None) -> str:
    return "none tested" if share is None else f"{100 * share:.1f} %"


def _ways(runs: list[dict[str, Any]]) -> str:
    return ", ".join(f"{run['way']}{'' if run['forward'] else ' backward'}" for run in runs) or "nothing"
