"""The semantic rules on what is new in a draft: checked as one document, halved until the faulty orders are found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.standard import Fragment
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.variants import Variant

Fragments = Mapping[str, Sequence[Fragment]]
"""What each order adds to one document, by a key of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a part of a document is held against.

    `previous` is what was published of these orders (or of all of them) before, None where nothing was; `gone` are ids
    in it that may be missing now, because the release says of them that they are gone.
    """

    variant: Variant
    graph: RoadGraph
    as_of: datetime
    previous: bytes | None = None
    gone: frozenset[str] = frozenset()

    def errors_by_order(self, fragments: Fragments) -> dict[str, tuple[Finding, ...]]:
        """Return the errors that the rules find in the document of some orders, by the order that has them.

        A rule of the document as a whole, which no part of it breaks by itself, is charged to all the orders of the
        smallest part that does.
        """
        if self.variant.standard.read is None:
            return {}
        added = {key: found for key, found in fragments.items() if found}
        errors = self._errors(added) if added else ()
        if not errors:
            return {}
        if len(added) == 1:
            return dict.fromkeys(added, errors)
        keys = sorted(added)
        found: dict[str, tuple[Finding, ...]] = {}
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            found |= self.errors_by_order({key: added[key] for key in half})
        return found or dict.fromkeys(added, errors)

    def _errors(self, fragments: Fragments) -> tuple[Finding, ...]:
        variant = self.variant
        document = variant.standard.assemble(in_order(fragments.values()), self.as_of, variant.info)
        try:
            found = semantics.check(
                variant.standard.name,
                document,
                graph=self.graph,
                bounds=variant.info.bounds,
                previous=self.previous,
                as_of=self.as_of,
                gone=self.gone,
            )
        except FeedNonConformant as unreadable:
            return errors_in(unreadable.findings) or (_unreadable(variant, unreadable),)
        return errors_in(found)


def against(
    variant: Variant,
    graph: RoadGraph,
    as_of: datetime,
    *,
    before: Iterable[Fragment] = (),
    document: bytes | None = None,
) -> Inspection:
    """Return the inspection of new records against those of `before`, or against a whole `document` of before."""
    known = sorted(before, key=lambda fragment: fragment.id)
    if known:
        gone = {name for fragment in known for name in (fragment.id, fragment.event_id)}
        document = variant.standard.assemble(known, as_of, variant.info)
    else:
        gone = _ids_in(document, variant)
    return Inspection(
        variant=variant,
        graph=graph,
        as_of=as_of,
        previous=document if gone else None,
        gone=frozenset(gone),
    )


def in_order(groups: Iterable[Sequence[Fragment]]) -> list[Fragment]:
    """Return all fragments by id."""
    return sorted((fragment for group in groups for fragment in group), key=lambda fragment: fragment.id)


def _ids_in(document: bytes | None, variant: Variant) -> set[str]:
    """Return the ids of a published document; none where it cannot be read: that must not keep a release back."""
    if document is None or variant.standard.read is None:
        return set()
    try:
        return {record.id for record in semantics.read(variant.standard.name, document).records}
    except FeedNonConformant:
        return set()


def _unreadable(variant: Variant, error: FeedNonConformant) -> Finding:
    return Finding(rule="feed.document.shape", severity=Severity.ERROR, message=str(error), where=variant.name)
