"""The pages on releases: the list of them, and what differs between two, as a person reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api import wording
from api.deps import Services
from api.pages import CityView, Pages
from trafficfeed.formats.native import FILE_NAME
from trafficfeed.publishing.differences import FieldChange, RecordChange, differences, in_words
from trafficfeed.publishing.documents import Manifest
from trafficfeed.windows import Window

PAGE = 50
_MOST_RECORDS = 200
_QUIET_FIELDS = ("updated", "order.version")  # they change with everything else


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """One line of the list."""

    number: int
    version: str
    when: str
    orders: int
    records: int
    rolled_back: str
    resumed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One record on the page of differences."""

    id: str
    title: str
    where: str
    when: str
    reason: str
    fields: Sequence[tuple[str, str, str]]


def list_page(pages: Pages, services: Services, *, before: int | None, now: datetime) -> str:
    """Return the page that lists releases, newest first, of numbers below `before`."""
    found = services.releases.manifests(before=before, limit=PAGE)
    return pages.render(
        "releases.html",
        city=CityView.of(services.city),
        releases=[_view(manifest, services, now) for manifest in found],
        newer=before is not None,
        older=found[-1].number if found and found[-1].number > 1 else None,
    )


def diff_page(pages: Pages, services: Services, old: Manifest, new: Manifest, *, now: datetime) -> str:
    """Return the page that says what differs between two releases; raises as `ReleaseStore.document`."""
    found = differences(
        services.releases.document(old, FILE_NAME).data, services.releases.document(new, FILE_NAME).data
    )
    groups = [
        (name, sign, len(changes), [_change(change, services, now) for change in changes[:_MOST_RECORDS]])
        for name, sign, changes in (
            ("Added", "+", found.added),
            ("Removed", "−", found.removed),
            ("Changed", "~", found.changed),
        )
        if changes
    ]
    return pages.render(
        "release_diff.html",
        city=CityView.of(services.city),
        before=_view(old, services, now),
        after=_view(new, services, now),
        groups=groups,
        same=found.same,
    )


def _view(manifest: Manifest, services: Services, now: datetime) -> ReleaseView:
    orders: Mapping[str, Mapping[str, Any]] = manifest.facts.get("orders", {})
    held, resumed = manifest.rolled_back, manifest.facts.get("resumed")
    return ReleaseView(
        number=manifest.number,
        version=manifest.version[:12],
        when=wording.moment(manifest.published_at, services.zone, now=now),
        orders=len(orders),
        records=sum(int(facts.get("records", 0)) for facts in orders.values()),
        rolled_back=f"{held.by} went back to release {held.to}: {held.reason}" if held else "",
        resumed=f"{resumed['by']} took the rollback back" if resumed else "",
    )


def _change(change: RecordChange, services: Services, now: datetime) -> ChangeView:
    facts = change.facts
    title, _ = wording.text_in(facts.get("title", {}), services.city.file.language)
    ends = [str(facts[name]) for name in ("from_street", "to_street") if facts.get(name)]
    return ChangeView(
        id=change.id,
        title=title or change.id,
        where=", ".join(part for part in (str(facts.get("street") or "unnamed street"), " to ".join(ends)) if part),
        when=_when(facts, services, now),
        reason=change.reason,
        fields=[_field(one, services, now) for one in change.fields if one.field not in _QUIET_FIELDS],
    )


def _when(facts: Mapping[str, Any], services: Services, now: datetime) -> str:
    try:
        window = Window(start=datetime.fromisoformat(facts["start"]), end=datetime.fromisoformat(facts["end"]))
    except (KeyError, ValueError, TypeError):
        return ""
    return wording.span(window, services.zone, now=now)


def _field(one: FieldChange, services: Services, now: datetime) -> tuple[str, str, str]:
    def told(value: Any) -> str:
        if isinstance(value, str) and one.field in ("start", "end", "created"):
            return wording.moment(datetime.fromisoformat(value).astimezone(UTC), services.zone, now=now)
        return in_words(value)

    return one.field.replace("_", " ").replace(".", ": "), told(one.before), told(one.after)
