"""SUMO's netconvert: one run of it, the options for OSM, and its warnings by kind."""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trafficfeed.errors import ScenarioInvalid, SimulationFailed
from trafficfeed.network.sumo_binary import binary, sumo_home, sumo_version
from trafficfeed.network.vehicle_classes import MOTOR_CLASSES

TIME_LIMIT_S = 3600.0
_OWN_TYPES = Path(__file__).with_name("urban.typ.xml")
_QUOTED = re.compile(r"'[^']*'")
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
_LIST = re.compile(r"%(?:,%)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetconvertOptions:
    """What a caller may choose of netconvert's work.

    `proj` is a PROJ string; `speeds` gives the limit of roads that state none: ``urban`` (50 km/h on streets) or
    ``rural`` (100 km/h on main roads); `join_dist_m` is how near junctions are made one.
    """

    proj: str
    left_hand: bool = False
    speeds: Literal["urban", "rural"] = "urban"
    join_dist_m: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetconvertRun:
    """What netconvert said: its warnings counted by kind (ids and figures taken out), and the command itself."""

    warnings: Mapping[str, int]
    command: tuple[str, ...]
    version: str


def sumo_environment() -> dict[str, str]:
    """Return the environment that SUMO's programs need, and no more."""
    home = sumo_home()
    return {"SUMO_HOME": str(home), "PROJ_DATA": str(home / "data" / "proj"), "LC_ALL": "C.UTF-8"}


def type_files(speeds: Literal["urban", "rural"] = "urban") -> list[Path]:
    """Return the type maps, later ones overriding earlier: SUMO's for OSM, its urban speeds, our own additions."""
    maps = sumo_home() / "data" / "typemap"
    urban = [maps / "osmNetconvertUrbanDe.typ.xml"] if speeds == "urban" else []
    return [maps / "osmNetconvert.typ.xml", *urban, _OWN_TYPES]


def osm_arguments(roads: Path, variants: Path, net: Path, options: NetconvertOptions) -> list[str]:
    """Return netconvert's arguments for the roads of an OSM extract and the type `variants` written beside them.

    Every option that keeps names and nodes (``output.*``, a high ``max-join-ids``) is what the OSM link is made from.
    Ramps are marked but never added: an added lane would split an edge where OSM has no node.
    """
    arguments = {
        "osm-files": str(roads),
        "output-file": str(net),
        "type-files": ",".join(map(str, [*type_files(options.speeds), variants])),
        "proj": options.proj,
        "keep-edges.by-vclass": ",".join(sorted(MOTOR_CLASSES)),
        "output.street-names": "true",
        "output.original-names": "true",
        "output.removed-nodes": "true",
        "max-join-ids": "100000",
        "geometry.remove": "true",
        "junctions.join": "true",
        "junctions.join-dist": f"{options.join_dist_m:g}",
        "junctions.corner-detail": "5",
        "roundabouts.guess": "true",
        "ramps.guess-acceleration-lanes": "true",
        "tls.guess-signals": "true",
        "tls.discard-simple": "true",
        "tls.join": "true",
        "tls.default-type": "static",
        "no-turnarounds.tls": "true",
        "osm.turn-lanes": "true",
        "osm.lane-access": "true",
        "aggregate-warnings": "-1",
    }
    if options.left_hand:
        arguments["lefthand"] = "true"
    return [part for key, value in arguments.items() for part in (f"--{key}", value)]


class Netconvert:
    """One run of netconvert in its own process group: started at once, so that the caller may work beside it."""

    def __init__(self, arguments: Sequence[str], *, log: Path) -> None:
        self._log = log
        self._command = (str(binary("netconvert")), *arguments)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=sumo_environment(),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is that of its group as well."""
        return self._process.pid

    def wait(self, *, time_limit_s: float = TIME_LIMIT_S) -> NetconvertRun:
        """Return what it said, once it is done.

        Raises
        ------
        ScenarioInvalid
            If netconvert refuses the roads.
        SimulationFailed
            If it crashes, or is killed at the time limit.
        """
        try:
            code = self._process.wait(time_limit_s)
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise SimulationFailed(
                f"netconvert was stopped after {time_limit_s:g} s: give a smaller extract"
            ) from error
        lines = self._log.read_text("utf-8", errors="replace").splitlines()
        if code < 0:
            raise SimulationFailed(f"netconvert died of signal {-code}: {_last(lines)}")
        if code:
            raise ScenarioInvalid(f"netconvert refuses the roads: {_last(lines)}")
        return NetconvertRun(warnings=warning_kinds(lines), command=self._command, version=sumo_version())

    def stop(self) -> None:
        """End the run if it is still going; no process stays behind."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> "Netconvert":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def warning_kinds(lines: Sequence[str]) -> dict[str, int]:
    """Return netconvert's warnings counted by kind, most frequent first: ids and figures become ``%``."""
    kinds: Counter[str] = Counter()
    for line in lines:
        if line.startswith("Warning: "):
            kind = _FIGURE.sub("%", _QUOTED.sub("%", line.removeprefix("Warning: ")))
            kinds[_LIST.sub("%", kind)] += 1
    return dict(kinds.most_common())


def strip_header(net: Path) -> None:
    """Take out netconvert's comment (time of day, folders), so that the same input gives the same bytes."""
    data = net.read_bytes()
    begin, end = data.find(b"<!--"), data.find(b"-->")
    if 0 <= begin < end and begin < data.find(b"<net"):
        net.write_bytes(data[:begin].rstrip() + b"\n" + data[end + 3 :].lstrip())


def _last(lines: Sequence[str]) -> str:
    errors = [line for line in lines if line.startswith("Error")]
    return "; ".join(errors[:3] or lines[-3:]) or "it said nothing"
