"""What drivers gain by the flood feed: a made storm through the whole pipeline, then driven in SUMO by its true water.

    python -m benchmarks.flood_drive [--city helsinki bologna_acosta] [--seeds 5] [--following 0.25 0.5 1] [--json]

The storm's water follows another physics than the forecast, the forecast is fitted on 24 storms made before it and sees
only what was told by its instant, and SUMO is driven by the truth. Drivers who follow the feed (25, 50, 100 %) are held
against nobody following, the same seed by seed, vehicle by vehicle. Helsinki: the demo city's six sites by Market
Square, on synthetic ground. Bologna (../shared/data/networks/bologna_acosta, an hour of real demand): four places drawn
by a stated seed among the streets that carry 100 to 500 vehicles, as nothing is known of its ground; both directions of
a street flood. Goal: at least 30 % fewer vehicles into 30 cm of water at 50 % following; the mean trip of all no longer
at 100 %.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from lxml import etree

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its names are not modules' names

from trafficfeed.flooding.decisions import Level
from trafficfeed.flooding.made_storm import StormShape, made_storm
from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.pipeline.flood_access import access_over_time
from trafficfeed.pipeline.flood_fitting import fitted_on_made_past
from trafficfeed.pipeline.flood_forecasting import keep_parameters
from trafficfeed.pipeline.flood_gate import closings_of, flood_question
from trafficfeed.pipeline.flood_places import sites_of
from trafficfeed.pipeline.flood_replay import replay
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.running.bars import bars
from trafficfeed.settings import REPOSITORY, Settings
from trafficfeed.simulation.drive_scenario import city_drive
from trafficfeed.simulation.flood_trial import run_trial
from trafficfeed.store.database import open_database
from trafficfeed.store.objects import ObjectStore

SHARED: Final = Path(os.environ.get("TRAFFICFEED_SHARED", REPOSITORY.parent / "shared"))
CITIES: Final = ("helsinki", "bologna_acosta")
BEGINS: Final = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
PLACES_SEED: Final = 1
_LAG: Final = timedelta(seconds=5)  # from the decision to the served feed: see benchmarks/flood_reading.py
_PLACES: Final = 4
_FLOW: Final = (100, 500)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--city", nargs="+", choices=CITIES, default=list(CITIES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--following", type=float, nargs="+", default=[0.25, 0.5, 1.0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    found = []
    for name in given.city:
        with tempfile.TemporaryDirectory(prefix=f"flood-{name}-") as folder:
            found.append(measure(name, Path(folder), range(1, given.seeds + 1), given.following, given.workers))
    print(json.dumps(found, indent=1) if given.json else "\n".join(map(as_text, found)))
    return 0


def measure(name: str, folder: Path, seeds: Sequence[int], following: Sequence[float], workers: int) -> dict[str, Any]:
    """Replay the storm in a city, drive it, and return the figures."""
    settings = installation(name, folder)
    city = find_city(settings.city, settings.cities_dir)
    ground = ground_of(city)
    sites = sites_of(city, graph=ground.graph)
    storm = made_storm(sites, BEGINS, StormShape())
    keep_parameters(ObjectStore(settings.objects_url), city.name, fitted_on_made_past(sites, storm))
    with bars() as progress:
        played = replay(storm, settings, open_database(settings.database_url), progress=progress)
        closings = closings_of(played.closed, storm.ends, lag=_LAG)
        scenario = city_drive(city, folder=folder / "prepared")
        question = flood_question(scenario, storm, sites, closings, seeds=tuple(seeds), following=tuple(following))
        report = run_trial(question, folder=folder / "runs", workers=workers, progress=progress)
    instants = np.linspace(storm.begins.timestamp(), storm.ends.timestamp(), 55)
    access = access_over_time(ground, [(at, _depths(sites, storm.truth, at)) for at in instants.tolist()])
    card = played.scorecard
    return {
        "city": name,
        "synthetic": True,
        "seeds": list(seeds),
        "sites": len(sites),
        "flooded_edges": len(question.water),
        "closures": {"real": sum(s.real for s in card.sites), "published": sum(s.closures for s in card.sites)},
        "clears_above_15cm": card.clears_above,
        "median_warning_min": round(card.median_warning_s / 60, 1),
        "decisions": dict(Counter(str(one.level) for one in played.decisions if one.level is not Level.CLEAR)),
        "verdict": str(report.verdict),
        "following": {
            f"{share:.0%}": {
                metric: [round(value, 4) for value in (one.mean, one.low, one.high)] for metric, one in metrics.items()
            }
            for share, metrics in report.metrics.items()
        },
        "services": {
            str(kind): {"all": access[0].all[kind], "fewest_reachable": min(one.reachable[kind] for one in access)}
            for kind in access[0].all
        },
    }


def installation(name: str, folder: Path) -> Settings:
    """Return the settings of an installation of its own, of the demo city or of one built of the shared network."""
    if name == "helsinki":
        return Settings(state_dir=folder / "state", city=name, airflow_port=9)
    source = SHARED / "data" / "networks" / name
    options = BuildOptions(title="Bologna", timezone="Europe/Rome", sumocfg=source / "run.sumocfg", fit=False)
    cities = folder / "cities"
    cities.mkdir()
    build_city(name, cities_dir=cities, options=options)
    city = find_city(name, cities)
    write_sites(drawn_sites(ground_of(city).graph, city.route_paths), city.sites_path)
    return Settings(state_dir=folder / "state", cities_dir=cities, city=name, airflow_port=9)


def drawn_sites(graph: RoadGraph, route_paths: Sequence[Path]) -> list[Site]:
    """Draw places among the streets of `_FLOW` vehicles in the demand.

    Not the arteries: a queue that creeps through the water passes 560 vehicles an hour and lane, so where more want to
    it is the water's capacity that says how many enter, and not how many know of it.
    """
    flow: Counter[str] = Counter()
    for path in route_paths:
        for _, route in etree.iterparse(path, tag="route"):
            flow.update(set(str(route.get("edges", "")).split()) & set(graph.index))
            route.clear()
    cars = [edge for edge in flow if graph.access[graph.index[edge]] & VehicleClass.PASSENGER.bit]
    drawn = sorted(edge for edge in cars if _FLOW[0] <= flow[edge] <= _FLOW[1])
    chosen = np.random.default_rng(PLACES_SEED).choice(len(drawn), size=_PLACES, replace=False)
    return [_site(graph, drawn[int(n)], number) for number, n in enumerate(sorted(chosen), 1)]


def _site(graph: RoadGraph, edge: str, number: int) -> Site:
    row = graph.index[edge]
    point = graph.geometry[row].interpolate(0.5, normalized=True)
    back = np.flatnonzero((graph.from_node == graph.to_node[row]) & (graph.to_node == graph.from_node[row]))
    edges = [edge, *(graph.edge_ids[int(other)] for other in back)]
    return Site(
        id=f"place-{number}",
        name=f"Place {number}",
        lon=float(point.x),
        lat=float(point.y),
        source=SiteSource.LIST,
        catchment_m2=9_000.0 + 3_000.0 * number,
        drain_m3ps=0.05,
        roads=[SiteRoad(edge=one) for one in edges],
        sensors=(f"gauge-{number}",),
    )


def _depths(sites: Sequence[Site], truth: Any, at: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for site in sites:
        depth = float(np.interp(at, truth[site.id].times, truth[site.id].depth_m))
        for road in site.roads:
            found[road.edge] = max(found.get(road.edge, 0.0), depth - road.sill_m)
    return found


def as_text(found: dict[str, Any]) -> str:
    """Say the figures on a few lines."""
    closures = found["closures"]
    head = (
        f"{found['city']}: {found['sites']} sites, {found['flooded_edges']} flooded edges, verdict {found['verdict']}"
    )
    lines = [head, f"  {closures['published']} closures for {closures['real']} real ones"]
    for share, metrics in found["following"].items():
        into = metrics.get("entered_deep_share")
        told = "nobody" if into is None else _percent(into)
        lines.append(
            f"  {share} following: into 30 cm {told}; mean trip of all {_percent(metrics['trip_share'])}; "
            f"needless {metrics['needless_h'][0]:.2f} vehicle-hours; unfinished {metrics['unfinished'][0]:+.1f}"
        )
    return "\n".join(lines)


def _percent(figures: Sequence[float]) -> str:
    mean, low, high = figures
    return f"{mean:+.1%} [{low:+.1%}, {high:+.1%}]"


if __name__ == "__main__":
    sys.exit(main())
