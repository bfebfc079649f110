"""SUMO driven second by second by an adviser who sees its lamps and tells its vehicles a speed, or by nobody.

The adviser is given what a city has: the lamps as they change, and where equipped vehicles are. It never sees a
programme, a next switch or `device.glosa`. An advised vehicle drives no faster than it is told; SUMO's car following,
right of way and red lights stay in force, and it is let go as soon as nothing is advised.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from traci import constants

from trafficfeed.simulation.departures import stable_share
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.driven_trips import DrivenTrips, read_driven
from trafficfeed.simulation.sumo_control import controlled_sumo
from trafficfeed.simulation.sumo_process import run_program

_NEXT_SIGNALS: Final = constants.VAR_NEXT_TLS
_SPEED: Final = constants.VAR_SPEED
_ALLOWED: Final = constants.VAR_ALLOWED_SPEED
_LANE: Final = constants.VAR_LANE_ID
_MOST: Final = constants.VAR_MAXSPEED
_ASKED: Final = (_NEXT_SIGNALS, _SPEED, _ALLOWED, _LANE, _MOST)
_LAMPS: Final = constants.TL_RED_YELLOW_GREEN_STATE
_SAME_MPS: Final = 0.05
_LIMIT_S: Final = 7200.0


class SignalOnWay(NamedTuple):
    """A traffic light that a vehicle will pass: its id, link index and lane, and the distance to its stop line."""

    signal: str
    link: int
    distance_m: float
    lane: str


class Approaching(NamedTuple):
    """An equipped vehicle with a signal ahead. `limit_mps` is the most that it may and would drive."""

    vehicle: str
    signals: Sequence[SignalOnWay]
    speed_mps: float
    limit_mps: float
    lane: str


class Adviser(Protocol):
    """Whoever advises."""

    def see(self, time_s: float, lamps: Mapping[str, str]) -> None:
        """Take the lamps that have changed: SUMO state by traffic light. Called every second, with or without any."""

    def advise(self, time_s: float, vehicles: Sequence[Approaching]) -> Mapping[str, float]:
        """Return the speed, m/s, of each vehicle that is advised one; `vehicles` by lane, the foremost first."""


def drive(
    scenario: DriveScenario, seed: int, *, folder: Path, adviser: Adviser | None, share: float = 1.0
) -> DrivenTrips:
    """Drive a scenario once.

    Parameters
    ----------
    folder
        Where SUMO's outputs go.
    adviser
        None: nobody is advised.
    share
        Of vehicles that are equipped, chosen by a hash of their id: the same with every seed.

    Raises
    ------
    SimulationFailed
        If SUMO cannot load the scenario, crashes, or does not come to its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outputs = [
        *("--tripinfo-output", str(folder / "trips.xml")),
        *("--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted"),
        *("--statistic-output", str(folder / "statistics.xml")),
    ]
    arguments = [*scenario.arguments(seed), *outputs]
    if adviser is None:
        run_program("sumo", arguments, folder=folder, time_limit_s=_LIMIT_S)
    else:
        with controlled_sumo(arguments, folder=folder) as sumo:
            _Drive(sumo, adviser, share).run(scenario.until_s)
    return read_driven(folder / "trips.xml", folder / "statistics.xml")


class _Drive:
    def __init__(self, sumo: Any, adviser: Adviser, share: float) -> None:
        self._sumo = sumo
        self._adviser = adviser
        self._share = share
        self._lamps: dict[str, str] = {}
        self._held: dict[str, float] = {}
        self._lanes: dict[tuple[str, int], str] = {}
        for signal in sumo.trafficlight.getIDList():
            sumo.trafficlight.subscribe(signal, [_LAMPS])
            for link, moves in enumerate(sumo.trafficlight.getControlledLinks(signal)):
                self._lanes[signal, link] = moves[0][0] if moves else ""

    def run(self, until_s: float) -> None:
        sumo = self._sumo
        while (time_s := sumo.simulation.getTime()) < until_s:
            if sumo.simulation.getMinExpectedNumber() == 0:
                return
            sumo.simulationStep()
            for vehicle in sumo.simulation.getDepartedIDList():
                if stable_share(vehicle) < self._share:
                    sumo.vehicle.subscribe(vehicle, _ASKED)
            self._see(time_s)
            self._tell(self._adviser.advise(sumo.simulation.getTime(), self._approaching()))

    def _see(self, time_s: float) -> None:
        """Show what has changed. A state found after a step is that of the second at which the step began."""
        changed = {}
        for signal, values in self._sumo.trafficlight.getAllSubscriptionResults().items():
            state = values[_LAMPS]
            if self._lamps.get(signal) != state:
                self._lamps[signal] = changed[signal] = state
        self._adviser.see(time_s, changed)

    def _approaching(self) -> list[Approaching]:
        found: list[Approaching] = []
        for vehicle, values in self._sumo.vehicle.getAllSubscriptionResults().items():
            signals = [
                SignalOnWay(signal, link, distance, self._lanes.get((signal, link), ""))
                for signal, link, distance, _ in values[_NEXT_SIGNALS]
            ]
            if signals:
                limit = min(values[_ALLOWED], values[_MOST])
                found.append(Approaching(vehicle, signals, values[_SPEED], limit, values[_LANE]))
        return sorted(found, key=lambda one: (one.lane, one.signals[0].distance_m))

    def _tell(self, advised: Mapping[str, float]) -> None:
        present = self._sumo.vehicle.getAllSubscriptionResults()
        for vehicle in [held for held in self._held if held not in advised]:
            if vehicle in present:
                self._sumo.vehicle.setSpeed(vehicle, -1)
            del self._held[vehicle]
        for vehicle, speed_mps in advised.items():
            if abs(self._held.get(vehicle, -1.0) - speed_mps) > _SAME_MPS:
                self._sumo.vehicle.setSpeed(vehicle, speed_mps)
                self._held[vehicle] = speed_mps
