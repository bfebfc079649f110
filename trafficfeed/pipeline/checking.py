"""The instant checks of an order, saved or not, against the city and the orders already in force."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from trafficfeed.closures.orders import Order
from trafficfeed.closures.schedules import Occurrences
from trafficfeed.pipeline.assessment import Assessment, assess
from trafficfeed.pipeline.open_ends import OLDEST, prolonged
from trafficfeed.pipeline.orders import record_check
from trafficfeed.pipeline.placing import locate_stored
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.settings import Settings
from trafficfeed.store.certificates import CheckResult
from trafficfeed.store.database import Database
from trafficfeed.store.lifecycle import FINAL
from trafficfeed.store.orders import Orders, StoredOrder


def check_order_body(order: Order, *, settings: Settings, database: Database | None, as_of: datetime) -> Assessment:
    """Check an order that may not be stored; nothing is written.

    Parameters
    ----------
    database
        Where the orders in force are read from; None: there are none.
    as_of
        Aware: now.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid
        If the city is not built or cannot be used.
    """
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    others = () if database is None else in_force(database, ground, settings=settings, as_of=as_of)
    return assess(order, ground, others=others, as_of=as_of, horizon=timedelta(days=settings.planning_days))


def check_stored_order(
    database: Database, order_id: str, *, settings: Settings, as_of: datetime, version: int | None = None
) -> tuple[StoredOrder, CheckResult]:
    """Check a stored order (its latest version by default) and keep what was found.

    Raises
    ------
    OrderNotFound
        If there is no such order or version.
    SourceUnavailable, ScenarioInvalid
        If the city is not built or cannot be used.
    """
    with database.reading() as connection:
        stored = Orders(connection).get(order_id, version=version)
    found = check_order_body(stored.order, settings=settings, database=database, as_of=as_of)
    return record_check(database, order_id, stored.version, found.findings, as_of=as_of)


def in_force(database: Database, ground: Ground, *, settings: Settings, as_of: datetime) -> tuple[Assessment, ...]:
    """Return the orders of the city that are served, or approved to be, located on its graph, by id.

    Their windows are those that hold at `as_of` or later; one that has outlived its estimated end holds on.
    """
    with database.reading() as connection:
        served = Orders(connection).to_serve(city=ground.city.name, ended_since=as_of)
    until = as_of + timedelta(days=settings.planning_days)
    located = (locate_stored(s, ground, since=as_of - OLDEST, until=until) for s in served if s.state not in FINAL)
    return tuple(replace(one, occurrences=_from(one.occurrences, as_of)) for one in located)


def _from(occurrences: Mapping[str, Occurrences], as_of: datetime) -> dict[str, Occurrences]:
    return {
        measure_id: tuple(one for one in prolonged(found, as_of) if one.window.end > as_of)
        for measure_id, found in occurrences.items()
    }
