"""Street time: orders begin and end on their minute and the feed follows, in whatever process looks."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import trafficfeed
from trafficfeed.pipeline.clock import ClockReport, apply_clock
from trafficfeed.pipeline.releasing import FEED, Released, release
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.publishing.partners import load_partners
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

_BEAT: Final = timedelta(seconds=15)
_CATCHING_UP: Final = 10
_LOOKED: Final = f"feeds/{FEED}/looked.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look came to: when to look again at the latest (None: no instant is in sight), and what was done."""

    next_due: datetime | None
    moved: ClockReport = field(default_factory=ClockReport)
    released: Released | None = None


def nothing_is_due(settings: Settings, database: Database, as_of: datetime) -> bool:
    """Tell whether a process that lets time pass has looked since the last change, and nothing is due yet.

    So a process that has just started need not draft every order anew to find that out. Other software, another
    network, other partners or settings count as a change.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid
        If the city, the object store or the database cannot be used.
    """
    objects = ObjectStore(settings.objects_url)
    data = objects.read(_LOOKED)
    if data is None:
        return False
    stamp = _stamp(settings, database, ReleaseStore(objects, FEED))
    try:
        looked = json.loads(data)
        due = looked["due"] and datetime.fromisoformat(looked["due"])
        return looked["of"] == _digest(settings, stamp) and (due is None or as_of < due)
    except (ValueError, KeyError, TypeError):
        return False


class StreetTime:
    """Lets time pass for one city: looks cheaply whether anything is due or was changed, and only then does it.

    Several processes may do so at once, beside Airflow's reconcile: of two that move an order, or release, one is
    first, and the other finds it done.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._objects = ObjectStore(settings.objects_url)
        self._store = ReleaseStore(self._objects, FEED)
        self._stamp: tuple[int, ...] | None = None
        self._due: datetime | None = None
        self._beaten: datetime | None = None

    def look(self, database: Database, as_of: datetime) -> Look:
        """Do what is due at `as_of` (aware), if anything is; say that the feed was checked.

        Raises
        ------
        TrafficFeedError
            As `apply_clock` and `release`; the next look tries again.
        """
        stamp = self._stamped(database)
        if stamp == self._stamp and (self._due is None or as_of < self._due):
            self._beat(as_of)
            return Look(next_due=self._due)
        self._stamp = None  # whatever fails now is done again
        moved, released = self._catch_up(database, as_of)
        self._due, self._beaten = released.next_due, as_of
        self._tell_others()
        return Look(next_due=self._due, moved=moved, released=released)

    def _catch_up(self, database: Database, as_of: datetime) -> tuple[ClockReport, Released]:
        """Move orders and release until nothing changes any more: what is released now may begin at once."""
        moved = ClockReport()
        for _ in range(_CATCHING_UP):
            before = self._stamped(database)
            step = apply_clock(database, as_of=as_of, city=self._settings.city)
            released = release(self._settings, database=database, as_of=as_of)
            moved = ClockReport(
                activated=(*moved.activated, *step.activated), ended=(*moved.ended, *step.ended), overdue=step.overdue
            )
            if self._stamped(database) == before:
                self._stamp = before
                break
        return moved, released

    def _stamped(self, database: Database) -> tuple[int, ...]:
        return _stamp(self._settings, database, self._store)

    def _tell_others(self) -> None:
        """Leave word for `nothing_is_due`."""
        if self._stamp is None:
            return
        due = self._due and self._due.isoformat()
        looked = {"of": _digest(self._settings, self._stamp), "due": due}
        self._objects.write(_LOOKED, json.dumps(looked).encode())

    def _beat(self, as_of: datetime) -> None:
        if self._beaten is None or as_of - self._beaten >= _BEAT:
            self._store.heartbeat(as_of)
            self._beaten = as_of


def _stamp(settings: Settings, database: Database, store: ReleaseStore) -> tuple[int, ...]:
    """Return what differs from before whenever an order was changed, or something was released."""
    with database.reading() as connection:
        changes = Orders(connection).stamp(city=settings.city)
    return (*changes, store.newest())


def _digest(settings: Settings, stamp: tuple[int, ...]) -> str:
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    basis = (
        trafficfeed.__version__,
        ground.graph.network_hash,
        load_partners(ground.city),
        settings.model_dump_json(),
        stamp,
    )
    return hashlib.sha256(repr(basis).encode()).hexdigest()
