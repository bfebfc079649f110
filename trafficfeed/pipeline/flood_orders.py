"""Flood decisions to orders in the store: one an episode, a version for each change, ended when the water is gone.

What is decided is stored and approved at once, as an emergency is; the release is the caller's, one for all sites. A
forecast closure that awaits an officer is a draft: who approves it publishes it, as any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.orders import Hazard, Order, OrderState
from trafficfeed.errors import OrderConflict, OrderInvalid, OrderNotFound
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.flooding.deciding import approved, overridden
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.sites import Site
from trafficfeed.pipeline.checking import check_order_body
from trafficfeed.pipeline.flood_measures import Issuer, order_id_of, order_of, says_the_same
from trafficfeed.pipeline.orders import (
    amend_emergency,
    amend_order,
    cancel_order,
    create_order,
    end_order,
    record_check,
    store_emergency,
)
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.lifecycle import FINAL
from trafficfeed.store.orders import Orders, StoredOrder

ACTOR: Final = "flooding"
"""Who the audit log names for what the program decides by itself."""

_NOBODY: Final = "not stated by the city"
_OWN_FAULTS: Final = ("order.", "match.", "schedule.", "window.")
_LIVE: Final = tuple(state for state in OrderState if state not in FINAL)
_DRAFTS: Final = (OrderState.DRAFT, OrderState.CHECKED, OrderState.SIMULATED)
SERVED: Final = (OrderState.PUBLISHED, OrderState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a decision did to the orders of its site.

    `action`: ``published`` (new), ``amended``, ``drafted`` (awaits an officer), ``ended``, ``cancelled``, ``kept``
    (there was nothing new to say), ``none`` (nothing is published, and nothing is to be) or ``refused``, which
    `trouble` explains: what was published before is served on.
    """

    site: str
    action: str
    order_id: str = ""
    version: int | None = None
    findings: tuple[Finding, ...] = ()
    trouble: str = ""

    @property
    def changed(self) -> bool:
        """Whether the next release has something to say."""
        return self.action in {"published", "amended", "ended", "cancelled"}


def rule_of(settings: Settings) -> DecisionRule:
    """Return the rule that decisions are made by."""
    return DecisionRule(**settings.flooding.rule.model_dump(exclude_none=True))


def issuer_of(ground: Ground, settings: Settings) -> Issuer:
    """Return who publishes the flood orders of a city."""
    file, chosen = ground.city.file, settings.flooding
    authority = chosen.authority or settings.publisher or file.title
    return Issuer(
        city=file.name,
        authority=authority,
        legal_basis=chosen.legal_basis or _NOBODY,
        contact_name=chosen.contact or authority,
        contact_email=settings.contact_email,
        language=file.language,
        timezone=file.timezone,
        unknown_end=timedelta(seconds=chosen.unknown_end_s),
        note=ground.city.flooding.label,
    )


def apply_decisions(
    database: Database,
    decisions: Iterable[Decision],
    *,
    sites: Mapping[str, Site],
    ground: Ground,
    settings: Settings,
    as_of: datetime,
    actor: str = ACTOR,
    methods: Mapping[str, str] | None = None,
) -> tuple[Applied, ...]:
    """Bring the orders of some sites to what is decided for them; release afterwards.

    May be repeated: what is stored already is not stored again. A site whose order is refused harms no other.

    Parameters
    ----------
    decisions
        The newest of each site.
    sites
        By id.
    actor
        Who decided, for the audit log.
    methods
        By site: how the depth is known.

    Raises
    ------
    SourceUnavailable, ScenarioInvalid
        If the city or the database cannot be used.
    """
    desk = _Desk(database, ground, settings, as_of, actor)
    open_orders = open_flood_orders(database, ground.city.name)
    return tuple(
        desk.applied(one, sites[one.site], open_orders.get(one.site, ()), (methods or {}).get(one.site, ""))
        for one in decisions
        if one.site in sites
    )


def override(
    database: Database, site: Site, level: Level, *, officer: str, reason: str, until: datetime, ground: Ground,
    settings: Settings, as_of: datetime,
) -> tuple[Decision, Applied]:  # fmt: skip
    """Order a level for a site against or without readings until `until`; release afterwards.

    The officer and the reason stand in the audit log of the order, and with the decision.

    Raises
    ------
    OrderConflict
        If there is no reason, or `until` is not ahead; nothing is changed.
    """
    city = ground.city.name
    with database.transaction() as connection:
        log = FloodDecisions(connection, city)
        before = log.latest(site=site.id).get(site.id)
        decision = overridden(site.id, before, level, by=officer, reason=reason, as_of=as_of, until=until)
        log.add([decision], actor=officer)
    done = apply_decisions(
        database, [decision], sites={site.id: site}, ground=ground, settings=settings, as_of=as_of, actor=officer
    )
    return decision, done[0]


def open_flood_orders(database: Database, city: str) -> dict[str, tuple[StoredOrder, ...]]:
    """Return the orders of flooded sites that have neither ended nor were cancelled, by site."""
    with database.reading() as connection:
        stored = Orders(connection).list(city=city, states=_LIVE)
    found: dict[str, tuple[StoredOrder, ...]] = {}
    for one in stored:
        site = site_of(one.order)
        if site:
            found[site] = (*found.get(site, ()), one)
    return found


def site_of(order: Order) -> str:
    """Return the id of the site that an order is of, "" where it is of none."""
    waters = (measure.water for measure in order.measures if measure.water is not None)
    return next((water.site for water in waters if water.site), "")


def is_approved(stored: StoredOrder | None) -> bool:
    """Tell whether an officer has let a closure pass that awaited approval: its order closes, and is on its way out."""
    if stored is None or stored.state in _DRAFTS:
        return False
    return any(not isinstance(measure.rule, Hazard) for measure in stored.order.measures)


def settle_approvals(database: Database, city: str, *, as_of: datetime) -> tuple[Decision, ...]:
    """Write down that officers have approved closures that awaited it, and return those decisions as they hold now.

    Officers approve the order; what is decided next has to know of it.
    """
    open_orders = open_flood_orders(database, city)
    settled = []
    with database.transaction() as connection:
        log = FloodDecisions(connection, city)
        for site, decision in log.latest().items():
            order = next(filter(is_approved, open_orders.get(site, ())), None)
            if decision.awaits_approval and order is not None:
                by = order.approved_by or ""
                settled.append(approved(decision, by=by, as_of=max(as_of, decision.decided_at)))
                log.add(settled[-1:], actor=by)
    return tuple(settled)


class _Desk:
    """Applies decisions in one city at one instant."""

    def __init__(self, database: Database, ground: Ground, settings: Settings, as_of: datetime, actor: str) -> None:
        self._database, self._ground, self._settings = database, ground, settings
        self._as_of, self._actor = as_of, actor
        self._issuer, self._rule = issuer_of(ground, settings), rule_of(settings)

    def applied(self, decision: Decision, site: Site, open_orders: Sequence[StoredOrder], method: str) -> Applied:
        """Bring one site's orders to what is decided."""
        own = order_id_of(decision.episode) if decision.episode else ""
        others = [one for one in open_orders if not own or one.order.id.partition(".")[0] != own]
        mine = next((one for one in open_orders if one not in others), None)
        done = [self._over(one, decision) for one in others]
        if decision.level is Level.CLEAR or not own:
            return done[-1] if done else Applied(site=decision.site, action="none")
        try:
            return self._told(decision, site, own, mine, method)
        except (OrderInvalid, OrderConflict) as refusal:
            findings = tuple(refusal.findings) if isinstance(refusal, OrderInvalid) else ()
            return Applied(site=decision.site, action="refused", order_id=own, findings=findings, trouble=str(refusal))

    def _told(self, decision: Decision, site: Site, order_id: str, mine: StoredOrder | None, method: str) -> Applied:
        if mine is None:
            order_id = self._free(order_id)
        order = order_of(
            decision, site, self._ground.graph, self._issuer, self._rule,
            order_id=mine.order.id if mine else order_id, before=mine.order if mine else None,
            as_of=self._as_of, method=method,
        )  # fmt: skip
        if order is None:
            return self._over(mine, decision) if mine else Applied(site=site.id, action="none")
        if decision.awaits_approval and not is_approved(mine):
            return self._drafted(order, decision, mine)
        if mine is not None and mine.state not in _DRAFTS and says_the_same(order, mine.order):
            return Applied(site=site.id, action="kept", order_id=mine.order.id, version=mine.latest_version)
        return self._published(order, decision, mine)

    def _published(self, order: Order, decision: Decision, mine: StoredOrder | None) -> Applied:
        found = self._findings(order)
        if errors := errors_in(found):
            raise OrderInvalid(f"order {order.id} is not published: {errors[0].message}", errors)
        said = {"actor": self._actor, "reason": audit_text(decision)}
        if mine is None:
            stored = store_emergency(self._database, order, found, as_of=self._as_of, **said)
        else:
            stored = amend_emergency(
                self._database, order, found, as_of=self._as_of, expected_revision=mine.revision, **said
            )
        return Applied(
            site=decision.site,
            action="published" if mine is None else "amended",
            order_id=order.id,
            version=stored.latest_version,
            findings=found,
        )

    def _drafted(self, order: Order, decision: Decision, mine: StoredOrder | None) -> Applied:
        """Store a closure that waits for an officer; what is served of its episode is served on."""
        if mine is not None and mine.state in _DRAFTS and says_the_same(order, mine.order):
            return Applied(site=decision.site, action="kept", order_id=order.id, version=mine.latest_version)
        if mine is None:
            stored = create_order(self._database, order, actor=self._actor, as_of=self._as_of)
        else:
            stored = amend_order(
                self._database, order, expected_revision=mine.revision, actor=self._actor, as_of=self._as_of
            )
        found = self._findings(order)
        record_check(self._database, order.id, stored.latest_version, found, as_of=self._as_of)
        return Applied(
            site=decision.site, action="drafted", order_id=order.id, version=stored.latest_version, findings=found
        )

    def _over(self, one: StoredOrder, decision: Decision) -> Applied:
        """End an order whose water is gone; one that is not released, or has a new version waiting, is cancelled."""
        ends = one.state in SERVED
        step = end_order if ends else cancel_order
        try:
            step(
                self._database, one.order.id, reason=audit_text(decision), actor=self._actor, as_of=self._as_of,
                expected_revision=one.revision,
            )  # fmt: skip
        except OrderConflict as refusal:
            return Applied(site=decision.site, action="refused", order_id=one.order.id, trouble=str(refusal))
        return Applied(
            site=decision.site,
            action="ended" if ends else "cancelled",
            order_id=one.order.id,
            version=one.latest_version,
        )

    def _findings(self, order: Order) -> tuple[Finding, ...]:
        """Return what the checks find: what the water does to the city is no fault of the order, so it is a warning."""
        checked = check_order_body(order, settings=self._settings, database=self._database, as_of=self._as_of)
        return tuple(
            finding
            if finding.severity is not Severity.ERROR or finding.rule.startswith(_OWN_FAULTS)
            else replace(finding, severity=Severity.WARNING)
            for finding in checked.findings
        )

    def _free(self, order_id: str) -> str:
        """Return the id, with a number where an order of it is over already: its episode came back to life."""
        with self._database.reading() as connection:
            orders = Orders(connection)
            for number in range(1, 100):
                name = order_id if number == 1 else f"{order_id[:58]}.{number}"
                try:
                    orders.get(name)
                except OrderNotFound:
                    return name
        raise OrderConflict(f"there are a hundred orders {order_id}: look at what opens and ends them")


def audit_text(decision: Decision) -> str:
    """Return why, and on what it rests, for the audit log."""
    rests = [f"readings {', '.join(decision.readings)}"] if decision.readings else []
    if decision.forecast is not None:
        rests.append(f"forecast of {decision.forecast.isoformat(timespec='seconds')}")
    why = decision.reason or f"{decision.level.value}, {decision.basis.value}"
    by = "" if decision.basis is Basis.OFFICER else f" ({decision.basis.value})"
    return f"{why}{by}" + (f" [{'; '.join(rests)}]" if rests else "")
