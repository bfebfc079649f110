"""An order as the JSON body of a store row, and back: the same schema as files and API bodies."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from trafficfeed.closures.document import order_bytes, parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.errors import OrderInvalid, SourceMalformed

_MOST: Final = 20_000
_known: dict[tuple[str, str], Order] = {}


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Order]:
    return TypeAdapter(Order)


def order_of(body: Mapping[str, Any], *, name: str) -> Order:
    """Read an order back from its stored body.

    Only the schema is asked: a soundness rule that is newer than the row must not make it unreadable.

    Raises
    ------
    SourceMalformed
        If it does not fit the schema (a row written by another version of this program); `name` is in the message.
    """
    try:
        return _adapter().validate_python(body)
    except ValidationError as error:
        raise SourceMalformed(f"{name} does not fit the order schema of this program: {error}") from error


def known_order(name: str, sha256: str) -> Order | None:
    """Return the order called `name` whose content has the hash `sha256`, if it was read before: it never changes."""
    return _known.get((name, sha256))


def read_order(name: str, sha256: str, body: Mapping[str, Any]) -> Order:
    """Return `order_of` a body, and remember it for `known_order`."""
    if len(_known) >= _MOST:
        _known.clear()  # all of a large city's fit several times over
    found = _known[name, sha256] = order_of(body, name=name)
    return found


def storable(order: Order) -> Order:
    """Return the order as it will be read back; one built in Python past the schema is refused.

    Raises
    ------
    OrderInvalid
        With a finding for every fault.
    """
    try:
        data = order_bytes(order)
    except (TypeError, ValueError, AttributeError) as error:
        raise OrderInvalid(f"order {order.id!r} holds what no document can: {error}") from error
    return parse_order(data, name=f"order {order.id!r}")
