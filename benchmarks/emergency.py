"""How long an emergency order takes from the request to the served feed, over HTTP, with a busy city around it.

    python -m benchmarks.emergency [--events 1500] [--orders 50] [--grid N] [--json]

A real server is started on a store with that many records already released; Airflow is not there. Each order is one
POST; the record is there when a GET of the native feed shows it. The first is sent as soon as the server has drafted
what it found at its start, and counts apart too. Goal: p95 of at most 2 s. Other work on the machine counts here, so
the load is told too, and the server's processor time for each order, all that follows the answer included.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not this folder: its names are not modules' names

from benchmarks.busy_city.town import fill, installation, orders_of
from trafficfeed.closures.document import order_bytes
from trafficfeed.closures.orders import Order
from trafficfeed.settings import Settings
from trafficfeed.store.database import open_database

GOAL_S = 2.0
TOKEN = "benchmark-token"
_REPOSITORY = Path(__file__).resolve().parent.parent
_PATIENCE_S = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1500, help="records in the feed before")
    parser.add_argument("--orders", type=int, default=50, help="emergency orders")
    parser.add_argument("--grid", type=int, default=0, help="junctions along a side of a made grid; 0: the demo city")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emergency-") as folder:
        found = measure(installation(Path(folder), grid=given.grid), events=given.events, orders=given.orders)
    print(json.dumps(found, indent=1) if given.json else as_text(found))
    return int(found["p95_s"] > GOAL_S)


def measure(settings: Settings, *, events: int, orders: int) -> dict[str, Any]:
    """Send `orders` emergency orders on top of `events` records; times in seconds."""
    as_of = datetime.now(UTC).replace(microsecond=0)
    database = open_database(settings.database_url)
    fill(database, settings, events, as_of=as_of)
    database.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = start(settings, port)
    try:
        ready_s = until_it_serves(port, events)
        sent = list(islice(orders_of(settings, as_of=as_of, seed=9), orders))
        before = psutil.Process(server.pid).cpu_times()
        times = [one(port, order) for order in sent]
        after = psutil.Process(server.pid).cpu_times()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    seen = sorted(visible for _, visible in times)
    return {
        "events": events,
        "city": settings.city,
        "orders": orders,
        "drafted_after_start_s": round(ready_s, 2),
        "first_s": round(times[0][1], 3),
        "answer_p50_s": round(statistics.median(answer for answer, _ in times), 3),
        "p50_s": round(statistics.median(seen), 3),
        "p95_s": round(seen[min(len(seen) - 1, int(0.95 * len(seen)))], 3),
        "max_s": round(seen[-1], 3),
        "goal_p95_s": GOAL_S,
        "server_cpu_per_order_s": round((sum(after[:2]) - sum(before[:2])) / orders, 3),
        "load_per_core": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the figures for a terminal."""
    return (
        f"{found['orders']} emergency orders on top of {found['events']} records in {found['city']}\n"
        f"POST to answer   p50 {found['answer_p50_s']:.2f} s\n"
        f"POST to feed     p50 {found['p50_s']:.2f} s, p95 {found['p95_s']:.2f} s, max {found['max_s']:.2f} s, "
        f"the first after the start {found['first_s']:.2f} s\n"
        f"server's processor time {found['server_cpu_per_order_s']:.2f} s an order; "
        f"load {found['load_per_core']:.1f} a core\n"
        f"goal p95 {found['goal_p95_s']:.0f} s: {'reached' if found['p95_s'] <= found['goal_p95_s'] else 'MISSED'}"
    )


def start(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    """Start a server of an installation on a port of this machine."""
    environment = {
        **settings.environment(),
        "TRAFFICFEED_API_TOKENS": json.dumps({"benchmark": TOKEN}),
        "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), os.environ.get("PYTHONPATH", "")]),
    }
    command = ["-m", "uvicorn", "api.main:create_app", "--factory", "--no-access-log", "--log-level", "warning"]
    return subprocess.Popen([sys.executable, *command, "--port", str(port)], env=environment)


def until_it_serves(port: int, events: int) -> float:
    """Wait until the feed has all the records and their orders have begun, and return how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < _PATIENCE_S:
        try:
            status, body = get(port, "/v1/feeds/closures/native")
            if status == 200 and len(json.loads(body)["features"]) >= events and _has_begun(port):
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"the server did not serve {events} records within {_PATIENCE_S:.0f} s")


def _has_begun(port: int) -> bool:
    """Tell whether no order waits for the clock any more: all of the benchmark's have begun before it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/v1/orders?state=published&limit=1", headers={"Authorization": f"Bearer {TOKEN}"})
    return not json.loads(connection.getresponse().read())["orders"]


def one(port: int, order: Order) -> tuple[float, float]:
    """Publish an order; return the seconds until the answer, and until the feed has its record."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/emergency-orders?reason=burst+main", order_bytes(order), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    answered = time.perf_counter() - began
    if response.status != 201:
        raise RuntimeError(f"{order.id}: {response.status} {answer}")
    wanted = f'"id":"{answer["records"][0]}"'.encode()
    while wanted not in get(port, "/v1/feeds/closures/native")[1]:
        time.sleep(0.01)
    return answered, time.perf_counter() - began


def get(port: int, path: str) -> tuple[int, bytes]:
    """Return status and body of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


if __name__ == "__main__":
    sys.exit(main())
