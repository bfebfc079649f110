"""The only reader of the environment: every setting, its default and its unit."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Thresholds(BaseModel):
    """The gates of a verdict; a plan passes when the whole 95 % interval lies on the good side."""

    max_delay_per_vehicle_s: float = Field(20.0, description="mean extra trip time over all vehicles")
    max_delay_share: float = Field(0.10, description="the same as a share of the base's mean trip")
    max_emergency_delay_s: float = Field(30.0, description="mean extra trip time of emergency vehicles: a hard limit")
    max_emergency_delay_share: float = Field(0.10, description="the same as a share, applied where it is the laxer")
    max_bus_delay_s: float = Field(60.0, description="mean extra trip time of buses")
    max_lost_share: float = Field(
        0.02, description="vehicles teleported, dropped or never departed beyond the base: more is inconclusive"
    )
    max_unfinished_share: float = Field(0.02, description="vehicles still under way beyond the base: more holds")
    min_pairs: int = Field(5, ge=2)
    max_pairs: int = Field(25, ge=2)


class SimulationSettings(BaseModel):
    """How SUMO is run."""

    workers: int = Field(2, ge=1, description="SUMO processes at a time")
    time_limit_s: float = Field(1800.0, gt=0, description="wall-clock limit of one run; it is killed at it")
    warm_up_s: float = Field(600.0, ge=0, description="traffic before the first intervention")
    cool_down_s: float = Field(3600.0, ge=0, description="time after the last departure for vehicles to finish")
    longest_s: float = Field(2 * 3600.0, gt=0, description="longest stretch of an intervention that is simulated")
    emergency_probes: int = Field(150, ge=0, description="emergency trips in both runs: the demand is topped up to it")
    confirm_near: float = Field(
        0.5, ge=0, description="a mesoscopic figure this near its limit, as a share of it, is confirmed by micro"
    )
    confirm_always_h: float = Field(
        1500.0, ge=0, description="vehicle-hours of a base run up to which micro confirms every passing plan"
    )
    confirm_most_h: float = Field(
        20000.0, ge=0, description="vehicle-hours of a base run above which micro confirms nothing: it takes too long"
    )
    confirm_hopeless: float = Field(
        3.0, ge=1, description="a mesoscopic delay wholly beyond so many times its limit is held without micro"
    )
    confirm_min_pairs: int = Field(5, ge=2, description="pairs of a microscopic confirmation")
    confirm_max_pairs: int = Field(12, ge=2)


class BendSettings(BaseModel):
    """What makes a bend one to warn of; where the view is blocked no map says, so that distance is assumed."""

    clear_m: float = Field(3.5, gt=0, description="from the middle of the lane to what blocks the view in a bend")
    least_turn_deg: float = Field(35.0, gt=0, lt=180, description="what turns less is no bend")
    widest_radius_m: float = Field(150.0, gt=0, description="what is wider is no bend")
    least_speed_mps: float = Field(8.3, ge=0, description="streets with a lower limit are left out")
    lateral_mps2: float = Field(3.0, gt=0, description="sideways acceleration that drivers bear")
    lead_s: float = Field(2.0, ge=0, description="driving time from the warning to where stopping begins")


class FloodRuleSettings(BaseModel):
    """When a road is closed for water, warned of and cleared; what is not set is as `flooding.decisions` has it."""

    closes_m: float | None = Field(None, gt=0, description="a good reading of it closes at once")
    hazard_m: float | None = Field(None, gt=0, description="warned of from it on")
    clears_m: float | None = Field(None, gt=0, description="cleared only below it")
    clears_after_s: float | None = Field(None, ge=0, description="and only after good readings below it for so long")
    ahead_s: float | None = Field(None, gt=0, description="how far ahead a forecast closure looks")
    cost_ratio: float | None = Field(
        None, gt=0, lt=1, description="cost of a needless closure over the loss of a missed one"
    )
    hazard_cost_ratio: float | None = Field(None, gt=0, lt=1, description="the same of a warning")
    reflood_s: float | None = Field(None, ge=0, description="no clearing while water is forecast to come back so soon")
    reflood_chance: float | None = Field(None, ge=0, le=1, description="with more than this chance")
    hold_s: float | None = Field(None, ge=0, description="no decision is relaxed sooner")
    silence_s: float | None = Field(None, gt=0, description="so long without a good reading is silence: clears nothing")
    approval: bool | None = Field(None, description="forecast closures wait for an officer")


class FloodSettings(BaseModel):
    """How flooded roads are decided on and published."""

    rule: FloodRuleSettings = FloodRuleSettings()
    authority: str = Field("", description="who closes flooded roads; empty: the publisher, else the city's title")
    legal_basis: str = Field("", description="the law that it rests on; empty: that the city has named none")
    contact: str = Field("", description="whom to ask; empty: the authority")
    unknown_end_s: float = Field(3600.0, ge=900, description="estimated length of what nobody can tell the end of")
    stale_after_s: float = Field(3600.0, gt=0, description="the flood map says so when its newest input is older")
    map_every_s: float = Field(
        60.0, ge=0, description="readings that change no decision are on the flood map so much later at most"
    )
    intake: Literal["on", "off"] = Field(
        "off",
        description="on: this API process asks, watches and hears the sources of the city's flooding/sources.toml",
    )
    sensor_tokens: dict[str, SecretStr] = Field(
        default_factory=dict, description="who sends water and rain readings in → token; it may do nothing else"
    )
    citizen_reports: Literal["open", "officers"] = Field(
        "officers", description="open: anybody may report water, which asks for a look and closes nothing"
    )
    citizen_reports_per_minute: float = Field(6.0, gt=0, description="from one address; of all together fifty times it")


class Settings(BaseSettings):
    """All settings; environment variables are ``TRAFFICFEED_…``, nested ones ``TRAFFICFEED_SIMULATION__WORKERS``."""

    model_config = SettingsConfigDict(env_prefix="TRAFFICFEED_", env_nested_delimiter="__")

    state_dir: Path = Field(REPOSITORY / ".state", description="database, releases, runs, Airflow's home")
    cities_dir: Path = Field(REPOSITORY / "sumo_scenarios", description="where the city folders are")
    city: str = Field("helsinki", description="the city that the API and the DAGs serve")
    database: str = Field("", description="SQLAlchemy URL; empty: SQLite in state_dir")
    objects: str = Field("", description="fsspec URL of the object store; empty: a folder in state_dir")
    public_url: str = Field("http://127.0.0.1:8000", description="how the outside reaches the API, for links in feeds")
    publisher: str = Field("", description="who publishes the feeds; empty: the city's title")
    contact_email: str | None = Field(None, description="whom partners write to; named in the feeds")
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_tokens: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="officer's name → token; empty: one made in state_dir/tokens.json",
    )
    api_tick_s: float = Field(
        5.0, ge=0, description="how soon the API sees what other processes changed; 0: it lets no time pass"
    )
    airflow_host: str = "127.0.0.1"
    airflow_port: int = 8080
    airflow_user: str = "pipeline"
    airflow_password: SecretStr | None = Field(None, description="empty: the one made in airflow_home/passwords.json")
    airflow_timeout_s: float = 5.0
    thresholds: Thresholds = Thresholds()
    simulation: SimulationSettings = SimulationSettings()
    signals: str = Field(
        "off",
        description="where lamp states come from: http, virtual, spatem+udp://HOST:PORT, j2735+udp://HOST:PORT, "
        "[json|spatem|j2735|hires+]mqtt[s]://USER:PASSWORD@HOST:PORT/TOPIC, gat1049://USER:PASSWORD@HOST:PORT"
        "?edition=2.0&green=23&zone=Asia/Shanghai, or several by commas; off: nowhere",
    )
    signals_topology: Path | None = Field(
        None, description="a topology as JSON; empty: the released one, or before the first that of the city's network"
    )
    signals_controllers: Path | None = Field(
        None, description="JSON: which intersection, and groups, a CrossID or the device of a log is; empty: the same"
    )
    signals_bus: str = Field("", description="mqtt://host:port: publish by that broker too; empty: within the process")
    signals_pace_s: float = Field(0.04, gt=0, le=1, description="what comes within it is published as one")
    signals_shards: int = Field(64, ge=1, description="topics that the broker's batches are divided among")
    signals_part: str = Field(
        "", description="1/2: this process looks after the first half of the intersections; empty: after all"
    )
    bends: BendSettings = BendSettings()
    flooding: FloodSettings = FloodSettings()
    detector_tokens: dict[str, SecretStr] = Field(
        default_factory=dict, description="detector's name → token: it may report who is behind a bend, nothing else"
    )
    keep_ended_s: float = Field(3600.0, ge=0, description="how long an ended record stays in the feeds")
    keep_tombstones_s: float = Field(
        7 * 86400.0, ge=0, description="how long the feeds name a record that is gone, and why"
    )
    planning_days: int = Field(400, ge=1, description="how far ahead an order's windows are checked and simulated")
    horizon_days: int = Field(28, ge=1, description="how far ahead periods are published")

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database or f"sqlite:///{self.state_dir / 'trafficfeed.db'}"

    @property
    def objects_url(self) -> str:
        """The object store's fsspec URL."""
        return self.objects or f"file://{self.state_dir / 'objects'}"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: its database, passwords and task logs."""
        return self.state_dir / "airflow"

    @property
    def airflow_url(self) -> str:
        """Where Airflow's API server listens."""
        return f"http://{self.airflow_host}:{self.airflow_port}"

    def environment(self) -> dict[str, str]:
        """Return the environment in which a child process finds these same settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAFFICFEED_")}
        given = {f"TRAFFICFEED_{name.upper()}": _text(getattr(self, name)) for name in type(self).model_fields}
        return kept | {name: value for name, value in given.items() if value is not None}


def _text(value: Any) -> str | None:
    """Return `value` as it is written in a variable, secrets in clear; None where it is not set."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel | dict):
        return json.dumps(_plain(value))
    return str(value.absolute() if isinstance(value, Path) else value)


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it, secrets in clear however deep they lie."""
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value.absolute()) if isinstance(value, Path) else value


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings, read from the environment once."""
    return Settings()
