"""Drafted orders to the release's documents; one in which nothing changed keeps its bytes and its publication time."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trafficfeed.errors import FeedNonConformant, PublishFailed
from trafficfeed.formats import native, semantics
from trafficfeed.formats.feed_info import FeedInfo, Tombstone
from trafficfeed.formats.standard import Fragment
from trafficfeed.pipeline.draft_checks import in_order
from trafficfeed.pipeline.drafting import OrderDraft
from trafficfeed.pipeline.variants import Variant
from trafficfeed.publishing.documents import Document, DocumentEntry, Manifest
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.publishing.tombstones import tombstones_after
from trafficfeed.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A document, and all that it was made of but its time of publication."""

    fragments: Sequence[Fragment]
    info: FeedInfo
    document: Document


class DocumentMaker:
    """Makes the documents of releases, remembering those of the last."""

    def __init__(self, variants: Sequence[Variant], store: ReleaseStore, settings: Settings) -> None:
        self._variants = variants
        self._store = store
        self._keep = timedelta(seconds=settings.keep_tombstones_s)
        self._made: dict[str, Made] = {}
        self._native = next(variant for variant in variants if native.FILE_NAME in variant.files)

    def documents(
        self, drafts: Iterable[OrderDraft], *, previous: Manifest | None, as_of: datetime
    ) -> dict[str, Document]:
        """Return the documents by file name; one that says what it says in the `previous` release is the same bytes.

        Raises
        ------
        FeedNonConformant
            If two records of a document have the same id.
        SourceUnavailable
            If the previous release cannot be read.
        """
        good = tuple(drafts)
        gone = self._tombstones({event.event.id for draft in good for event in draft.events}, previous, as_of)
        found: dict[str, Document] = {}
        for variant in self._variants:
            fragments = in_order(draft.fragments(variant) for draft in good)
            _refuse_repeated(fragments, variant)
            entry = _entry(variant, previous)
            made = self._document(variant, fragments, replace(variant.info, tombstones=gone), entry, as_of)
            self._made[variant.name] = made
            found |= dict.fromkeys(variant.files, made.document)
        return found

    def next_change(self) -> datetime | None:
        """Return when the oldest tombstone goes; None where there is none."""
        made = self._made.get(native.FILE_NAME)
        return min((stone.at + self._keep for stone in made.info.tombstones), default=None) if made else None

    def _document(
        self,
        variant: Variant,
        fragments: Sequence[Fragment],
        info: FeedInfo,
        entry: DocumentEntry | None,
        as_of: datetime,
    ) -> Made:
        known = self._made.get(variant.name)
        if known is None or entry is None or known.document.sha256 != entry.sha256:
            is_new = False  # not what is served: only the bytes can tell
        elif (known.fragments, known.info) == (fragments, info):
            return known
        else:
            is_new = [f.data for f in known.fragments] != [f.data for f in fragments]

        def made(published: datetime) -> Made:
            data = variant.standard.assemble(fragments, published, info)
            document = Document(data=data, media_type=variant.standard.media_type)
            return Made(fragments=fragments, info=info, document=document)

        if entry is not None and not is_new:
            same = made(entry.modified)
            if same.document.sha256 == entry.sha256:
                return same
        return made(as_of)

    def _tombstones(self, ids: set[str], previous: Manifest | None, as_of: datetime) -> tuple[Tombstone, ...]:
        entry = previous.documents.get(native.FILE_NAME) if previous else None
        if previous is None or entry is None:
            return ()
        known = self._made.get(native.FILE_NAME)
        if known is None or known.document.sha256 != entry.sha256:
            return tombstones_after(self.published(self._native, previous), ids, as_of=as_of, keep=self._keep)
        stones = tuple(known.info.tombstones)
        left = {fragment.event_id for fragment in known.fragments} <= ids
        if left and all(stone.id not in ids and stone.at > as_of - self._keep for stone in stones):
            return stones
        return tombstones_after(known.document.data, ids, as_of=as_of, keep=self._keep)

    def published(self, variant: Variant, previous: Manifest | None) -> bytes | None:
        """Return the variant's document in the `previous` release; None where it has none, or it is damaged."""
        name = next((file for file in variant.files if previous and file in previous.documents), None)
        if previous is None or name is None:
            return None
        try:
            return self._store.document(previous, name).data
        except PublishFailed as damage:
            _log.error("what is published next cannot be compared with it: %s", damage)
            return None


def _entry(variant: Variant, previous: Manifest | None) -> DocumentEntry | None:
    """Return the variant's document in the previous release, under any of its names."""
    found = (previous.documents.get(file) for file in variant.files) if previous else iter(())
    return next((entry for entry in found if entry is not None), None)


def _refuse_repeated(fragments: Sequence[Fragment], variant: Variant) -> None:
    found = semantics.check_ids(fragment.id for fragment in fragments)
    if found:
        message = f"the draft breaks a rule and is not released: {variant.name}: {found[0].message}"
        raise FeedNonConformant(message, found)
