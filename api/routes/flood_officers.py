"""What officers do about water: see what awaits them, and order a level against or without readings."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, BackgroundTasks, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import Actor, Now, Services, ServicesDep
from api.problems import Problem
from api.publication import ask_for_runs, publish
from api.schemas import ProblemOut, Responses
from trafficfeed.flooding.decisions import Basis, Decision, Level
from trafficfeed.pipeline.flood_orders import is_approved, open_flood_orders
from trafficfeed.pipeline.flood_release import FloodRelease, decide_and_release, override_and_release
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.pipeline.orders import approve_order
from trafficfeed.store.flood_decisions import FloodDecisions

router = APIRouter(prefix="/v1/flooding", tags=["flooding"])

SiteId = Annotated[str, Path(max_length=200, examples=["market-square-west"])]
_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "An officer's token is needed"},
    404: {"model": ProblemOut, "description": "The city has no such site"},
    409: {"model": ProblemOut, "description": "No reason, or `until` is not ahead: nothing is changed"},
}

_WAITING: Final = {
    "site": "market-square-west",
    "name": "Market Square, Eteläranta",
    "order": "market-square-west-20261205t1835",
    "reason": "43% chance of 30 cm within 30 min by the forecast of 18:35 UTC: acted on from 35% on.",
    "decided_at": "2026-12-05T18:35:00Z",
    "chance": 0.43,
    "depth_m": 0.17,
    "high_m": 0.41,
}
_ORDERED: Final = {"level": "closed", "until": "2026-12-05T21:00:00+02:00", "reason": "A manhole cover is gone."}
_DONE: Final = {
    "site": "market-square-west",
    "level": "closed",
    "basis": "officer",
    "since": "2026-12-05T18:40:00Z",
    "expected_end": "2026-12-05T19:00:00Z",
    "order": "market-square-west-20261205t1840",
    "action": "published",
    "release": 41,
    "map_release": 212,
    "troubles": [],
}


def _shown_as(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class AwaitingOut(BaseModel):
    """A closure by forecast that no officer has approved yet. It is not published; `order` is what to approve."""

    model_config = _shown_as(_WAITING)

    site: str
    name: str
    order: str
    reason: str
    decided_at: datetime
    chance: float | None
    depth_m: float | None
    high_m: float | None


class AwaitingListOut(BaseModel):
    """What awaits an officer, the likeliest first."""

    model_config = _shown_as({"awaiting": [_WAITING]})

    awaiting: list[AwaitingOut]


class Override(BaseModel):
    """What an officer orders: a level, until when, and why; the reason is in the audit log."""

    model_config = _shown_as(_ORDERED)

    level: Level
    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=2000)


class FloodApproval(BaseModel):
    """Why a closure is published before it is simulated; the reason is in the audit log."""

    model_config = _shown_as({"reason": "The patrol sees the water come."})

    reason: str = Field(min_length=1, max_length=2000)


class OverrideOut(BaseModel):
    """What became of it; `troubles` say what could not be published."""

    model_config = _shown_as(_DONE)

    site: str
    level: Level
    basis: Basis
    since: datetime
    expected_end: datetime | None
    order: str
    action: str
    release: int | None
    map_release: int | None
    troubles: list[str]

    @classmethod
    def of(cls, done: FloodRelease) -> "OverrideOut":
        """Return what is told of an override."""
        (decision,), (applied,) = done.decisions, done.applied
        return cls(
            site=decision.site,
            level=decision.level,
            basis=decision.basis,
            since=decision.since,
            expected_end=decision.expected_end,
            order=applied.order_id,
            action=applied.action,
            release=done.released.manifest.number if done.released is not None else None,
            map_release=done.map_release.manifest.number if done.map_release is not None else None,
            troubles=list(done.troubles),
        )


@router.get("/awaiting", summary="Closures that await an officer's approval", responses={401: _REFUSALS[401]})
def awaiting(services: ServicesDep, _officer: Actor) -> AwaitingListOut:
    """List closures by forecast that are not published until an officer approves them."""
    return AwaitingListOut(awaiting=_waiting(services))


@router.post(
    "/sites/{site_id}/approve",
    summary="Approve the closure that awaits it",
    responses={401: _REFUSALS[401], 409: {"model": ProblemOut, "description": "Nothing awaits approval there"}},
)
def approve(
    site_id: SiteId, approval: FloodApproval, services: ServicesDep, officer: Actor, now: Now, after: BackgroundTasks
) -> OverrideOut:
    """Publish a closure by forecast at once, in the feeds and on the map; its simulation comes after.

    The same as `POST /v1/orders/{order}/approve` with an `override_reason`, and the flood map is released with it.
    """
    waiting = next((one for one in _waiting(services) if one.site == site_id), None)
    if waiting is None:
        raise Problem(409, "nothing-awaits", f"Nothing awaits approval at {site_id!r}: look at /v1/flooding/awaiting.")
    approve_order(services.database, waiting.order, actor=officer, as_of=now, override_reason=approval.reason)
    publish(services, now)
    done = decide_and_release(services.settings, services.database, now, only=[site_id])
    after.add_task(ask_for_runs, services, now)
    return OverrideOut.of(done)


def _waiting(services: Services) -> list[AwaitingOut]:
    """Return what awaits an officer, the likeliest first."""
    city = services.city.name
    with services.database.reading() as connection:
        waiting = {site: one for site, one in FloodDecisions(connection, city).latest().items() if one.awaits_approval}
    names = {site.id: site.name or site.id for site in waterworks_of(services.settings).sites}
    orders = open_flood_orders(services.database, city) if waiting else {}
    found = [
        _awaiting(decision, names.get(site, site), next((one.order.id for one in orders[site]), ""))
        for site, decision in waiting.items()
        if orders.get(site) and not any(map(is_approved, orders[site]))
    ]
    return sorted(found, key=lambda one: (-(one.chance or 0.0), one.site))


@router.post("/sites/{site_id}/override", summary="Order a level for a flood site", responses=_REFUSALS)
def override(
    site_id: SiteId, order: Override, services: ServicesDep, officer: Actor, now: Now, after: BackgroundTasks
) -> OverrideOut:
    """Close, warn of or open a place against or without readings until a time; it is released before the answer.

    Until then no reading and no forecast changes it. Emergency: the simulation comes after.
    """
    done = override_and_release(
        services.settings, services.database, site_id, order.level,
        officer=officer, reason=order.reason, until=order.until, as_of=now,
    )  # fmt: skip
    services.feeds.refresh()
    after.add_task(_follow, services, now)
    return OverrideOut.of(done)


def _follow(services: Services, as_of: datetime) -> None:
    services.wake()
    ask_for_runs(services, as_of)


def _awaiting(decision: Decision, name: str, order: str) -> AwaitingOut:
    return AwaitingOut(
        site=decision.site,
        name=name,
        order=order,
        reason=decision.reason,
        decided_at=decision.decided_at,
        chance=decision.chance,
        depth_m=decision.depth_m,
        high_m=decision.high_m,
    )
