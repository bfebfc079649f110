"""What a feed says of itself: who publishes it, under which licence, in which datum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A record that is not in the feed any more: its id, why (``ended``, ``cancelled``, ``withdrawn``), since when."""

    id: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInfo:
    """The feed's own particulars, the same in every format.

    Attributes
    ----------
    publisher, contact_name, contact_email
        Who answers for the feed.
    licence, attribution
        As the city states them; the licence as a name (``ODbL-1.0``, ``CC0-1.0``) or a URL.
    language, timezone
        BCP 47, in which formats with one language speak; the city's IANA zone.
    public_url
        Where this document is served.
    update_frequency_s
        Longest time between two looks at the facts, s.
    datum, decimals
        Of the coordinates: wgs84, gcj02 or bd09; most decimals that the taker reads, None: as many as are exact.
    left_hand
        Traffic drives on the left; turns the counting of lanes round.
    bounds
        West, south, east, north of the city, degrees, in the feed's datum.
    tombstones
        Records lately taken out, by id.
    event_codes
        The deployer's codes of GB/T 29100 by ``reason.rule``, ``reason`` or ``rule``; empty: there is no table.
    """

    publisher: str
    contact_name: str
    contact_email: str | None = None
    licence: str
    attribution: str
    language: str
    public_url: str
    timezone: str = "UTC"
    update_frequency_s: int = 60
    datum: str = "wgs84"
    decimals: int | None = None
    left_hand: bool = False
    bounds: tuple[float, float, float, float] | None = None
    tombstones: Sequence[Tombstone] = ()
    event_codes: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def frame(self) -> tuple[str, int | None]:
        """What coordinates are written in: datum and decimals."""
        return self.datum, self.decimals


def utc_text(instant: datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC to the second, with ``Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
