"""Public ids, MAP numbers and names of intersections: from OSM nodes or street names, never from SUMO's ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import cos, hypot, radians

from trafficfeed.network.naming import normalise, without_accents

_METRES_PER_DEGREE = 111_195.0
_SAME_PLACE_M = 30.0
_FIRST_NUMBER, _LAST_NUMBER = 256, 65_535  # 0..255 are for tests (source: SAE J2735, IntersectionID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an intersection can be named by.

    `osm_nodes` are those at which its approaches end; `streets` most lanes first; `lonlat` EPSG:4326 lon, lat.
    """

    lonlat: tuple[float, float]
    osm_nodes: frozenset[int]
    streets: Sequence[str]


def public_ids(places: Sequence[Place], known: Mapping[str, tuple[float, float]] | None = None) -> list[str]:
    """Return an id for each place: ``osm-<node>`` where OSM is linked, else its streets, else a number by position.

    Parameters
    ----------
    places
        In any order; the ids do not depend on it.
    known
        Ids given before with their lon, lat: a place without OSM nodes within 30 m of one keeps it.
    """
    ids: dict[int, str] = {}
    taken: set[str] = set()
    order = sorted(range(len(places)), key=lambda i: (_rounded(places[i].lonlat), sorted(places[i].osm_nodes)))
    for i in sorted(order, key=lambda i: min(places[i].osm_nodes, default=0)):
        wanted = (f"osm-{node}" for node in sorted(places[i].osm_nodes))
        if own := next((id for id in wanted if id not in taken), None):
            ids[i] = own
            taken.add(own)
    for i in order:
        if i not in ids and (own := _known_at(places[i].lonlat, known or {}, taken)):
            ids[i] = own
            taken.add(own)
    taken |= set(known or {})
    counts: dict[str, int] = {}
    for i in order:
        if i not in ids:
            ids[i] = _free(_slug(places[i].streets[:2]), taken, counts)
            taken.add(ids[i])
    return [ids[i] for i in range(len(places))]


def map_numbers(ids: Iterable[str], known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return a 16-bit MAP ``IntersectionID`` of each public id: from its hash, the next free one where that is taken.

    Numbers given before (`known`) stay. Up to 65,280 intersections of one region.

    Raises
    ------
    ValueError
        If there are more.
    """
    wanted = sorted(set(ids))
    if len(wanted) > _LAST_NUMBER - _FIRST_NUMBER + 1:
        raise ValueError(f"{len(wanted)} intersections do not fit in one region's 16-bit numbers: use several regions")
    numbers = {id: known[id] for id in wanted if known and id in known}
    taken = set(numbers.values())
    span = _LAST_NUMBER - _FIRST_NUMBER + 1
    for id in wanted:
        if id in numbers:
            continue
        number = _FIRST_NUMBER + int.from_bytes(sha256(id.encode()).digest()[:4], "big") % span
        while number in taken:
            number = number + 1 if number < _LAST_NUMBER else _FIRST_NUMBER
        numbers[id] = number
        taken.add(number)
    return numbers


def title_of(place: Place, id: str) -> str:
    """Return the name for people: its two widest streets, else its id in words."""
    return " / ".join(place.streets[:2]) or id.replace("-", " ")


def _slug(streets: Sequence[str]) -> str:
    words = without_accents(" ".join(normalise(street) for street in sorted(streets)))
    plain = "".join(c if c.isascii() else f"u{ord(c):x}" for c in words)  # letters beyond ASCII stay apart
    return plain.replace(" ", "-").replace("_", "-")


def _free(stem: str, taken: set[str], counts: dict[str, int]) -> str:
    """Return `stem` where it is free, else with the next free number; what has no streets is numbered from 1."""
    number = counts.get(stem, 0)
    while True:
        number += 1
        id = (stem if number == 1 else f"{stem}-{number}") if stem else f"junction-{number}"
        if id not in taken:
            counts[stem] = number
            return id


def _known_at(lonlat: tuple[float, float], known: Mapping[str, tuple[float, float]], taken: set[str]) -> str | None:
    near = [(_metres(lonlat, at), id) for id, at in known.items() if id not in taken]
    distance_m, id = min(near, default=(_SAME_PLACE_M + 1, ""))
    return id if distance_m <= _SAME_PLACE_M else None


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    return _METRES_PER_DEGREE * hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1])


def _rounded(lonlat: tuple[float, float]) -> tuple[float, float]:
    return round(lonlat[1], 5), round(lonlat[0], 5)
