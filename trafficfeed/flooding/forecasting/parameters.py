"""What is fitted of a city and of each of its sites, and how it is kept: JSON, readable by people."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecasting.calibration import Platt
from trafficfeed.flooding.forecasting.nowcast import NowcastParameters
from trafficfeed.flooding.forecasting.nowcast_document import from_json, to_json
from trafficfeed.flooding.forecasting.risk import AT_TIME, WITHIN, RiskRule
from trafficfeed.flooding.forecasting.sea import SeaRule

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteParameters:
    """One site.

    Attributes
    ----------
    rain_gain
        How much likelier than the city's average site it floods in the same rain.
    rain_depth_m
        Mean depth of its rain floods, shrunk to the city's.
    drain_mmph
        What its drain takes of rain over the catchment, mm/h; by least squares, shrunk to the city's.
    level_m, level_error_m
        Stand of the sea (predicted tide plus anomaly) from which it floods the site, and its doubt; NaN: it does not.
    lag_s
        How much after the predicted tide the water stands highest there.
    keeps_step
        Its floods come with the tide: it tells where the sea stands.
    rate_ph
        Floods of 10 cm per hour that it was watched, shrunk to the city's: the climatology.
    lasts_s
        Mean time of such a flood.
    floods
        How many it is fitted on.
    """

    rain_gain: float = 1.0
    rain_depth_m: float = 0.12
    drain_mmph: float = 2.0
    level_m: float = math.nan
    level_error_m: float = 0.3
    lag_s: float = 1800.0
    keeps_step: bool = False
    rate_ph: float = math.nan
    lasts_s: float = 5400.0
    floods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodParameters:
    """A city's parameters. `sites` by id; `new_site` stands for one that is not in it.

    `fitted_until` None: nothing was fitted, forecasts are thresholds on rain and tide. `thresholds`: by horizon the
    chance of 10 cm above which forecasts were right oftenest (CSI) before `fitted_until`. `platt` calibrates. `nowcast`
    None: the next hour is not told from readings.
    """

    within: RiskRule = WITHIN
    at_time: RiskRule = AT_TIME
    sea: SeaRule = field(default_factory=SeaRule)
    new_site: SiteParameters = field(default_factory=SiteParameters)
    sites: Mapping[str, SiteParameters] = field(default_factory=dict)
    fitted_until: datetime | None = None
    floods: int = 0
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"6h": 0.2, "24h": 0.2})
    platt: Platt = field(default_factory=Platt)
    nowcast: NowcastParameters | None = None

    def of(self, site: str) -> SiteParameters:
        """Return a site's, or those of a new site."""
        return self.sites.get(site, self.new_site)


def dump(parameters: FloodParameters) -> bytes:
    """Return JSON; NaN becomes null."""
    document = {
        "schema": SCHEMA,
        "fitted_until": parameters.fitted_until.isoformat() if parameters.fitted_until else None,
        "floods": parameters.floods,
        "thresholds": dict(parameters.thresholds),
        "platt": parameters.platt.to_json(),
        "within": parameters.within.to_json(),
        "at_time": parameters.at_time.to_json(),
        "sea": asdict(parameters.sea),
        "nowcast": to_json(parameters.nowcast) if parameters.nowcast else None,
        "new_site": _plain(parameters.new_site),
        "sites": {name: _plain(parameters.sites[name]) for name in sorted(parameters.sites)},
    }
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def load(data: bytes) -> FloodParameters:
    """Read what `dump` wrote.

    Raises
    ------
    SourceMalformed
        It is no such JSON.
    """
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']} instead of {SCHEMA}")
        until = document["fitted_until"]
        return FloodParameters(
            within=RiskRule.from_json(document["within"]),
            at_time=RiskRule.from_json(document["at_time"]),
            sea=SeaRule(**document["sea"]),
            new_site=_site(document["new_site"]),
            sites={name: _site(site) for name, site in document["sites"].items()},
            fitted_until=datetime.fromisoformat(until) if until else None,
            floods=int(document["floods"]),
            thresholds={name: float(chance) for name, chance in document["thresholds"].items()},
            platt=Platt.from_json(document["platt"]),
            nowcast=from_json(document["nowcast"]) if document["nowcast"] else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SourceMalformed(f"Flood parameters cannot be read: {error!r}. Fit them anew.") from error


def _plain(site: SiteParameters) -> dict[str, Any]:
    values = asdict(site)
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in values.items()}


def _site(document: Mapping[str, Any]) -> SiteParameters:
    known = {field.name for field in fields(SiteParameters)}
    if unknown := document.keys() - known:
        raise ValueError(f"a site's parameters hold {sorted(unknown)}, which nothing here knows")
    values: dict[str, Any] = {key: math.nan if value is None else value for key, value in document.items()}
    return SiteParameters(**values)
