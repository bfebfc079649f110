"""Where a city's water data comes from, as ``flooding/sources.toml`` declares it: nothing about a source is guessed."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.ingest.units import metres_of, rain_mm_of

FILE: Final = "flooding/sources.toml"
Kind = Literal["levels", "rain", "forecast", "reports", "tide"]
Adapter = Literal["csv", "json", "sensorthings", "open-meteo", "grib", "netcdf"]

_ADAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "levels": ("csv", "json", "sensorthings"),
    "rain": ("csv", "json", "sensorthings"),
    "forecast": ("open-meteo", "grib", "netcdf"),
    "reports": ("json",),
    "tide": ("csv", "json"),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SensorEntry(_Strict):
    """One sensor or gauge of a source."""

    id: str = Field("", description="what we call it; empty: as the source does")
    zero_m: float | None = Field(None, description="what it shows, m, when the road's low point is just wet")
    max_m: float | None = Field(None, gt=0, description="deepest that the place can be, m")
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)


class Columns(_Strict):
    """What the columns of a CSV, or the members of a JSON object (dotted), are called."""

    sensor: str = Field("sensor", description='empty: the source has one sensor, or the topic names it: "topic:2"')
    time: str = "time"
    start: str = Field("", description="of the beginning of a rain interval, where it is written")
    value: str = "value"
    unit: str = Field("", description="where each row says its own unit")


class WaterSource(_Strict):
    """One source: what it tells, how it is written, and how it is heard."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    kind: Kind
    adapter: Adapter
    title: str = ""
    unit: str = Field("", description="of the values: m, cm, mm, in, ft; of rain also mm/h. SensorThings says its own")
    timezone: str = Field("", description="IANA zone of times without an offset; empty: such times are refused")
    time_format: str = Field("", description="strptime; epoch_s; epoch_ms; empty: ISO 8601")
    measures: Literal["depth", "distance"] = Field("depth", description="distance: down to the water, from above it")
    zero_m: float = Field(0.0, description="what its sensors show, m, when the road is just wet; datum of a level")
    max_m: float = Field(5.0, gt=0, description="deepest that a street can be, m")
    rain: Literal["", "interval", "cumulative"] = Field(
        "",
        description="whether a value is of its interval, or of all since; empty: of its interval, as a grid says",
    )
    interval_s: float = Field(0.0, ge=0, description="how long a rain interval is where rows do not say; 0: unknown")
    columns: Columns = Columns()
    items: str = Field(
        "", description="where in a JSON document the list of readings is, dotted; empty: it is the list"
    )
    delimiter: str = Field("", description="of a CSV; empty: told from its first line")
    decimal: Literal[".", ","] = "."
    sensors: dict[str, SensorEntry] = Field(default_factory=dict, description="by the source's own id")
    only_listed: bool = Field(True, description="refuse sensors that are not listed, where any is")
    late_s: float = Field(1200.0, gt=0, description="what is older when it comes is history only")
    by_police: bool = Field(False, description="its reports are police officers', and count like a good reading")
    members: int = Field(0, ge=0, description="how many a forecast should have, the control included; 0: any")
    available_after_s: float | None = Field(None, ge=0, description="how long after its run a forecast can be had")
    points: tuple[tuple[float, float], ...] = Field((), description="lon, lat where a grid is read; empty: the sites")
    datum_shift_m: float = Field(0.0, description="added to tide levels: from their datum to the city's")
    url: str = Field("", description="http(s): asked every poll_s")
    headers: dict[str, str] = Field(default_factory=dict, description='sent with it; "file:/path": the file holds it')
    path: str = Field("", description="folder or fsspec URL with files dropped in, looked at every poll_s")
    pattern: str = "*"
    broker: str = Field("", description="mqtt://user@host:port, or mqtts://…; its password: password_file")
    password_file: str = ""
    topic: str = Field("", description="MQTT topic filter")
    poll_s: float = Field(60.0, ge=1)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"there is no time zone {value!r}: use an IANA name, such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "WaterSource":
        if self.adapter not in _ADAPTERS[self.kind]:
            raise ValueError(f"kind {self.kind} is read by {' or '.join(_ADAPTERS[self.kind])}, not {self.adapter}")
        if self.unit and self.kind in ("levels", "tide"):
            metres_of(self.unit)
        if self.unit and self.kind == "rain":
            rain_mm_of(self.unit)
        says_its_own = self.adapter == "sensorthings" or self.columns.unit
        if self.kind in ("levels", "rain", "tide") and not (self.unit or says_its_own):
            raise ValueError("declare the unit of its values (m, cm, mm, in, ft), or columns.unit where rows say it")
        if bool(self.broker) != bool(self.topic):
            raise ValueError("broker and topic belong together")
        by_itself = self.interval_s or self.columns.start or self.adapter == "sensorthings"
        if self.kind == "rain" and self.rain != "cumulative" and not by_itself:
            raise ValueError("declare interval_s, or columns.start where rows say when an interval began")
        return self

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of its wall times; None: it must give offsets."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def sensor(self, theirs: str) -> SensorEntry | None:
        """Return what is declared of a sensor by the source's own id; None: it is to be refused."""
        found = self.sensors.get(theirs)
        return SensorEntry() if found is None and not (self.sensors and self.only_listed) else found

    def our_id(self, theirs: str) -> str:
        """Return what we call a sensor."""
        found = self.sensors.get(theirs)
        return (found.id if found else "") or theirs


class _File(_Strict):
    source: tuple[WaterSource, ...] = ()


def read_sources(text: str, *, name: str = FILE) -> dict[str, WaterSource]:
    """Return the sources of a ``sources.toml`` by id.

    Raises
    ------
    ScenarioInvalid
        If it is no TOML, a field is missing, unknown or of the wrong kind, or two sources bear one id.
    """
    try:
        found = _File.model_validate(tomllib.loads(text)).source
    except tomllib.TOMLDecodeError as error:
        raise ScenarioInvalid(f"{name} is no TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ScenarioInvalid(f"{name} cannot be used: {faults}") from error
    by_id = {one.id: one for one in found}
    if len(by_id) < len(found):
        twice = sorted({one.id for one in found if sum(other.id == one.id for other in found) > 1})
        raise ScenarioInvalid(f"{name} declares {', '.join(twice)} twice: give each source an id of its own")
    return by_id


def load_sources(city_folder: Path) -> dict[str, WaterSource]:
    """Return the sources of a city's folder by id; none where it declares none.

    Raises
    ------
    ScenarioInvalid
        As `read_sources`; also if the file cannot be read as text.
    """
    path = city_folder / FILE
    if not path.is_file():
        return {}
    try:
        return read_sources(path.read_text("utf-8"), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path} cannot be read: {error}") from error
