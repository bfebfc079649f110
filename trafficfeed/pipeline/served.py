"""What the next release is made of: the orders to serve and their certificates, as the store has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trafficfeed.closures.orders import OrderState
from trafficfeed.findings import Finding
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, StoredOrder

Key = tuple[str, int]
"""An order's id and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A certificate, and what the instant checks had found by then."""

    certificate: Certificate
    checked: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An order version to serve; `before` is the version that map apps have, where this one is to take its place."""

    stored: StoredOrder
    proof: Proof | None = None
    before: "Served | None" = None

    @property
    def key(self) -> Key:
        """The order's id and version."""
        return self.stored.order.id, self.stored.version

    @property
    def certificate_id(self) -> str | None:
        """Of its newest certificate."""
        return self.proof.certificate.id if self.proof else None

    @property
    def is_news(self) -> bool:
        """Whether its publication is not in the store yet."""
        return (self.stored.published_version or 0) < self.stored.version

    @property
    def finished(self) -> datetime | None:
        """When it ended or was cancelled."""
        return self.stored.finished_at

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.stored.state is OrderState.CANCELLED


class ServedOrders:
    """Reads what is to be served; certificates, which never change, are read once."""

    def __init__(self, *, city: str, settings: Settings) -> None:
        self._city = city
        self._keep = timedelta(seconds=settings.keep_ended_s)
        self._proofs: dict[Key, Proof] = {}

    def as_of(self, instant: datetime, database: Database) -> tuple[Served, ...]:
        """Return the orders to serve at `instant` (aware), by id."""
        with database.reading() as connection:
            orders, certificates = Orders(connection), Certificates(connection)
            ended_since = instant - self._keep
            stored = orders.to_serve(city=self._city, ended_since=ended_since)
            earlier = {
                one.order.id: orders.get(one.order.id, version=one.published_version)
                for one in stored
                if one.published_version not in {None, one.version}
            }
            newest = certificates.newest_ids(city=self._city, ended_since=ended_since)
            self._proofs = self._read(certificates, newest)
        return tuple(self._served(one, earlier) for one in stored)

    def _served(self, one: StoredOrder, earlier: Mapping[str, StoredOrder]) -> Served:
        before = earlier.get(one.order.id)
        return Served(
            stored=one,
            proof=self._proofs.get((one.order.id, one.version)),
            before=Served(stored=before, proof=self._proofs.get((before.order.id, before.version))) if before else None,
        )

    def _read(self, certificates: Certificates, newest: Mapping[Key, str]) -> dict[Key, Proof]:
        found: dict[Key, Proof] = {}
        for key, certificate_id in newest.items():
            known = self._proofs.get(key)
            if known is not None and known.certificate.id == certificate_id:
                found[key] = known
            elif stored := certificates.certificate_for(*key):
                check = certificates.check_for(*key, until=stored.at)
                found[key] = Proof(certificate=stored.certificate, checked=check.findings if check else ())
        return found
