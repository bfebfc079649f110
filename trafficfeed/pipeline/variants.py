"""Which documents a release has: every standard for the city, and each partner's formats in its datum and language."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.in_datum import feed_in_datum
from trafficfeed.formats.rules.geometry import bounds_of
from trafficfeed.formats.standard import Standard
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.publishing.partners import Partner
from trafficfeed.settings import Settings

CODED: Final = frozenset({"rsi"})
"""Standards that are not offered without the deployer's table of event codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One document: a standard, and what the feed says of itself in it; published under each of `files`.

    `info` is in the document's own datum and has no tombstones: those come with each release.
    """

    standard: Standard
    info: FeedInfo
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        """The document for messages and keys: the first name that it is published under."""
        return self.files[0]


def variants_of(ground: Ground, settings: Settings, partners: Iterable[Partner] = ()) -> tuple[Variant, ...]:
    """Return the documents of a city and its partners; what two of them share is one variant with two file names."""
    wanted: dict[tuple[object, ...], Variant] = {}
    base = feed_info(ground, settings)
    for variant in (*_of_city(base, ground.city.file.map_datum), *_of_partners(base, partners)):
        info = variant.info
        key = (variant.standard.name, *info.frame, info.language, tuple(sorted(info.event_codes.items())))
        known = wanted.get(key)
        wanted[key] = replace(known, files=(*known.files, *variant.files)) if known else variant
    return tuple(wanted.values())


def feed_info(ground: Ground, settings: Settings) -> FeedInfo:
    """Return what the feeds say of themselves, in WGS-84."""
    city = ground.city
    return FeedInfo(
        publisher=settings.publisher or city.file.title,
        contact_name=settings.publisher or city.file.title,
        contact_email=settings.contact_email,
        licence=city.file.licence,
        attribution=city.file.attribution,
        language=city.file.language,
        timezone=city.file.timezone,
        public_url=settings.public_url,
        left_hand=city.file.network.left_hand,
        bounds=bounds_of(ground.graph),
    )


def _of_city(base: FeedInfo, datum: str) -> Iterator[Variant]:
    for standard in STANDARDS.values():
        if standard.name in CODED:
            continue
        info = feed_in_datum(base, datum if datum in standard.datums else standard.datums[0])
        yield Variant(standard=standard, info=info, files=(standard.file_name,))


def _of_partners(base: FeedInfo, partners: Iterable[Partner]) -> Iterator[Variant]:
    for partner in partners:
        for name in partner.formats:
            info = feed_for(partner, base)
            if name not in CODED:
                info = replace(info, event_codes={})  # so that partners with other codes share it
            elif not info.event_codes:
                continue
            standard = STANDARDS[name]
            yield Variant(standard=standard, info=info, files=(f"partners/{partner.id}/{standard.file_name}",))


def feed_for(partner: Partner, feed: FeedInfo) -> FeedInfo:
    """Return what a feed says of itself to a partner: in its datum and language, with its event codes."""
    return replace(
        feed_in_datum(feed, partner.datum),
        decimals=partner.decimals,
        language=partner.language or feed.language,
        event_codes=partner.event_codes,
    )
