"""A made city of any size: intersections of eight groups in four stages, and when each group shows what."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalGroup, Topology
from trafficfeed.signals.topology_document import content_hash

GROUPS: Final = 8
STAGES: Final = 4
_CYCLES_S: Final = (70.0, 80.0, 90.0, 100.0, 110.0)
_AMBER_S: Final = 3.0
_RED_S: Final = 2.0
_PRE_S: Final = 1.0


def made_topology(intersections: int) -> Topology:
    """Return a city of so many intersections on a grid; two groups a stage, those of different stages conflicting."""
    conflicts = tuple(
        (a, b) for a in range(1, GROUPS + 1) for b in range(a + 1, GROUPS + 1) if (a - 1) // 2 != (b - 1) // 2
    )
    made: dict[str, Intersection] = {}
    for n in range(intersections):
        lon, lat = 24.0 + (n % 150) * 0.004, 60.0 + (n // 150) * 0.002
        id = f"made-{n:05}"
        made[id] = Intersection(
            id=id, number=n % 65_536, region=1, name=f"Junction {n}", lonlat=(lon, lat), lanes=(), connections=(),
            groups=tuple(
                SignalGroup(
                    id=g, name=f"K{g}", street=f"Street {n}", compass="north", manoeuvres=(Manoeuvre.STRAIGHT,),
                    stop_line=(lon + g * 1e-5, lat),
                )
                for g in range(1, GROUPS + 1)
            ),
            conflicts=conflicts,
        )  # fmt: skip
    now = datetime.now(UTC)
    return Topology(city="made", version=content_hash(made.values()), source="made", made_at=now, intersections=made)


@dataclass(frozen=True, slots=True)
class Lit:
    """A group begins to show an aspect; `at_s` on the street's own clock."""

    at_s: float
    intersection: str
    group: int
    aspect: Aspect


def street(intersections: int, begin_s: float, *, seed: int = 1) -> Iterator[Lit]:
    """Yield for ever what one intersection after the other shows, merged in time from `begin_s` on.

    Cycles of 70 to 110 s from any phase, greens that last some seconds more or less each time, as actuated ones do.
    """
    import heapq

    return heapq.merge(*(_junction(n, begin_s, seed) for n in range(intersections)), key=lambda lit: lit.at_s)


def _junction(n: int, begin_s: float, seed: int) -> Iterator[Lit]:
    rng = random.Random(f"{seed} {n}")
    id = f"made-{n:05}"
    green_s = rng.choice(_CYCLES_S) / STAGES - _AMBER_S - _RED_S - _PRE_S
    at, stage = begin_s + rng.random() * 20.0, rng.randrange(STAGES)
    for group in range(1, GROUPS + 1):
        yield Lit(begin_s + rng.random() * 0.5, id, group, Aspect.STOP_AND_REMAIN)
    while True:
        lasts = max(5.0, green_s + rng.choice((0.0, 0.0, 0.0, 1.0, -1.0, 3.0)))
        for after, aspect in (
            (0.0, Aspect.PRE_MOVEMENT),
            (_PRE_S, Aspect.PROTECTED_GREEN),
            (_PRE_S + lasts, Aspect.PROTECTED_AMBER),
            (_PRE_S + lasts + _AMBER_S, Aspect.STOP_AND_REMAIN),
        ):
            for group in (2 * stage + 1, 2 * stage + 2):
                yield Lit(at + after, id, group, aspect)
        at += _PRE_S + lasts + _AMBER_S + _RED_S
        stage = (stage + 1) % STAGES
