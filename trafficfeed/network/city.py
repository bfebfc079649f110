"""A city as its folder says it: `city.toml` and the files beside it."""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.network.flooding_section import SETTINGS_FILE, SITES_FILE, FloodingSection


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSection(_Strict):
    """Where the network is and how it lies on the earth."""

    net_file: str = Field(description="SUMO network, relative to the city folder or absolute")
    source: Literal["osm", "net"] = Field(description="what it was imported from")
    crs: str = Field(description="metric CRS of lengths and buffers, e.g. EPSG:32635")
    located: bool = Field(True, description="False where the network had no projection and lies at a synthetic place")
    left_hand: bool = Field(False, description="traffic drives on the left")


class DemandSection(_Strict):
    """The traffic that the city is simulated with."""

    route_files: tuple[str, ...] = Field(description="SUMO route/trip files, relative to the city folder or absolute")
    additional_files: tuple[str, ...] = Field((), description="vehicle types, stops, signal plans, detectors")
    kind: Literal["day", "hour"] = Field(
        description="day: seconds since local midnight; hour: one representative stretch that stands for any time"
    )
    begin_s: float = Field(description="first second simulated of the demand's own clock")
    end_s: float = Field(description="end of the demand's departures on its own clock")
    method: str = Field(description="how the demand was made, in a sentence")
    departures_by_hour: tuple[float, ...] = Field((), description="departures in each hour from second 0 on")


class MesoSection(_Strict):
    """How SUMO's mesoscopic model passes junctions, fitted once per network against micro.

    With `junction_control` the real signal phases are followed, and only the minor penalty is fitted: trips then
    correlate with micro's (0.8 to 0.9 in Bologna and Ingolstadt). The TLS penalties take their place without it (0.1 to
    0.5), as every vehicle of a queue waits out its own.
    """

    junction_control: bool = True
    tls_penalty_s: float = 0.0
    tls_flow_penalty: float = 0.0
    minor_penalty_s: float = 3.0
    fitted: bool = False
    micro_mean_trip_s: float | None = None
    meso_mean_trip_s: float | None = None
    seeds: tuple[int, ...] = ()
    held_out_seeds: tuple[int, ...] = ()
    held_out_error: float | None = Field(None, description="meso's mean trip over micro's, less 1, on seeds not fitted")


class CityFile(_Strict):
    """The contents of `city.toml`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    timezone: str = Field(description="IANA zone")
    language: str = Field("en", description="default language of published texts (BCP 47)")
    map_datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    licence: str
    attribution: str
    seed: int = 1
    gtfs: str | None = Field(None, description="static GTFS, a zip or folder, relative to the city folder or absolute")
    network: NetworkSection
    demand: DemandSection
    meso: MesoSection = MesoSection()
    flooding: FloodingSection | None = Field(None, description="default: flooding/settings.toml, if it is there")


class City:
    """A city folder that has been read; paths are absolute.

    `folder` holds `city.toml`, `network/` (SUMO net), `demand/`, `graph/` (Parquet cache) and `orders/`.
    """

    def __init__(self, folder: Path, file: CityFile) -> None:
        self.folder = folder
        self.file = file

    @classmethod
    def load(cls, folder: Path) -> "City":
        """Read `folder/city.toml`.

        Raises
        ------
        SourceUnavailable
            If the folder or its `city.toml` is not there.
        ScenarioInvalid
            If it cannot be read as TOML, or a field is missing, unknown or of the wrong kind.
        """
        path = folder / "city.toml"
        if not path.is_file():
            raise SourceUnavailable(
                f"{path} is not there: build the city with `trafficfeed city build {folder.name} --osm FILE`"
            )
        try:
            return cls(folder.resolve(), CityFile.model_validate(tomllib.loads(path.read_text("utf-8"))))
        except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise ScenarioInvalid(f"{path} cannot be used: {error}") from error

    @property
    def name(self) -> str:
        """The city's name, as in its folder and URLs."""
        return self.file.name

    @property
    def net_path(self) -> Path:
        """The SUMO network file."""
        return self._resolve(self.file.network.net_file)

    @property
    def route_paths(self) -> tuple[Path, ...]:
        """The demand's route or trip files."""
        return tuple(self._resolve(p) for p in self.file.demand.route_files)

    @property
    def additional_paths(self) -> tuple[Path, ...]:
        """The demand's additional files (types, stops, signal plans)."""
        return tuple(self._resolve(p) for p in self.file.demand.additional_files)

    @property
    def gtfs_path(self) -> Path | None:
        """The static GTFS: what `city.toml` names, else ``gtfs.zip`` beside it; None where there is neither."""
        if self.file.gtfs:
            return self._resolve(self.file.gtfs)
        beside = self.folder / "gtfs.zip"
        return beside if beside.is_file() else None

    @cached_property
    def flooding(self) -> FloodingSection:
        """Terrain, known places and tides: ``[flooding]``, else `flooding/settings.toml`, which a build leaves alone.

        Raises
        ------
        ScenarioInvalid
            If that file cannot be used, or there are both.
        """
        path = self.folder / SETTINGS_FILE
        if not path.is_file():
            return self.file.flooding or FloodingSection()
        if self.file.flooding is not None:
            raise ScenarioInvalid(f"{path} and [flooding] in city.toml are both there: keep one of them")
        try:
            return FloodingSection.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise ScenarioInvalid(f"{path} cannot be used: {error}") from error

    @property
    def dem_path(self) -> Path | None:
        """The elevation model; None where there is none."""
        return None if self.flooding.dem is None else self._resolve(self.flooding.dem)

    @property
    def site_list_path(self) -> Path:
        """The list of known places, which is there only if the city has one."""
        return self._resolve(self.flooding.list_file)

    @property
    def sites_path(self) -> Path:
        """The flood sites as built from terrain and list."""
        return self.folder / SITES_FILE

    @property
    def tide_paths(self) -> tuple[Path, ...]:
        """The tide predictions."""
        return tuple(self._resolve(p) for p in self.flooding.tide_files)

    @property
    def graph_folder(self) -> Path:
        """The Parquet cache of the road graph and the places."""
        return self.folder / "graph"

    def _resolve(self, path: str) -> Path:
        return (self.folder / path).resolve()
