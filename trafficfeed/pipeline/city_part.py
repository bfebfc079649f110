"""The part of a city's signals that one of several processes looks after, where one cannot follow them all."""

import re
from dataclasses import replace
from typing import Final, NamedTuple

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.publishing.mqtt_bus import shard_of
from trafficfeed.signals.topology import Topology

_FORM: Final = re.compile(r"([1-9]\d{0,2})/([1-9]\d{0,2})")


class Part(NamedTuple):
    """Part `number`, from 1, of so `many`. An intersection is in that of the CRC-32 of its id, modulo `many`, and 1."""

    number: int = 1
    many: int = 1

    def has(self, intersection: str) -> bool:
        """Whether an intersection is this process's."""
        return shard_of(intersection, self.many) == self.number - 1

    def of(self, topology: Topology) -> Topology:
        """Return what this process looks after; all else is unknown to it."""
        own = {id: one for id, one in topology.intersections.items() if self.has(id)}
        return replace(topology, intersections=own)

    def folder(self, name: str) -> str:
        """Return a folder's name that no other part has: a log is written by one process."""
        return name if self.many == 1 else f"{name}-{self.number}-of-{self.many}"


def read_part(setting: str) -> Part:
    """Read ``1/2``, the first of two; nothing is all.

    Raises
    ------
    ScenarioInvalid
        If it is no part of a whole.
    """
    if not setting:
        return Part()
    found = _FORM.fullmatch(setting.strip())
    if found is None or int(found[1]) > int(found[2]):
        raise ScenarioInvalid(
            f"{setting!r} is no part: set TRAFFICFEED_SIGNALS_PART to 1/2 in one process, 2/2 in another"
        )
    return Part(int(found[1]), int(found[2]))
