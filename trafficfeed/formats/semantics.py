"""The rules no schema checks, run on every draft and open to everybody: each a function in the `rules` package."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding
from trafficfeed.formats.records import Feed
from trafficfeed.formats.rules.catalogue import BY_ID, RULES
from trafficfeed.formats.rules.geometry import bounds_of
from trafficfeed.formats.rules.rule import Bounds, Yardstick
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.network.road_graph import RoadGraph


def readable() -> tuple[str, ...]:
    """Return the names of the standards that can be checked."""
    return tuple(name for name, standard in STANDARDS.items() if standard.read is not None)


def read(name: str, data: bytes) -> Feed:
    """Return the facts of a document that the rules look at.

    Raises
    ------
    FeedNonConformant
        If the document cannot be read at all, or nothing reads that standard.
    """
    standard = STANDARDS.get(name)
    if standard is None or standard.read is None:
        raise FeedNonConformant(f"nothing reads {name!r}: there are {', '.join(readable())}")
    return standard.read(data)


def check(
    name: str,
    data: bytes,
    *,
    graph: RoadGraph | None = None,
    bounds: Bounds | None = None,
    previous: bytes | None = None,
    as_of: datetime | None = None,
    gone: Collection[str] = (),
    others: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return what is wrong with a document beyond its schema.

    Parameters
    ----------
    name
        Of the standard, as in ``formats.standards.STANDARDS``.
    data
        The document.
    graph
        The road graph it was made on (WGS-84); None: lines are not compared with the roads.
    bounds
        West, south, east, north of the city, degrees, in the document's datum; None: the graph's, else what the
        document states.
    previous
        The document published before it; None: ids and starts are not compared.
    as_of
        Aware; when a record counts as in force or over. None: the document's own time.
    gone
        Ids of records, or of the road events they were made of, that were withdrawn knowingly: they may be missing.
    others
        Ids of records that are published too but are not in this document, which is only a part of what is released:
        links may lead to them, and they count as still there.

    Raises
    ------
    FeedNonConformant
        If the document or the previous one cannot be read at all.
    """
    feed = read(name, data)
    is_wgs84 = feed.datum == "wgs84"
    yard = Yardstick(
        feed=feed,
        graph=graph if is_wgs84 else None,
        bounds=bounds or (bounds_of(graph) if is_wgs84 else None) or feed.bounds,
        previous=None if previous is None else read(name, previous),
        as_of=as_of,
        gone=frozenset(gone),
        others=frozenset(others),
    )
    return tuple(finding for rule in RULES for finding in rule.findings(yard))


def check_ids(ids: Iterable[str]) -> tuple[Finding, ...]:
    """Return the ids that occur more than once among all that a release has: what its parts cannot see."""
    unique = BY_ID["feed.id.unique"]
    return tuple(
        Finding(
            rule=unique.id,
            severity=unique.severity,
            message=f"the id {id!r} is used {count} times",
            where=id,
            mend=unique.mend,
        )
        for id, count in Counter(ids).items()
        if count > 1
    )
