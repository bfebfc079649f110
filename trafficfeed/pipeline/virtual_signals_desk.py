"""The desk of virtual signals: officers make them, say go and stop, end them; what holds is read from the database."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from trafficfeed.errors import OrderConflict, OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.signals.intersection_naming import map_numbers
from trafficfeed.signals.topology import Intersection, Topology
from trafficfeed.signals.virtual import Say, VirtualJunction, VirtualSignal, ended, told
from trafficfeed.signals.virtual_junction import junction_at, junction_of
from trafficfeed.store.database import Database
from trafficfeed.store.virtual_signals import END, MAKE, TELL, VirtualSignalEntry, VirtualSignals

PREFIX: Final = "virtual-"


def find_junction(
    id: str, place: str | tuple[float, float], *, graph: RoadGraph, topology: Topology | None
) -> VirtualJunction:
    """Return where a virtual signal would stand: its approaches and which of them cross.

    Parameters
    ----------
    id
        The virtual signal's.
    place
        The public id of a signalised intersection, which is then published by that id; or EPSG:4326 lon, lat of any
        junction.
    graph, topology
        The city's.

    Raises
    ------
    OrderInvalid
        If there is no such intersection, or no junction near the place.
    """
    known: Mapping[str, Intersection] = topology.intersections if topology else {}
    if isinstance(place, str):
        if place not in known:
            message = f"there is no signalised intersection {place!r} in this city"
            mend = "take an id of /v1/signals, or give lon, lat"
            finding = Finding(
                rule="virtual_signal.junction", severity=Severity.ERROR, message=message, where="junction", mend=mend
            )
            raise OrderInvalid(f"{message}; {mend}", [finding])
        return junction_of(known[place])
    public = f"{PREFIX}{id}"
    taken = {one.id: one.number for one in known.values()}
    return junction_at(graph, place, id=public, number=map_numbers([*taken, public], taken)[public])


class VirtualSignalsDesk:
    """The virtual signals of one city in the database; safe for use by several threads and processes."""

    def __init__(self, database: Callable[[], Database], city: str) -> None:
        self._database = database
        self._city = city
        self._known: tuple[int, tuple[VirtualSignal, ...]] | None = None

    def make(self, signal: VirtualSignal, *, actor: str, as_of: datetime) -> VirtualSignal:
        """Keep a new virtual signal (`trafficfeed.signals.virtual.made`).

        Raises
        ------
        OrderConflict
            If the id was used before, or another holds at the junction.
        """
        with self._database().transaction() as connection:
            kept = VirtualSignals(connection, self._city)
            place = signal.junction.intersection
            for other in kept.newest(ending_after=as_of):
                if other.id != signal.id and other.junction.intersection.id == place.id:
                    raise OrderConflict(f"virtual signal {other.id} holds at {place.name}: end it, or use it")
            kept.add(signal, action=MAKE, actor=actor, as_of=as_of)
        return signal

    def tell(
        self,
        id: str,
        says: Mapping[int, Say],
        *,
        actor: str,
        as_of: datetime,
        expires_at: datetime | None = None,
        expected_version: int | None = None,
    ) -> VirtualSignal:
        """Enter what an officer says, and nothing else any more; see `trafficfeed.signals.virtual.told`.

        Raises
        ------
        OrderNotFound, OrderInvalid
            If there is no such signal, or the statement is refused.
        OrderConflict
            If it has ended, or is not at `expected_version` any more.
        """
        return self._step(
            id, TELL, lambda one: told(one, says, as_of=as_of, expires_at=expires_at), actor, as_of, expected_version
        )

    def end(self, id: str, *, actor: str, as_of: datetime) -> VirtualSignal:
        """End one before its time; raises as `tell`."""
        return self._step(id, END, lambda one: ended(one, as_of=as_of), actor, as_of, None)

    def get(self, id: str) -> VirtualSignal:
        """Return the newest version; raises OrderNotFound."""
        with self._database().reading() as connection:
            return VirtualSignals(connection, self._city).get(id)

    def history(self, id: str) -> tuple[VirtualSignalEntry, ...]:
        """Return all versions with who entered them, oldest first; raises OrderNotFound."""
        with self._database().reading() as connection:
            kept = VirtualSignals(connection, self._city)
            kept.get(id)
            return kept.history(id)

    def holding(self, as_of: datetime) -> dict[str, VirtualSignal]:
        """Return those that hold at an instant (aware), by the intersection that each is published as.

        Reads one number unless something was entered since the last time.
        """
        with self._database().reading() as connection:
            kept = VirtualSignals(connection, self._city)
            stamp = kept.stamp()
            if self._known is None or self._known[0] != stamp:
                self._known = (stamp, kept.newest(ending_after=as_of))
        return {one.junction.intersection.id: one for one in self._known[1] if one.is_live(as_of)}

    def held_at(self, instant: datetime) -> dict[str, VirtualSignal]:
        """Return those that held at an instant of the past (aware), as it was entered by then."""
        with self._database().reading() as connection:
            found = VirtualSignals(connection, self._city).known_at(instant)
        return {one.junction.intersection.id: one for one in found}

    def _step(
        self,
        id: str,
        action: str,
        step: Callable[[VirtualSignal], VirtualSignal],
        actor: str,
        as_of: datetime,
        expected_version: int | None,
    ) -> VirtualSignal:
        with self._database().transaction() as connection:
            kept = VirtualSignals(connection, self._city)
            present = kept.get(id)
            if expected_version is not None and present.version != expected_version:
                raise OrderConflict(
                    f"virtual signal {id} is at version {present.version}, not {expected_version}: read it again"
                )
            after = step(present)
            kept.add(after, action=action, actor=actor, as_of=as_of)
        return after
