"""Would each partner take the records of an order? Asked before anything is published, and without simulating."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant, ScenarioInvalid, SourceUnavailable
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.in_datum import in_datum
from trafficfeed.formats.profiles import PROFILES
from trafficfeed.formats.profiles.rules_of_all import closes_to_cars, kind_of
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.network.city import City
from trafficfeed.pipeline.assessment import locate
from trafficfeed.pipeline.order_files import ground_for
from trafficfeed.pipeline.records import events_of, within_horizon
from trafficfeed.pipeline.variants import feed_for, feed_info
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.publishing.partners import FILE_NAME, Partner, load_partners
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders

NOTHING_AHEAD: Final = "order.nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one partner would do with one record; `formats` are those of its formats that carry it."""

    record: str
    partner: str
    formats: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def taken(self) -> bool:
        """Whether it would get the record and not refuse it."""
        return bool(self.formats) and not errors_in(self.findings)

    @property
    def word(self) -> str:
        """The worst that holds of ``refused``, ``not sent``, ``no effect`` (on routes), ``caution``, ``taken``."""
        if errors_in(self.findings):
            return "refused"
        if not self.formats:
            return "not sent"
        if any(finding.detail.get("effect") is False for finding in self.findings):
            return "no effect"
        return "caution" if any(finding.severity is Severity.WARNING for finding in self.findings) else "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """The outcomes of an order, record by record and partner by partner; `findings` are on the order itself."""

    order_id: str
    partners: tuple[Partner, ...]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is refused, and the order can be placed."""
        return not errors_in(self.findings) and all(not errors_in(outcome.findings) for outcome in self.outcomes)

    def as_document(self) -> dict[str, Any]:
        """Return the dry run as plain JSON values."""
        return {
            "order": self.order_id,
            "sound": self.sound,
            "partners": [partner.id for partner in self.partners],
            "findings": [asdict(finding) for finding in self.findings],
            "records": [
                {
                    "record": outcome.record,
                    "partner": outcome.partner,
                    "taken": outcome.taken,
                    "outcome": outcome.word,
                    "formats": list(outcome.formats),
                    "findings": [asdict(finding) for finding in outcome.findings],
                }
                for outcome in self.outcomes
            ],
        }


def dry_run_file(file: Path, *, city: str, partner: str, settings: Settings, as_of: datetime) -> DryRun:
    """Ask the city's partners about the records of an order file.

    Parameters
    ----------
    city
        Name or folder; empty: the one that the order names.
    partner
        Id of the only one asked; empty: all.
    as_of
        Aware: now.

    Raises
    ------
    SourceUnavailable, OrderInvalid, ScenarioInvalid
        If the file or the city cannot be used, or there is no such partner.
    """
    try:
        order = parse_order(file.read_bytes(), name=file.name)
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}; give the path of an order file") from error
    ground = ground_for(city, [order], settings)
    return _of_order(order, ground, partner, settings, as_of)


def dry_run_stored(database: Database, order_id: str, *, partner: str, settings: Settings, as_of: datetime) -> DryRun:
    """Ask the city's partners about a stored order, its latest version; parameters as for `dry_run_file`.

    Raises
    ------
    OrderNotFound, SourceUnavailable, ScenarioInvalid
        If there is no such order or partner, or the city cannot be used.
    """
    with database.reading() as connection:
        stored = Orders(connection).get(order_id)
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    return _of_order(stored.order, ground, partner, settings, as_of, stored.version)


def dry_run(events: Iterable[RoadEvent], partners: Sequence[Partner], *, feed: FeedInfo) -> tuple[Outcome, ...]:
    """Return what each partner would do with each of `events`, which are in WGS-84; `feed` is the city's own."""
    return tuple(_outcome(event, partner, feed_for(partner, feed)) for event in events for partner in partners)


def partners_of(city: City, only: str = "") -> tuple[Partner, ...]:
    """Return the city's partners; one of each profile, named after it, where the city has set up none.

    Raises
    ------
    ScenarioInvalid
        If `partners.toml` cannot be used, or `only` is not the id of a partner.
    """
    partners = load_partners(city) or _one_of_each()
    if not only:
        return partners
    found = tuple(partner for partner in partners if partner.id == only)
    if not found:
        known = ", ".join(partner.id for partner in partners)
        raise ScenarioInvalid(f"there is no partner {only!r} in {city.folder / FILE_NAME}: use one of {known}")
    return found


def _one_of_each() -> tuple[Partner, ...]:
    return tuple(
        Partner(
            id=profile.name,
            title=profile.title,
            profile=profile.name,
            datum=profile.datum,
            formats=tuple(name for name in profile.formats if name in STANDARDS),
            decimals=profile.decimals,
        )
        for profile in PROFILES.values()
    )


def _of_order(
    order: Order, ground: Ground, partner: str, settings: Settings, as_of: datetime, version: int = 1
) -> DryRun:
    partners = partners_of(ground.city, partner)
    located = locate(order, ground, since=as_of, until=as_of + timedelta(days=settings.planning_days))
    events = events_of(
        within_horizon(located, as_of=as_of, settings=settings),
        ground=ground,
        settings=settings,
        certificate=None,
        version=version,
        created=as_of,
        updated=as_of,
    )
    findings = located.findings if events else (*located.findings, _nothing(order))
    outcomes = dry_run(events, partners, feed=feed_info(ground, settings))
    return DryRun(order_id=order.id, partners=partners, outcomes=outcomes, findings=findings)


def _nothing(order: Order) -> Finding:
    return Finding(
        rule=NOTHING_AHEAD,
        severity=Severity.ERROR,
        message="no record would be published: nothing of the order lies ahead on a street that is known",
        where=order.id,
        mend="check its times and places, or ask with --as-of",
    )


def _outcome(event: RoadEvent, partner: Partner, feed: FeedInfo) -> Outcome:
    moved = in_datum(event, feed.datum, decimals=feed.decimals)
    formats: list[str] = []
    findings = list(PROFILES[partner.profile].would_take(moved, feed))
    for name in partner.formats:
        try:
            if STANDARDS[name].fragments(moved, feed):
                formats.append(name)
        except FeedNonConformant as refusal:
            findings += refusal.findings
    if not formats and not errors_in(findings):
        shown = [finding for finding in findings if finding.detail.get("effect") is not False]
        findings = [*shown, _not_said(event, partner, feed)]
    return Outcome(record=event.id, partner=partner.id, formats=tuple(formats), findings=tuple(findings))


def _not_said(event: RoadEvent, partner: Partner, feed: FeedInfo) -> Finding:
    return Finding(
        rule="partner.formats",
        severity=Severity.ERROR if closes_to_cars(event, feed) else Severity.WARNING,
        message=f"none of its formats ({', '.join(partner.formats)}) has a place for a {kind_of(event)}"
        f" because of {event.reason.value.replace('_', ' ')}",
        where=event.id,
        mend="give the partner a format that has one",
    )
