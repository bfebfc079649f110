"""How long one new water level takes from its POST to the served feed, beside the emergency order of the same server.

    python -m benchmarks.flood_reading [--sites 365] [--readings 30] [--events 300] [--json]

A real server of the demo city (or of a made grid) has so many flood sites with a gauge each, a forecast for all of
them, and so many other records in its feed. Airflow is not there. Each timed reading is the first of its gauge to reach
13 cm: the record is there when a GET of the native feed shows it, and the flood map is counted apart. The yardstick is
an emergency order on the same server in the same run (`benchmarks.emergency`). Goal: p95 of at most 10 s.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its names are not modules' names

from benchmarks import emergency
from benchmarks.busy_city.town import fill, installation, orders_of
from trafficfeed.flooding.forecast import HORIZONS_S, CityForecast, Method
from trafficfeed.flooding.site_document import SitesNote, write_sites
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_intake import take
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import open_database
from trafficfeed.store.objects import ObjectStore

GOAL_S = 10.0
_BEFORE_M = (0.01, 0.03, 0.05, 0.08)
_TIMED_M = 0.13


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sites", type=int, default=365)
    parser.add_argument("--readings", type=int, default=30, help="timed readings, and emergency orders beside them")
    parser.add_argument("--events", type=int, default=300, help="records in the feed before")
    parser.add_argument("--grid", type=int, default=0, help="junctions along a side of a made grid; 0: the demo city")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flood-reading-") as folder:
        settings = installation(Path(folder), grid=given.grid)
        found = measure(settings, sites=given.sites, readings=given.readings, events=given.events)
    print(json.dumps(found, indent=1) if given.json else as_text(found))
    return int(found["reading"]["p95_s"] > GOAL_S)


def measure(settings: Settings, *, sites: int, readings: int, events: int) -> dict[str, Any]:
    """Time readings and emergency orders by turns; s."""
    made = _place_sites(settings, sites)
    as_of = datetime.now(UTC).replace(microsecond=0)
    database = open_database(settings.database_url)
    fill(database, settings, events, as_of=as_of)
    FloodForecasts(ObjectStore(settings.objects_url), settings.city).keep(_dry(made, as_of))
    for back, depth_m in enumerate(reversed(_BEFORE_M), 1):
        when = as_of - timedelta(minutes=back)
        take(settings, database, "posted", _body([(one, depth_m) for one in made[:readings]], when), when)
    database.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = emergency.start(settings, port)
    try:
        emergency.until_it_serves(port, events)
        orders = list(islice(orders_of(settings, as_of=as_of, seed=9), readings))
        timed = [(_one(port, site), emergency.one(port, order)) for site, order in zip(made, orders, strict=False)]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    return {
        "city": settings.city,
        "sites": len(made),
        "events": events,
        "readings": len(timed),
        "reading": _figures([record for (record, _), _ in timed]),
        "flood_map": _figures([drawn for (_, drawn), _ in timed]),
        "yardstick_emergency_order": _figures([seen for _, (_, seen) in timed]),
        "goal_p95_s": GOAL_S,
        "load_per_core": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a terminal."""
    reading, drawn, order = found["reading"], found["flood_map"], found["yardstick_emergency_order"]
    reached = "reached" if reading["p95_s"] <= GOAL_S else "MISSED"
    return (
        f"{found['readings']} readings at {found['sites']} sites of {found['city']}, {found['events']} other records\n"
        f"POST to road record   p50 {reading['p50_s']:.2f} s, p95 {reading['p95_s']:.2f} s, "
        f"max {reading['max_s']:.2f} s\n"
        f"POST to flood map     p50 {drawn['p50_s']:.2f} s, p95 {drawn['p95_s']:.2f} s\n"
        f"yardstick, emergency order to record   p50 {order['p50_s']:.2f} s, p95 {order['p95_s']:.2f} s\n"
        f"load {found['load_per_core']:.1f} a core; goal p95 {GOAL_S:.0f} s: {reached}"
    )


def _place_sites(settings: Settings, count: int) -> list[Site]:
    """Write so many sites into the installation, each on a street of its own with a gauge."""
    city = find_city(settings.city, settings.cities_dir)
    graph = ground_of(city).graph
    rng = np.random.default_rng(7)
    edges = rng.choice(np.flatnonzero(graph.access > 0), size=min(count, len(graph)), replace=False)
    made = []
    for number, edge in enumerate(edges.tolist()):
        middle = graph.geometry[edge].interpolate(0.5, normalized=True)
        roads = (SiteRoad(edge=graph.edge_ids[edge]),)
        made.append(
            Site(
                id=f"site-{number}", name=f"Site {number}", lon=middle.x, lat=middle.y, source=SiteSource.LIST,
                roads=roads, sensors=(f"gauge-{number}",),
            )
        )  # fmt: skip
    if city.sites_path.parent.is_symlink():
        city.sites_path.parent.unlink()  # the demo city's own stay where they are
    write_sites(made, city.sites_path, SitesNote(city=city.name, network_hash=graph.network_hash))
    return made


def _dry(sites: Sequence[Site], as_of: datetime) -> CityForecast:
    shape = (len(sites), len(HORIZONS_S))
    nothing = np.zeros(shape)
    return CityForecast(
        issued_at=as_of,
        sites=[site.id for site in sites],
        horizons_s=HORIZONS_S,
        p10_m=nothing,
        p50_m=nothing + 0.03,
        p90_m=nothing + 0.08,
        exceedance=np.full((3, *shape), 0.02),
        within=np.full((3, *shape), 0.05),
        method=[Method.RESERVOIR] * len(sites),
        confidence=np.full(len(sites), 0.7),
        to_flood_s=np.full((len(sites), 3), np.inf),
        to_clear_s=np.zeros((len(sites), 3)),
        inputs={"made": "for a benchmark"},
    )


def _body(levels: Sequence[tuple[Site, float]], when: datetime) -> bytes:
    readings = [
        {"sensor": site.sensors[0], "time": when.isoformat(), "value": depth_m, "unit": "m"} for site, depth_m in levels
    ]
    return json.dumps({"readings": readings}).encode()


def _one(port: int, site: Site) -> tuple[float, float]:
    """Post a reading; return the seconds until the road feed has its record, and until the flood map shows it."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {emergency.TOKEN}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/water/readings", _body([(site, _TIMED_M)], datetime.now(UTC)), headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        raise RuntimeError(f"{site.id}: {response.status} {answer[:300]!r}")
    record = _until(port, "/v1/feeds/closures/native", f'"id":"{site.id}-20'.encode(), began)
    drawn = _until(port, "/v1/flooding/sites", f'"order":"{site.id}-20'.encode(), began)
    return record, drawn


def _until(port: int, path: str, wanted: bytes, began: float) -> float:
    while wanted not in emergency.get(port, path)[1]:
        if time.perf_counter() - began > 60:
            raise TimeoutError(f"{wanted.decode()} is not in {path} after a minute")
        time.sleep(0.02)
    return time.perf_counter() - began


def _figures(times_s: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times_s)
    return {
        "p50_s": round(statistics.median(ordered), 3),
        "p95_s": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3),
        "max_s": round(ordered[-1], 3),
    }


if __name__ == "__main__":
    sys.exit(main())
