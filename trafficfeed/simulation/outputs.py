"""What a run wrote, read into columns: trips, streets, teleports and SUMO's own totals."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import SimulationFailed

FloatArray = npt.NDArray[np.float64]
# SUMO writes one element a line with its attributes in a fixed order; a pattern is 4 times faster than an XML parser
_TRIP = re.compile(
    rb'<tripinfo id="([^"]*)" depart="([^"]*)".*? arrival="([^"]*)".*? duration="([^"]*)".*? vaporized="([^"]*)"'
)
_EDGE = re.compile(rb'<edge id="([^"]*)"([^>]*)/>')
_QUEUE = re.compile(rb'<edge id="([^"]*)"[^>]*? maxQueueLengthInMeters="([^"]*)"')
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_TELEPORT = re.compile(rb"Teleporting vehicle '(.*?)'; ([^\n]*)")
_PLACE = re.compile(rb", lane='(.*?)_\d+'|, from edge '(.*?)'")
_TIME = re.compile(rb"time=([0-9]+(?:\.[0-9]+)?)")
_COUNTED = {
    "vehicles": ("loaded", "inserted", "running", "waiting"),
    "teleports": ("total", "jam", "yield", "wrongLane"),
    "safety": ("collisions",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One line of the trip output; NaN where it did not happen, `vaporized` why SUMO removed it ("" or "end")."""

    depart_s: float
    arrival_s: float
    vaporized: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """Totals per edge with any traffic, sorted by id; see `RunResult`."""

    edge_id: tuple[str, ...]
    entered: FloatArray
    time_loss_s: FloatArray
    max_queue_m: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Teleport:
    """A vehicle that SUMO moved: when, and off which edge."""

    vehicle_id: str
    time_s: float
    edge: str


def read_trips(path: Path, *, until_s: float) -> dict[str, Trip]:
    """Read ``--tripinfo-output`` (unfinished and undeparted vehicles included) of a run that ended at `until_s`.

    Raises
    ------
    SimulationFailed
        If the file is missing or was not written to its end.
    """
    trips = {}
    for name, depart, arrival, duration, vaporized in _TRIP.findall(_whole(path, b"</tripinfos>")):
        begin, end = _time(depart), _time(arrival)
        if not vaporized and math.isnan(end) and begin + float(duration) < until_s:
            end = begin + float(duration)  # moved beyond its destination: there, but SUMO writes no arrival
        trips[_text(name)] = Trip(depart_s=begin, arrival_s=end, vaporized=vaporized.decode("ascii", "replace"))
    return trips


def read_streets(edges_path: Path, queues_path: Path | None) -> Streets:
    """Read ``--edgedata-output`` and, where the model has queues, ``--queue-output``."""
    rows: dict[str, tuple[float, float]] = {}
    for name, rest in _EDGE.findall(_whole(edges_path, b"</meandata>")):
        values = dict(_ATTRIBUTE.findall(rest))
        entered = float(values.get(b"entered", 0)) + float(values.get(b"departed", 0))
        before = rows.get(_text(name), (0.0, 0.0))
        rows[_text(name)] = (before[0] + entered, before[1] + float(values.get(b"timeLoss", 0)))
    queues: dict[str, float] = {}
    if queues_path is not None:
        for name, length in _QUEUE.findall(_whole(queues_path, b"</queue-export>")):
            queues[_text(name)] = max(queues.get(_text(name), 0.0), float(length))
    names = tuple(sorted(rows))
    return Streets(
        edge_id=names,
        entered=np.array([rows[n][0] for n in names]),
        time_loss_s=np.array([rows[n][1] for n in names]),
        max_queue_m=np.array([queues.get(n, 0.0) for n in names]),
    )


def read_teleports(log_path: Path) -> list[Teleport]:
    """Read the teleports from SUMO's messages."""
    teleports = []
    for raw, reason in _TELEPORT.findall(log_path.read_bytes()):
        place, time = _PLACE.search(reason), _TIME.search(reason)
        edge = _text(place.group(1) or place.group(2)) if place else ""
        teleports.append(Teleport(vehicle_id=_text(raw), time_s=float(time.group(1)) if time else 0.0, edge=edge))
    return teleports


def read_counts(path: Path) -> Mapping[str, int]:
    """Read SUMO's own totals from ``--statistic-output``: loaded, inserted, running, waiting, teleports."""
    document = _whole(path, b"</statistics>")
    counts: dict[str, int] = {}
    for tag, names in _COUNTED.items():
        found = re.search(rb"<" + tag.encode() + rb" ([^>]*)/>", document)
        values = dict(_ATTRIBUTE.findall(found.group(1))) if found else {}
        for name in names:
            key = "teleports" if (tag, name) == ("teleports", "total") else name
            counts[f"teleports_{name}" if tag == "teleports" and name != "total" else key] = int(
                values.get(name.encode(), 0)
            )
    return counts


def _whole(path: Path, end: bytes) -> bytes:
    if not path.is_file():
        raise SimulationFailed(f"SUMO ended without writing {path.name}")
    document = path.read_bytes()
    if end not in document[-256:]:
        raise SimulationFailed(f"SUMO did not finish writing {path}: is the disk full?")
    return document


def _text(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return unescape(text) if "&" in text else text


def _time(raw: bytes) -> float:
    value = float(raw)
    return value if value >= 0 else float("nan")
