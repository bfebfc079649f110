"""What the order routes share: the answer with its ETag, and the refusals of a stale or foreign order."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Response

from api.deps import Services
from api.problems import Problem
from api.schemas import OrderOut
from trafficfeed.closures.orders import Order
from trafficfeed.errors import OrderConflict, OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.orders import Orders, StoredOrder


def shown(stored: StoredOrder, services: Services, response: Response) -> OrderOut:
    """Return the order with its last check and certificate; its ETag goes into `response`."""
    with services.database.reading() as connection:
        certificates = Certificates(connection)
        check = certificates.check_for(stored.order.id, stored.version)
        certificate = certificates.certificate_for(stored.order.id, stored.version)
    response.headers["ETag"] = stored.etag
    response.headers["Cache-Control"] = "no-store"
    return OrderOut.whole(stored, check, certificate)


@contextmanager
def unchanged_since(revision: int | None, order_id: str, services: Services) -> Iterator[None]:
    """Turn a conflict into 412 where the order is no longer at the `revision` that the client read.

    Raises
    ------
    Problem
        412, with the present revision's ETag.
    OrderConflict
        The conflict itself, where the revision is not what it is about.
    """
    try:
        yield
    except OrderConflict as conflict:
        with services.database.reading() as connection:
            present = Orders(connection).get(order_id)
        if revision is None or present.revision == revision:
            raise
        raise Problem(
            412, "precondition-failed", str(conflict), headers={"ETag": present.etag}, revision=present.revision
        ) from conflict


def refuse_other_city(order: Order, services: Services) -> None:
    """Refuse an order of a city that this API does not serve.

    Raises
    ------
    OrderInvalid
        With a finding on ``city``.
    """
    served = services.city.name
    if order.city == served:
        return
    finding = Finding(
        rule="order.city",
        severity=Severity.ERROR,
        message=f"the order is for {order.city!r}, but this API serves {served!r}",
        where="city",
        mend=f"write city: {served}, or send it to that city's API",
    )
    raise OrderInvalid(f"order {order.id}: {finding.message}; {finding.mend}", [finding])
