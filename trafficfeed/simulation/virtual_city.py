"""A city's traffic lights running in SUMO, a second at each step: whoever iterates sets the pace.

The simulated clock is that of the day: second 0 is local midnight, so that a programme's offset means the same as on
the street. A day's demand is driven as it is; a demand of an hour is repeated. A *lap* is one SUMO process, to midnight
at most; where the next begins, fixed programmes go on as if nothing had happened and the streets fill up again.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from traci import constants

from trafficfeed.network.city import City
from trafficfeed.simulation.departures import Vehicle, read_demand
from trafficfeed.simulation.preparation import prepare, vehicle_xml
from trafficfeed.simulation.scenario import Scenario
from trafficfeed.simulation.sumo_control import controlled_sumo

DAY_S: Final = 86_400.0
_MOST_VEHICLES: Final = 60_000  # of a repeated demand, in one lap
_LAMPS: Final = constants.TL_RED_YELLOW_GREEN_STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One SUMO process: from `begin_s` to `until_s`, seconds of the day."""

    net_path: Path
    routes_path: Path
    additional_paths: tuple[Path, ...]
    begin_s: float
    until_s: float
    seed: int = 1

    def arguments(self) -> list[str]:
        """Return SUMO's command line."""
        added = ",".join(map(str, self.additional_paths))
        return [
            *("--net-file", str(self.net_path), "--route-files", str(self.routes_path)),
            *(("--additional-files", added) if added else ()),
            *("--begin", f"{self.begin_s:g}", "--end", f"{self.until_s:g}", "--seed", str(self.seed)),
            *("--no-step-log", "--duration-log.disable", "--xml-validation", "never", "--no-warnings"),
            *("--time-to-teleport", "120", "--ignore-route-errors"),
        ]


def lap_of(city: City, *, begin_s: float, folder: Path) -> Lap:
    """Return the lap that begins at a whole second of the day; its files are made under `folder`, or found there.

    Raises
    ------
    SourceUnavailable, SourceMalformed, ScenarioInvalid
        If the city's network or demand cannot be used.
    """
    demand = city.file.demand
    scenario = Scenario(
        net_path=city.net_path,
        route_paths=city.route_paths,
        additional_paths=city.additional_paths,
        begin_s=demand.begin_s,
        end_s=demand.end_s,
        until_s=demand.end_s,
        informed_share=0.0,
        emergency_probes=0,
    )
    prepared = prepare(scenario, folder / "prepared")
    whole = Lap(
        net_path=city.net_path,
        routes_path=prepared.vehicles_path,
        additional_paths=tuple(prepared.additional("micro")),
        begin_s=begin_s,
        until_s=DAY_S,
        seed=city.file.seed,
    )
    return whole if demand.kind == "day" else _repeated(whole, scenario, folder)


def run_lap(lap: Lap, *, folder: Path) -> Generator[tuple[float, Mapping[str, str]], None, None]:
    """Yield each second of a lap with the lamps that changed in it: SUMO state by traffic light; at first all.

    Closing the iterator ends SUMO.

    Parameters
    ----------
    folder
        Where SUMO's messages go.

    Raises
    ------
    SimulationFailed
        If SUMO does not come up, or ends before the lap does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with controlled_sumo(lap.arguments(), folder=folder) as sumo:
        for signal in sumo.trafficlight.getIDList():
            sumo.trafficlight.subscribe(signal, [_LAMPS])
        lamps: dict[str, str] = {}
        while (time_s := float(sumo.simulation.getTime())) < lap.until_s:
            sumo.simulationStep()
            changed = _states(sumo).items() - lamps.items()
            lamps.update(changed)
            yield time_s, dict(changed)


def _states(sumo: Any) -> dict[str, str]:
    found = sumo.trafficlight.getAllSubscriptionResults()
    return {signal: values[_LAMPS] for signal, values in found.items()}


def _repeated(lap: Lap, scenario: Scenario, folder: Path) -> Lap:
    """Return a lap with the demand over and over from its beginning on, for as long as the file stays small."""
    paths = (*scenario.additional_paths, *scenario.route_paths)
    demand = read_demand(paths, begin_s=scenario.begin_s, end_s=scenario.end_s)
    length_s = max(scenario.end_s - scenario.begin_s, 1.0)
    rounds = max(1, min(_MOST_VEHICLES // max(len(demand.vehicles), 1), int((DAY_S - lap.begin_s) // length_s) + 1))
    path = folder / "rounds.rou.xml"
    shift_s = lap.begin_s - scenario.begin_s
    with path.open("w", encoding="utf-8") as out:
        out.write("<routes>\n")
        for k in range(rounds):
            out.writelines(vehicle_xml(_moved(one, k, shift_s + k * length_s)) for one in demand.vehicles)
        out.write("</routes>\n")
    return replace(lap, routes_path=path, until_s=min(DAY_S, lap.begin_s + rounds * length_s))


def _moved(vehicle: Vehicle, number: int, by_s: float) -> Vehicle:
    return replace(vehicle, id=f"{vehicle.id}.{number}", depart_s=vehicle.depart_s + by_s)
