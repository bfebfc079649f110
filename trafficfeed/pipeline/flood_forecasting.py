"""A city's flood forecast from all that is stored by an instant; nothing that came later is looked at."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.flooding.forecast import CityForecast
from trafficfeed.flooding.forecasting.forecaster import Forecaster
from trafficfeed.flooding.forecasting.parameters import FloodParameters, dump, load
from trafficfeed.flooding.observations import RainForecast, TidePrediction
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_intake import tides_taken
from trafficfeed.pipeline.flood_sources import Waterworks, waterworks_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water

_READINGS: Final = timedelta(days=2)  # the sea's anomaly shows in them
_GAUGES: Final = timedelta(days=1)
_ISSUES: Final = timedelta(hours=6)  # single-member forecasts are averaged over their last issues
_OLDEST_RAIN: Final = timedelta(hours=30)


def forecast_city(
    settings: Settings, database: Database, as_of: datetime, *, tides: Sequence[TidePrediction] | None = None
) -> CityForecast:
    """Make the forecast of the served city's sites as of an instant (aware), keep it and return it.

    Parameters
    ----------
    tides
        None: those that the city's sources gave.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid, SourceMalformed
        If the city, its parameters, the database or the object store cannot be used.
    """
    works, objects = waterworks_of(settings), ObjectStore(settings.objects_url)
    city = works.city.name
    sea = tides_taken(settings) if tides is None else tides
    forecaster = Forecaster(works.sites, parameters_of(objects, city), sea)
    with database.reading() as connection:
        readings = Water(connection, city).readings(_sensors(works), since=as_of - _READINGS, known_at=as_of)
        gauges = Rain(connection, city).readings(since=as_of - _GAUGES, until=as_of, known_at=as_of)
        rain = _issues(Rain(connection, city), as_of)
    made = forecaster.forecast(readings=readings, rain=rain, gauges=gauges, as_of=as_of)
    FloodForecasts(objects, city).keep(made)
    return made


def parameters_of(objects: ObjectStore, city: str) -> FloodParameters:
    """Return the parameters in force: the last that were fitted, else the shipped ones, which say thresholds only.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the object store cannot be read, or holds something else.
    """
    data = objects.read(_path(city))
    return FloodParameters() if data is None else load(data)


def keep_parameters(objects: ObjectStore, city: str, parameters: FloodParameters) -> None:
    """Put parameters in force; raises `SourceUnavailable` if the object store refuses."""
    objects.write(_path(city), dump(parameters))


def tides_near(tides: Sequence[TidePrediction], lon: float, lat: float) -> TidePrediction | None:
    """Return the tide station nearest to a place (EPSG:4326), None where there is none."""
    return min(tides, key=lambda one: (one.lon - lon) ** 2 + (one.lat - lat) ** 2, default=None)


def _issues(rain: Rain, as_of: datetime) -> list[RainForecast]:
    """Return each source's newest issue, and of single-member ones those of the hours before it."""
    found: dict[tuple[str, float, float, datetime], RainForecast] = {}
    for back in range(int(_ISSUES.total_seconds() // 3600)):
        until = as_of - timedelta(hours=back)
        for issue in rain.newest_forecasts(until, since=as_of - _OLDEST_RAIN):
            if back == 0 or len(issue.rain_mm) == 1:
                found.setdefault((issue.source, issue.lon, issue.lat, issue.issued_at), issue)
    return sorted(found.values(), key=lambda one: one.issued_at)


def _sensors(works: Waterworks) -> set[str]:
    return {sensor for site in works.sites for sensor in site.sensors}


def _path(city: str) -> str:
    return f"flooding/{city}/parameters.json"
