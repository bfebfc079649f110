"""The structure of documents of the standards whose schemas are not at hand: checked by rules of our own."""

from collections.abc import Callable
from types import MappingProxyType

from trafficfeed.findings import Finding
from trafficfeed.formats.cap_structure import check_structure
from trafficfeed.formats.gtfs_rt_reading import check_message

_CHECKS: MappingProxyType[str, Callable[[bytes], tuple[Finding, ...]]] = MappingProxyType(
    {"cap": check_structure, "gtfs-rt": check_message}
)


def structure_findings(name: str, data: bytes) -> tuple[Finding, ...]:
    """Return where a document breaks the structure of its standard, nothing for standards with schemas of their own.

    Raises
    ------
    FeedNonConformant
        If the document cannot be read at all.
    """
    check = _CHECKS.get(name)
    return check(data) if check else ()
