"""What the lamps of a run did, from SUMO's own record: no adviser, no TraCI; with fixed programmes or actuated ones."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from lxml import etree

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.sumo_process import run_program

ACTUATED: Final = "actuated"
_STATE: Final = re.compile(rb'<tlsState time="([^"]*)" id="([^"]*)" [^>]*state="([^"]*)"')
_LIMIT_S: Final = 7200.0
_STRETCHED_S: Final = 10.0  # shorter greens stay as they are
_LEAST_GREEN_S: Final = 5.0
_LONGEST: Final = 1.5  # of the fixed green


class LampChange(NamedTuple):
    """From `time_s` on, demand's clock, a traffic light shows a state of SUMO."""

    time_s: float
    signal: str
    state: str


def record_lamps(scenario: DriveScenario, seed: int, *, folder: Path) -> list[LampChange]:
    """Drive a scenario unadvised and return every change of its lamps, by time.

    Raises
    ------
    SimulationFailed
        If SUMO fails, or wrote no record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "lamps.xml"
    watched = folder / "watched.add.xml"
    root = etree.Element("additional")
    for signal in sorted({one.get("id", "") for one in _programmes(scenario)}):
        etree.SubElement(root, "timedEvent", type="SaveTLSSwitchStates", source=signal, dest=str(record))
    watched.write_bytes(etree.tostring(root, pretty_print=True))
    seen = replace(scenario, additional_paths=(*scenario.additional_paths, watched))
    run_program("sumo", seen.arguments(seed), folder=folder, time_limit_s=_LIMIT_S)
    if not record.is_file():
        raise SimulationFailed(f"SUMO ended without a record of the lamps of {scenario.name}")
    return list(_changes(record.read_bytes()))


def actuated(scenario: DriveScenario, path: Path) -> DriveScenario:
    """Return a scenario whose fixed programmes are made to react to traffic; the programmes are written to `path`.

    Greens of ten seconds and more last from five seconds to half as long again as they did. `minDur` and `maxDur` of
    the fixed programmes, which SUMO ignores there, are not taken over: RESCO's would cut its longest greens.
    """
    root = etree.Element("additional")
    for programme in _programmes(scenario):
        logic = etree.SubElement(
            root,
            "tlLogic",
            id=programme.get("id", ""),
            type="actuated",
            programID=ACTUATED,
            offset=programme.get("offset", "0"),
        )
        for phase in programme.iter("phase"):
            logic.append(_phase(phase))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(etree.tostring(root, pretty_print=True))
    return replace(scenario, additional_paths=(*scenario.additional_paths, path.resolve()))


def _phase(fixed: etree._Element) -> etree._Element:
    duration_s, state = float(fixed.get("duration", "0")), fixed.get("state", "")
    phase = etree.Element("phase", duration=fixed.get("duration", "0"), state=state)
    if duration_s >= _STRETCHED_S and not set(state) & set("yYu") and set(state) & set("gG"):
        phase.set("minDur", f"{_LEAST_GREEN_S:g}")
        phase.set("maxDur", f"{_LONGEST * duration_s:g}")
    return phase


def _programmes(scenario: DriveScenario) -> Sequence[etree._Element]:
    """Return the programme of each traffic light that SUMO runs: the last one read."""
    found: dict[str, etree._Element] = {}
    for programme in _read((scenario.net_path, *scenario.additional_paths)):
        if programme.get("type", "static") not in ("rail_signal", "rail_crossing"):
            found[programme.get("id", "")] = programme
    return list(found.values())


def _read(paths: Iterable[Path]) -> Iterator[etree._Element]:
    for path in paths:
        for _, element in etree.iterparse(path, tag="tlLogic", huge_tree=True):
            yield element


def _changes(document: bytes) -> Iterator[LampChange]:
    shown: dict[str, str] = {}
    for time_s, signal, state in _STATE.findall(document):
        change = LampChange(float(time_s), signal.decode(), state.decode())
        if shown.get(change.signal) != change.state:
            shown[change.signal] = change.state
            yield change
