"""Places that people know to flood, written down by hand in a TOML file: what a terrain model cannot know."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.site_list_file import BowlEntry, BridgeEntry, FloodEntry, ListFile, RoadEntry, SiteEntry
from trafficfeed.flooding.sites import PastFlood, StageVolume

RULE: Final = "flooding.site_list"
_SAME_SPOT_DEG: Final = 1e-5  # about a metre


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRoad:
    """A street section by name; `between` None: the whole street."""

    street: str
    between: tuple[str, str] | None = None
    travel: Literal["both", "forward", "backward"] = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSite:
    """A place as the list has it; what it does not say is None or empty.

    Attributes
    ----------
    lonlat
        EPSG:4326; None where `roads` say where it is.
    roads
        The roads that it floods. None given: those within `radius_m`, else the nearest within `reach_m`.
    terrain
        Whether the elevation model may speak of it: not of underpasses, and of what lies under a bridge.
    where
        Line and entry in the file, for messages.
    """

    id: str
    name: str
    lonlat: tuple[float, float] | None
    roads: Sequence[ListedRoad]
    radius_m: float
    reach_m: float
    terrain: bool
    sensors: Sequence[str]
    elevation_m: float | None
    bowl: StageVolume | None
    catchment_m2: float | None
    drain_m3ps: float | None
    outfall_level_m: float | None
    tidal: bool | None
    history: Sequence[PastFlood]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBridge:
    """A road that is not on the ground, by a point or a section: no terrain is asked about it."""

    lonlat: tuple[float, float] | None
    road: ListedRoad | None
    reach_m: float
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteList:
    """What the file says."""

    sites: tuple[ListedSite, ...] = ()
    bridges: tuple[ListedBridge, ...] = ()


def read_site_list(path: Path) -> SiteList:
    """Read the list at `path`.

    Raises
    ------
    SourceUnavailable
        If it is not there.
    ScenarioInvalid
        If it is no TOML, or an entry is wrong; all that is wrong is named, by line, entry and field.
    """
    if not path.is_file():
        raise SourceUnavailable(f"the list of sites {path} is not there: correct `site_list` in [flooding] or --list")
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path} is no TOML: {error}") from error
    places = _Places(path.name, text, document)
    try:
        file = ListFile.model_validate(document)
    except ValidationError as error:
        raise _refused(path, [_finding(places, dict(found)) for found in error.errors()]) from error
    if doubles := list(_doubles(file.site, places)):
        raise _refused(path, doubles)
    return SiteList(
        sites=tuple(_site(entry, places("site", i)) for i, entry in enumerate(file.site)),
        bridges=tuple(_bridge(entry, places("bridge", i)) for i, entry in enumerate(file.bridge)),
    )


class _Places:
    """Says where an entry stands: file, line of its header, number and id."""

    def __init__(self, file: str, text: str, document: dict[str, Any]) -> None:
        self._file, self._document = file, document
        self._lines: dict[str, list[int]] = {"site": [], "bridge": []}
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.match(r"\s*\[\[\s*(site|bridge)\s*\]\]", line):
                self._lines[found[1]].append(number)

    def __call__(self, kind: str, index: int) -> str:
        lines, entries = self._lines.get(kind, []), self._document.get(kind)
        line = f" line {lines[index]}" if index < len(lines) else ""
        entry = entries[index] if isinstance(entries, list) and index < len(entries) else None
        name = entry.get("id") if isinstance(entry, dict) else None
        return f"{self._file}{line}, {kind} {index + 1}" + (f" ({name})" if name else "")

    def of(self, location: Sequence[int | str]) -> str:
        """Return the place of a pydantic error's location."""
        if len(location) > 1 and isinstance(location[1], int):
            return ", ".join(filter(None, [self(str(location[0]), location[1]), _path(location[2:])]))
        return f"{self._file}, {_path(location)}"


def _path(location: Iterable[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _finding(places: _Places, error: dict[str, Any]) -> Finding:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not isinstance(error.get("input"), dict | list | tuple) and error["type"] != "missing":
        message += f", not {error['input']!r}"
    location = error["loc"]
    mend = "write lon first, then lat" if "at" in location else ""
    if error["type"] == "extra_forbidden":
        message = "no such field"
    if error["type"].startswith("timezone"):
        mend = "write the time with its offset, 2026-01-05T14:00:00+02:00"
    return Finding(rule=RULE, severity=Severity.ERROR, message=message, where=places.of(location), mend=mend)


def _doubles(sites: Sequence[SiteEntry], places: _Places) -> Iterator[Finding]:
    """Find what two entries have in common though only one may: id, sensor, or the very spot."""
    ids = Counter(site.id for site in sites)
    sensors = Counter(sensor for site in sites for sensor in site.sensors)
    spots: dict[tuple[int, int], int] = {}
    for i, site in enumerate(sites):
        where = places("site", i)
        if ids[site.id] > 1:
            yield _double(f"{ids[site.id]} sites have the id {site.id!r}", where)
        for sensor in dict.fromkeys(site.sensors):
            if sensors[sensor] > 1:
                yield _double(f"sensor {sensor!r} is listed {sensors[sensor]} times", where)
        if site.at is not None:
            spot = (round(site.at[0] / _SAME_SPOT_DEG), round(site.at[1] / _SAME_SPOT_DEG))
            if spot in spots:
                yield _double(f"lies where {sites[spots[spot]].id!r} lies", where)
            spots[spot] = i


def _double(message: str, where: str) -> Finding:
    return Finding(
        rule=RULE, severity=Severity.ERROR, message=message, where=where, mend="keep one of them, or correct the other"
    )


def _refused(path: Path, findings: Sequence[Finding]) -> ScenarioInvalid:
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return ScenarioInvalid(f"{path} cannot be used: {first.where}: {first.message}{more}", findings)


def _road(road: RoadEntry) -> ListedRoad:
    return ListedRoad(street=road.street, between=road.between, travel=road.travel)


def _bridge(entry: BridgeEntry, where: str) -> ListedBridge:
    road = None if entry.road is None else _road(entry.road)
    return ListedBridge(lonlat=entry.at, road=road, reach_m=entry.reach_m, where=where)


def _site(entry: SiteEntry, where: str) -> ListedSite:
    return ListedSite(
        id=entry.id,
        name=entry.name,
        lonlat=entry.at,
        roads=tuple(_road(road) for road in entry.road),
        radius_m=entry.radius_m,
        reach_m=entry.reach_m,
        terrain=entry.terrain,
        sensors=entry.sensors,
        elevation_m=entry.elevation_m,
        bowl=None if entry.bowl is None else _curve(entry.bowl),
        catchment_m2=entry.catchment_m2,
        drain_m3ps=entry.drain_m3ps,
        outfall_level_m=entry.outfall_level_m,
        tidal=entry.tidal,
        history=tuple(_flood(flood) for flood in sorted(entry.history, key=_started)),
        where=where,
    )


def _started(flood: FloodEntry) -> datetime:
    return flood.started_at


def _flood(flood: FloodEntry) -> PastFlood:
    return PastFlood(started_at=flood.started_at, ended_at=flood.ended_at, max_depth_m=flood.max_depth_m)


def _curve(bowl: BowlEntry) -> StageVolume:
    """Return the curve; between given areas the area is taken to grow evenly."""
    if bowl.volume_m3 is not None:
        return StageVolume(depth_m=bowl.depth_m, volume_m3=bowl.volume_m3)
    area = bowl.area_m2 or ()
    volume = [0.0]
    for (low, high), (below, above) in zip(pairwise(bowl.depth_m), pairwise(area), strict=True):
        volume.append(volume[-1] + (high - low) * (below + above) / 2)
    return StageVolume(depth_m=bowl.depth_m, volume_m3=tuple(volume))
