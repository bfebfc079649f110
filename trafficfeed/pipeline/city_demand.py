"""A new city's demand: the user's own routes copied in, or a plausible day made up."""

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from trafficfeed.errors import ScenarioInvalid, SourceMalformed
from trafficfeed.network.city import DemandSection
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.city_sources import BuildOptions

_DAY_S = 20 * 3600.0  # a demand that spans more than this is a day of its own clock
_LOOKED_AT = 5000  # routes compared with the network


def own_demand(options: BuildOptions, graph: RoadGraph, folder: Path) -> DemandSection:
    """Copy the user's routes and additional files into `folder`/demand and say when they run.

    Raises
    ------
    ScenarioInvalid
        If the routes are of another network, hold no departure, or begin after their end.
    SourceMalformed
        If a file is not XML.
    """
    target = folder / "demand"
    target.mkdir()
    routes = [_copied(path, target) for path in options.routes]
    additional = [_copied(path, target) for path in options.additional]
    _check_edges(routes, graph)
    first, last = _departures(routes)
    begin = options.begin_s if options.begin_s is not None else float(int(first))
    end = options.end_s if options.end_s is not None else float(int(last) + 1)
    if not begin < end:
        raise ScenarioInvalid(f"the demand begins at {begin:g} s and ends at {end:g} s: give --begin and --end")
    return DemandSection(
        route_files=tuple(f"demand/{path.name}" for path in routes),
        additional_files=tuple(f"demand/{path.name}" for path in additional),
        kind="day" if end - begin >= _DAY_S else "hour",
        begin_s=begin,
        end_s=end,
        method="the user's own routes: " + ", ".join(path.name for path in routes),
    )


def made_demand(graph: RoadGraph, places: Places, *, options: BuildOptions, net: Path, folder: Path) -> DemandSection:
    """Make up a plausible day of traffic in `folder`/demand; the additional files of the user come along."""
    target = folder / "demand"
    target.mkdir()
    if importlib.util.find_spec("trafficfeed.simulation.demand") is None:  # TODO: goes when the module is there
        return DemandSection(route_files=(), kind="day", begin_s=0, end_s=86400, method="none yet")
    from trafficfeed.simulation.demand import synthesise

    additional = [_copied(path, target) for path in options.additional]
    section: DemandSection = synthesise(graph, places, seed=options.seed, net_path=net, out=target)
    files = (*section.additional_files, *(f"demand/{path.name}" for path in additional))
    return section.model_copy(update={"additional_files": files})


def _copied(path: Path, target: Path) -> Path:
    copy = target / path.name
    if copy.exists():
        raise ScenarioInvalid(f"two demand files are called {path.name}: rename one")
    shutil.copyfile(path, copy)
    return copy


def _check_edges(routes: Sequence[Path], graph: RoadGraph) -> None:
    """Refuse routes most of which use edges that are not in the network."""
    seen = strange = 0
    example = ""
    for path in routes:
        for element in _elements(path, ("route", "trip", "flow")):
            named = element.get("edges") or " ".join(filter(None, (element.get("from"), element.get("to"))))
            if not named:
                continue
            seen += 1
            unknown = next((edge for edge in named.split() if edge not in graph.index), None)
            if unknown is not None:
                strange, example = strange + 1, unknown
            if seen == _LOOKED_AT:
                break
    if strange * 2 > seen:
        raise ScenarioInvalid(
            f"{strange} of the first {seen} routes use edges that the network does not have for motor vehicles, "
            f"e.g. {example!r}: give the routes that belong to this network"
        )


def _departures(routes: Sequence[Path]) -> tuple[float, float]:
    first, last = float("inf"), float("-inf")
    for path in routes:
        for element in _elements(path, ("vehicle", "trip", "flow", "person", "personFlow", "interval")):
            for text in (element.get("depart"), element.get("begin"), element.get("end")):
                moment = _moment(text)
                if moment is not None:
                    first, last = min(first, moment), max(last, moment)
    if last < first:
        raise ScenarioInvalid("the routes hold no departure: give a SUMO route or trip file, or --begin and --end")
    return first, last


def _moment(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None  # "triggered", "begin" and the like depart by something else


def _elements(path: Path, tags: tuple[str, ...]) -> Iterator[etree._Element]:
    try:
        for _, element in etree.iterparse(str(path), events=("end",), tag=tags, huge_tree=True):
            yield element
            element.clear()
    except (etree.XMLSyntaxError, OSError) as error:
        raise SourceMalformed(f"{path} is not a SUMO route file: {error}") from error
