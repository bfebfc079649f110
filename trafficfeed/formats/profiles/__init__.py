"""Whose unwritten rules we know: one file a kind of partner, what it would take, and why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.profiles import china, datex, google, tomtom, waze


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of partner.

    Attributes
    ----------
    name, title
        As `partners.toml` has it; one line for people.
    formats, datum, decimals
        What such a partner usually takes, for a dry run where no partner is set up.
    would_take
        Findings on a record in the datum of the feed: none, it is taken; an error, it would be refused; a warning, it
        is taken but does less than may be meant.
    """

    name: str
    title: str
    formats: Sequence[str]
    would_take: Callable[[RoadEvent, FeedInfo], tuple[Finding, ...]]
    datum: str = "wgs84"
    decimals: int | None = None


PROFILES = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(name="waze", title="Waze", formats=("cifs",), would_take=waze.would_take),
            Profile(name="google", title="Google Maps", formats=("wzdx", "cifs"), would_take=google.would_take),
            Profile(name="tomtom", title="TomTom", formats=("datex2",), would_take=tomtom.would_take),
            Profile(name="datex", title="DATEX II consumers", formats=("datex2",), would_take=datex.would_take),
            Profile(
                name="china",
                title="Chinese map apps",
                formats=("native",),
                would_take=china.would_take,
                datum="gcj02",
                decimals=6,
            ),
        )
    }
)
