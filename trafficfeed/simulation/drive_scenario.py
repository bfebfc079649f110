"""What is driven second by second: a network, its demand and programmes, and for how long."""

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.city import City, DemandSection
from trafficfeed.simulation.departures import seconds_of
from trafficfeed.simulation.preparation import prepare
from trafficfeed.simulation.scenario import Scenario

_USELESS = frozenset(
    ("e1Detector", "inductionLoop", "e2Detector", "laneAreaDetector", "e3Detector", "entryExitDetector", "edgeData")
)
_COOL_DOWN_S = 3600.0
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveScenario:
    """A stretch of demand on a network; paths are absolute.

    `begin_s` is when the first vehicles may depart; the lamps are watched from `watch_from_s` on. `until_s` ends the
    run whoever is still driving. All on the demand's clock.
    """

    name: str
    net_path: Path
    route_paths: tuple[Path, ...]
    additional_paths: tuple[Path, ...]
    begin_s: float
    until_s: float
    watch_from_s: float

    def arguments(self, seed: int) -> list[str]:
        """Return SUMO's command line, without outputs."""
        files = [("--net-file", (self.net_path,)), ("--route-files", self.route_paths)]
        files += [("--additional-files", self.additional_paths)] if self.additional_paths else []
        return [
            *(text for option, paths in files for text in (option, ",".join(map(str, paths)))),
            *("--begin", f"{self.watch_from_s:g}", "--end", f"{self.until_s:g}", "--seed", str(seed)),
            *("--no-step-log", "--duration-log.disable", "--xml-validation", "never"),
        ]


def read_configuration(path: Path, *, watch_s: float = 900.0) -> DriveScenario:
    """Read a SUMO configuration (``.sumocfg``), or the one in a folder.

    Files that hold detectors and outputs alone are left out. Without an end in it the last departure is looked for; an
    hour after it the run is over.

    Parameters
    ----------
    watch_s
        For how long the lamps are watched before the first vehicle may depart, as far as there is time before it.

    Raises
    ------
    SourceUnavailable
        If it, or a file that it names, is not there.
    SourceMalformed
        If one is no XML.
    ScenarioInvalid
        If it names no network or no routes.
    """
    path = _configuration_in(path)
    values = {str(e.tag): str(e.get("value")) for e in _root(path).iter() if isinstance(e.tag, str) and e.get("value")}

    def files(*names: str) -> tuple[Path, ...]:
        text = next((values[name] for name in names if name in values), "")
        return tuple((path.parent / part.strip()).resolve() for part in text.split(",") if part.strip())

    nets, routes, additional = files("net-file", "net"), files("route-files"), files("additional-files", "additional")
    if not nets or not routes:
        raise ScenarioInvalid(f"{path} names no network or no routes: give a configuration with both")
    for one in (*nets, *routes, *additional):
        if not one.is_file():
            raise SourceUnavailable(f"{one} is not there, though {path.name} names it")
    begin_s = seconds_of(values.get("begin", "0"))
    last_s = seconds_of(values["end"]) if "end" in values else _last_departure(routes)
    return DriveScenario(
        name=path.stem if path.stem != "run" else path.parent.name,
        net_path=nets[0],
        route_paths=routes,
        additional_paths=tuple(one for one in additional if not _is_useless(one)),
        begin_s=begin_s,
        until_s=last_s + _COOL_DOWN_S,
        watch_from_s=max(0.0, begin_s - watch_s),
    )


def city_drive(city: City, *, folder: Path, watch_s: float = 900.0) -> DriveScenario:
    """Return the busiest hour of a city's demand; its files are made under `folder`, or found there.

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        If the city's network or demand cannot be used.
    """
    begin_s, end_s = _busiest_hour(city.file.demand)
    scenario = Scenario(
        net_path=city.net_path,
        route_paths=city.route_paths,
        additional_paths=city.additional_paths,
        begin_s=begin_s,
        end_s=end_s,
        until_s=end_s,
        informed_share=0.0,
        emergency_probes=0,
    )
    prepared = prepare(scenario, folder)
    return DriveScenario(
        name=city.name,
        net_path=city.net_path,
        route_paths=(prepared.vehicles_path,),
        additional_paths=tuple(prepared.additional("micro")),
        begin_s=begin_s,
        until_s=end_s + _COOL_DOWN_S,
        watch_from_s=max(0.0, begin_s - watch_s),
    )


def _busiest_hour(demand: DemandSection) -> tuple[float, float]:
    """Return when most vehicles depart; a short demand is taken whole."""
    hours = demand.departures_by_hour
    if demand.kind == "hour" or not hours:
        return demand.begin_s, min(demand.end_s, demand.begin_s + _HOUR_S)
    begin_s = _HOUR_S * max(range(len(hours)), key=lambda hour: hours[hour])
    return max(begin_s, demand.begin_s), min(begin_s + _HOUR_S, demand.end_s)


def _configuration_in(path: Path) -> Path:
    found = sorted(path.glob("*.sumocfg")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file():
        raise SourceUnavailable(f"{path} is no SUMO configuration, nor a folder with one: give a .sumocfg")
    return found[0].resolve()


def _is_useless(path: Path) -> bool:
    return all(not isinstance(child.tag, str) or child.tag in _USELESS for child in _root(path))


def _last_departure(paths: tuple[Path, ...]) -> float:
    last = 0.0
    for path in paths:
        for element in _root(path).iter("vehicle", "trip", "flow"):
            text = element.get("end") or element.get("depart") or "0"
            last = max(last, seconds_of(text) if text[0].isdigit() else 0.0)
    return last


def _root(path: Path) -> etree._Element:
    try:
        return etree.parse(path).getroot()
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}") from error
    except etree.XMLSyntaxError as error:
        raise SourceMalformed(f"{path} is not a whole XML file: {error}") from error
