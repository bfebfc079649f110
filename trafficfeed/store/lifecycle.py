"""Which state of an order may follow which: the whole table, and the one function that asks it.

::

    draft ⇄ checked → simulated → approved → published → active → ended
                └──── override ─────↗            └──────────────↗
    an amendment takes any of them but ended and cancelled back to draft; so does cancelling, to cancelled
"""

from collections.abc import Mapping
from typing import Final

from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import OrderConflict

_S = OrderState

TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    _S.DRAFT: frozenset({_S.DRAFT, _S.CHECKED, _S.CANCELLED}),
    _S.CHECKED: frozenset({_S.DRAFT, _S.CHECKED, _S.SIMULATED, _S.APPROVED, _S.CANCELLED}),
    _S.SIMULATED: frozenset({_S.DRAFT, _S.SIMULATED, _S.APPROVED, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.DRAFT, _S.PUBLISHED, _S.CANCELLED}),
    _S.PUBLISHED: frozenset({_S.DRAFT, _S.ACTIVE, _S.ENDED, _S.CANCELLED}),
    _S.ACTIVE: frozenset({_S.DRAFT, _S.ENDED, _S.CANCELLED}),
    _S.ENDED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""A state among its own followers may be entered anew: a new version, a new check, a new certificate."""

FINAL: Final = frozenset(state for state, followers in TRANSITIONS.items() if not followers)


def require(order_id: str, state: OrderState, *, to: OrderState) -> None:
    """Refuse a step that the table does not have.

    Raises
    ------
    OrderConflict
        If `to` may not follow `state`.
    """
    if to in TRANSITIONS[state]:
        return
    if state in FINAL:
        raise OrderConflict(f"order {order_id} is {state}, which is final: make a new order instead")
    allowed = ", ".join(sorted(TRANSITIONS[state] - {state}))
    raise OrderConflict(f"order {order_id} is {state} and cannot become {to}: from here it may become {allowed}")
