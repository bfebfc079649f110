"""Feed bytes by HTTP, ours against nginx on the same bytes: one worker each, on loopback, with one load generator.

``python -m benchmarks.serving [--json] [--records N] [--seconds S]``; needs ``apt-get install nginx-light wrk``.
"""

import argparse
import gzip
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

PATH = "/v1/feeds/closures/native"
GOALS = {"gzip": 0.8, "304": 0.6}
_CONNECTIONS = 32
_ROUNDS = 7
_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ application/geo+json geojson; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www; gzip_static on; default_type application/geo+json;
    add_header Cache-Control "public, max-age=15"; add_header Vary Accept-Encoding;
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a kind of request brought: requests a second, and the server's share of a core while it answered."""

    rate: float
    busy: float


def main() -> int:
    """Measure, print, and tell whether the goals are met."""
    options = _options()
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not found; apt-get install nginx-light wrk", file=sys.stderr)
        print(json.dumps({"skipped": missing}) if options.json else "nothing measured")
        return 0
    with tempfile.TemporaryDirectory(prefix="serving-") as folder:
        report = _measure(Path(folder), _document(options.records), options.seconds)
    print(json.dumps(report, indent=1) if options.json else _as_text(report))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--records", type=int, default=1500, help="records in the feed")
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    return parser.parse_args()


def _measure(folder: Path, document: bytes, seconds: int) -> dict[str, Any]:
    with _ours(folder / "ours", document) as ours, _nginx(folder / "nginx", document) as nginx:
        servers = {"ours": ours, "nginx": nginx}
        same = {name: _identical(server.url, document) for name, server in servers.items()}
        kinds = {
            "gzip": lambda server: {"Accept-Encoding": "gzip"},
            "304": lambda server: {"Accept-Encoding": "gzip", "If-None-Match": server.etag},
        }
        found: dict[str, Any] = {"bytes": len(document), "gzip_bytes": same["ours"], "connections": _CONNECTIONS}
        for kind, headers in kinds.items():
            rounds: dict[str, list[Load]] = {name: [] for name in servers}
            for _ in range(_ROUNDS):  # in turn, so that a busy machine is as busy for both
                for name, server in servers.items():
                    rounds[name].append(_load(server, headers(server), seconds))
            ratios = [a.rate / b.rate for a, b in zip(rounds["ours"], rounds["nginx"], strict=True)]
            found[kind] = {
                **{
                    f"{name}_per_s": round(statistics.median(one.rate for one in many)) for name, many in rounds.items()
                },
                **{
                    f"{name}_busy": round(statistics.median(one.busy for one in many), 2)
                    for name, many in rounds.items()
                },
                "ratio": round(statistics.median(ratios), 3),
                "ratio_lowest": round(min(ratios), 3),
                "ratio_by_cpu": round(_per_cpu_s(rounds["ours"]) / _per_cpu_s(rounds["nginx"]), 3),
                "goal": GOALS[kind],
            }
        return found


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where, its worker's process, and the ETag that it gives."""

    url: str
    worker: int
    etag: str


@contextmanager
def _ours(folder: Path, document: bytes) -> Iterator[Server]:
    objects = folder / "objects"
    entry = Document(data=document, media_type="application/geo+json")
    ReleaseStore(ObjectStore(str(objects)), "closures").publish(
        {"closures.geojson": entry}, as_of=datetime.now(UTC), facts={}
    )
    port = _free_port()
    environment = {
        **os.environ, "TRAFFICFEED_STATE_DIR": str(folder), "TRAFFICFEED_API_PORT": str(port),
        "TRAFFICFEED_OBJECTS": str(objects), "TRAFFICFEED_API_TICK_S": "0",
    }  # fmt: skip
    command = [sys.executable, "-m", "trafficfeed.running.serving"]
    with _running(command, environment, port) as process:
        yield _server(f"http://127.0.0.1:{port}{PATH}", process.pid)


@contextmanager
def _nginx(folder: Path, document: bytes) -> Iterator[Server]:
    served = folder / f"www{PATH}.geojson"
    served.parent.mkdir(parents=True)
    served.write_bytes(document)
    served.with_name(f"{served.name}.gz").write_bytes(gzip.compress(document, compresslevel=6, mtime=0))
    folder.chmod(0o755)
    folder.parent.chmod(0o755)  # its worker is another user
    port = _free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port), "utf-8")
    with _running(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], dict(os.environ), port) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        yield _server(f"http://127.0.0.1:{port}{PATH}.geojson", int(children[0]))


@contextmanager
def _running(command: list[str], environment: dict[str, str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: run it by hand to see why")
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _server(url: str, worker: int) -> Server:
    return Server(url=url, worker=worker, etag=requests.get(url, headers={"Accept-Encoding": "gzip"}).headers["etag"])


def _identical(url: str, document: bytes) -> int:
    """Check that a server answers with the document, gzipped; return how many bytes it sends."""
    answer = requests.get(url, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == document
    return int(answer.headers["content-length"])


def _load(server: Server, headers: dict[str, str], seconds: int) -> Load:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before, began = _cpu_s(server.worker), time.perf_counter()
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", *given, server.url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    took = time.perf_counter() - began
    if "Socket errors" in said:
        raise RuntimeError(f"{server.url} failed under load: {said}")
    rate = next(float(line.split()[1]) for line in said.splitlines() if line.startswith("Requests/sec"))
    return Load(rate=rate, busy=(_cpu_s(server.worker) - before) / took)


def _per_cpu_s(rounds: list[Load]) -> float:
    """Return the median of requests for each second of CPU time: what a server costs, whoever was the bottleneck."""
    return statistics.median(one.rate / max(one.busy, 0.01) for one in rounds)


def _cpu_s(process: int) -> float:
    """Return the CPU time of a process, s."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _document(records: int) -> bytes:
    """Make a feed of `records` of the size and shape that real ones have."""
    features = [
        {
            "type": "Feature",
            "id": f"order-{n}.closure.street-{n}-northbound.p1",
            "geometry": {
                "type": "LineString",
                "coordinates": [[24.9 + n * 1e-5 + i * 1.37e-5, 60.1 + i * 2.11e-5] for i in range(30)],
            },
            "properties": {
                "title": {"en": f"Water main renewal {n}"},
                "street": f"Street {n}",
                "start": "2026-12-05T06:00:00Z",
            },
        }
        for n in range(records)
    ]
    return json.dumps({"type": "FeatureCollection", "feed": {}, "features": features}, separators=(",", ":")).encode()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _as_text(report: dict[str, Any]) -> str:
    lines = [f"{report['bytes']:,} bytes, {report['gzip_bytes']:,} gzipped, {report['connections']} connections"]
    for kind in GOALS:
        one = report[kind]
        lines.append(
            f"{kind:>5}: ours {one['ours_per_s']:>7,}/s (core {one['ours_busy']:.0%} busy), nginx "
            f"{one['nginx_per_s']:>7,}/s ({one['nginx_busy']:.0%}); ratio {one['ratio']:.2f}, goal "
            f"{one['goal']} (by CPU time {one['ratio_by_cpu']:.2f})"
        )
    lines.append("where both cores are far from busy, the load generator or the machine's other work is the bottleneck")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
