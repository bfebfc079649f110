"""Live signals under load, on this machine, everything included: from a lamp's change to every client that is told.

``python benchmarks/signal_load.py [--json] [--seconds S] [--part sse|mqtt]``; the second part needs mosquitto
(``apt-get install mosquitto``).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["PYTHONPATH"] = sys.path[0]

from benchmarks.load_trial.feeder import introduced_s
from benchmarks.load_trial.made_city import made_topology
from benchmarks.load_trial.processes import cpu_s, free_port, running, ticks
from trafficfeed.settings import settings
from trafficfeed.signals.topology_document import to_json

GOALS_MS: Final = {"sse": 150.0, "mqtt": 50.0}
_TOKEN: Final = "benchmark"
_WARM_UP_S: Final = 35.0  # of which 20 s until all intersections have begun
_SETTLE_S: Final = 3.0


def main() -> int:
    """Measure and print."""
    options = _options()
    report: dict[str, Any] = {}
    for part in options.part or ("sse", "mqtt"):
        report[part] = PARTS[part](options)
    print(json.dumps(report, indent=1) if options.json else _as_text(report))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--part", action="append", choices=sorted(GOALS_MS), help="default: both")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the measurement")
    parser.add_argument("--intersections", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--deaf", type=int, default=3, help="further clients that never read")
    parser.add_argument("--broker-intersections", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2, help="that look after them, a part each")
    parser.add_argument("--subscribers", type=int, default=100)
    return parser.parse_args()


def _sse(options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="signal-load-") as folder,
        _server(Path(folder), options.intersections) as (server, port),
    ):
        clients = [str(port), str(options.clients), str(options.deaf)]
        return _measured({port: server}, options.intersections, options.seconds, "sse_clients", clients)


def _mqtt(options: argparse.Namespace) -> dict[str, Any]:
    broker = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if broker is None:
        return {"skipped": "mosquitto is not installed: apt-get install mosquitto"}
    with tempfile.TemporaryDirectory(prefix="signal-load-") as folder:
        broker_port = free_port()
        configuration = Path(folder) / "mosquitto.conf"
        configuration.write_text(
            f"listener {broker_port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n", "utf-8"
        )
        with running([broker, "-c", str(configuration)], os.environ, broker_port, Path(folder) / "broker.log") as one:
            more = {
                "TRAFFICFEED_SIGNALS_BUS": f"mqtt://127.0.0.1:{broker_port}",
                "TRAFFICFEED_SIGNALS_SHARDS": str(options.subscribers),
                "TRAFFICFEED_SIGNALS_PACE_S": "0.02",
            }
            with ExitStack() as parts:
                servers = {
                    port: server
                    for number in range(1, options.processes + 1)
                    for server, port in [
                        parts.enter_context(
                            _server(
                                Path(folder) / str(number),
                                options.broker_intersections,
                                more | {"TRAFFICFEED_SIGNALS_PART": f"{number}/{options.processes}"},
                            )
                        )
                    ]
                }
                clients = [str(broker_port), str(options.subscribers), settings().city]
                return _measured(
                    servers, options.broker_intersections, options.seconds, "mqtt_clients", clients, broker=one
                )


PARTS: Final = {"sse": _sse, "mqtt": _mqtt}


def _measured(
    servers: Mapping[int, "subprocess.Popen[bytes]"],
    intersections: int,
    seconds: float,
    clients: str,
    arguments: Sequence[str],
    *,
    broker: "subprocess.Popen[bytes] | None" = None,
) -> dict[str, Any]:
    module = [sys.executable, "-m"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    begin_s = time.time() + max(5.0, intersections / 1000.0)
    feeder = subprocess.Popen(
        [
            *module,
            "benchmarks.load_trial.feeder",
            ",".join(map(str, servers)),
            _TOKEN,
            str(intersections),
            str(begin_s),
        ],
        **pipes,
    )
    listening = subprocess.Popen([*module, f"benchmarks.load_trial.{clients}", *arguments], **pipes)
    try:
        assert listening.stdout is not None
        listening.stdout.readline()
        time.sleep(max(begin_s + introduced_s(intersections) + _WARM_UP_S - time.time(), 0.0))
        processes = {"server": list(servers.values()), "broker": [broker] if broker else []}
        began, before, machine = time.time(), _cpu_s(processes), ticks()
        time.sleep(seconds)
        ended, now = time.time(), ticks()
        cores = {f"{name}_cores": (used - before[name]) / (ended - began) for name, used in _cpu_s(processes).items()}
        sent = json.loads(feeder.communicate("")[0])
        time.sleep(_SETTLE_S)
        told = [one for one in zip(sent["sent"], sent["late_ms"], strict=True) if began <= one[0][0] / 1000 < ended]
        window = [lamp for lamp, _ in told]
        arrived = json.loads(listening.communicate(json.dumps({"sent": window}))[0])
    finally:
        for process in (feeder, listening):
            process.kill()
    whole_s = time.time() - begin_s
    return {
        "intersections": intersections,
        "processes": len(servers),
        "changes_per_s": round(len(window) / (ended - began), 1),
        **arrived,
        **{name: round(value, 2) for name, value in cores.items()},
        "clients_cores": round(arrived["cpu_s"] / whole_s, 2),
        "feeder_cores": round(sent["cpu_s"] / whole_s, 2),
        "feeder_held_up_p99_ms": sorted(late_ms for _, late_ms in told)[int(0.99 * len(told))],
        "machine_busy": round((now.busy - machine.busy) / (now.all - machine.all), 2),
        "load_average": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def _cpu_s(processes: Mapping[str, Sequence["subprocess.Popen[bytes]"]]) -> dict[str, float]:
    return {name: sum(cpu_s(one.pid) for one in each) for name, each in processes.items()}


@contextmanager
def _server(
    folder: Path, intersections: int, more: Mapping[str, str] | None = None
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run the API over a made city."""
    folder.mkdir(parents=True, exist_ok=True)
    topology = folder / "topology.json"
    topology.write_bytes(to_json(made_topology(intersections)))
    port = free_port()
    environment = {
        **os.environ, "TRAFFICFEED_STATE_DIR": str(folder), "TRAFFICFEED_API_PORT": str(port),
        "TRAFFICFEED_API_TICK_S": "0", "TRAFFICFEED_SIGNALS": "http", "TRAFFICFEED_SIGNALS_TOPOLOGY": str(topology),
        "TRAFFICFEED_API_TOKENS": json.dumps({"street": _TOKEN}), **(more or {}),
    }  # fmt: skip
    command = [sys.executable, "-m", "trafficfeed.running.serving"]
    with running(command, environment, port, folder / "server.log") as process:
        yield process, port


def _as_text(report: dict[str, Any]) -> str:
    return "\n".join(f"{part}: {_line(found, GOALS_MS[part])}" for part, found in report.items())


def _line(found: dict[str, Any], goal_ms: float) -> str:
    if "skipped" in found:
        return f"skipped: {found['skipped']}"
    return (
        f"{found['intersections']:,} intersections, {found['changes_per_s']:,} changes/s, {found['clients']} clients: "
        f"{found['delivered_share']:.4%} delivered, lag from observed_at p50 {found['p50_ms']} ms, p99 "
        f"{found['p99_ms']} ms (goal {goal_ms:g}); server {found['server_cores']} cores, machine "
        f"{found['machine_busy']:.0%} busy, load {found['load_average']}"
    )


if __name__ == "__main__":
    sys.exit(main())
