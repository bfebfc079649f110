"""Virtual signals in the database: every version with who entered it, kept for ever; the newest is what holds."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Row, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from trafficfeed.errors import OrderConflict, OrderNotFound, SourceMalformed
from trafficfeed.signals.virtual import VirtualSignal
from trafficfeed.store.tables import virtual_signal_versions as versions

MAKE: Final = "make"
TELL: Final = "tell"
END: Final = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSignalEntry:
    """A version, and who entered it when: the audit log of virtual signals."""

    signal: VirtualSignal
    action: str
    actor: str
    at: datetime


class VirtualSignals:
    """The virtual signals of a city, on one transaction."""

    def __init__(self, connection: Connection, city: str) -> None:
        self._connection = connection
        self._city = city

    def add(self, signal: VirtualSignal, *, action: str, actor: str, as_of: datetime) -> None:
        """Keep a version.

        Raises
        ------
        OrderConflict
            If there is one of this number: somebody else was first, or the id is taken.
        """
        row = {"city": self._city, "action": action, "actor": actor, "at": as_of, "expires_at": signal.expires_at}
        body = _adapter().dump_python(signal, mode="json")
        key = {"signal_id": signal.id, "version": signal.version}
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(versions).values(**key, **row, body=body))
        except IntegrityError as error:
            raise OrderConflict(
                f"virtual signal {signal.id} has a version {signal.version}: "
                + ("choose another id" if signal.version == 1 else "read it again and repeat")
            ) from error

    def get(self, id: str) -> VirtualSignal:
        """Return the newest version.

        Raises
        ------
        OrderNotFound
            If there is none.
        """
        history = self.history(id)
        if not history:
            raise OrderNotFound(f"there is no virtual signal {id!r}: list them at /v1/virtual-signals")
        return history[-1].signal

    def history(self, id: str) -> tuple[VirtualSignalEntry, ...]:
        """Return all versions with who entered them, oldest first."""
        query = select(versions).where(versions.c.signal_id == id, versions.c.city == self._city)
        return tuple(_entry(row) for row in self._connection.execute(query.order_by(versions.c.version)))

    def newest(self, *, ending_after: datetime) -> tuple[VirtualSignal, ...]:
        """Return the newest version of each that is over after an instant (aware), by id."""
        return tuple(one for one in self._newest(select(versions), ending_after) if one.over_at > ending_after)

    def known_at(self, instant: datetime) -> tuple[VirtualSignal, ...]:
        """Return what held at an instant (aware) as it was entered by then, by id."""
        found = self._newest(select(versions).where(versions.c.at <= instant), instant)
        return tuple(one for one in found if one.is_live(instant))

    def stamp(self) -> int:
        """Return what differs from before whenever a version was added."""
        query = select(func.count()).select_from(versions).where(versions.c.city == self._city)
        return int(self._connection.execute(query).scalar_one())

    def _newest(self, query: Select[Any], after: datetime) -> tuple[VirtualSignal, ...]:
        """Return the newest version in `query` of each; those that no version takes beyond `after` may be left out."""
        in_time = select(versions.c.signal_id).where(versions.c.city == self._city, versions.c.expires_at > after)
        rows = self._connection.execute(query.where(versions.c.signal_id.in_(in_time)).order_by(versions.c.version))
        return tuple(one for _, one in sorted({row.signal_id: _entry(row).signal for row in rows}.items()))


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[VirtualSignal]:
    return TypeAdapter(VirtualSignal)


def _entry(row: Row[Any]) -> VirtualSignalEntry:
    try:
        signal = _adapter().validate_python(row.body)
    except ValidationError as error:
        raise SourceMalformed(
            f"version {row.version} of virtual signal {row.signal_id} in the database cannot be read: {error}"
        ) from error
    return VirtualSignalEntry(signal=signal, action=row.action, actor=row.actor, at=row.at)
