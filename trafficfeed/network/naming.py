"""Street names as people write them, and compass directions."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trafficfeed.network.road_graph import RoadGraph

_ABBREVIATIONS = {
    "st": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "avda": "avenida",
    "blvd": "boulevard",
    "bd": "boulevard",
    "bvd": "boulevard",
    "dr": "drive",
    "ln": "lane",
    "pl": "place",
    "sq": "square",
    "ct": "court",
    "pkwy": "parkway",
    "hwy": "highway",
    "str": "strasse",
    "pza": "plaza",
    "ul": "ulitsa",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
}
_COMPOUND = re.compile(r"(?<=\w)str\.(?=\s|$)")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_PARTS = re.compile(r"\s*;\s*|\s+[/|–—-]\s+")


@lru_cache(maxsize=100_000)
def normalise(name: str) -> str:
    """Return the key under which a street name is compared: case, accents' encoding, abbreviations, punctuation."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = _WORD.findall(_COMPOUND.sub("strasse", folded.replace("'", "").replace("’", "")))
    return " ".join(_spelt_out(word, i) for i, word in enumerate(words))


def _spelt_out(word: str, position: int) -> str:
    if word == "st" and position == 0:
        return "saint"
    return _ABBREVIATIONS.get(word, word)


@lru_cache(maxsize=100_000)
def without_accents(key: str) -> str:
    """Return `key` without its diacritics: what somebody writes on a keyboard that lacks them."""
    return "".join(c for c in unicodedata.normalize("NFD", key) if not unicodedata.combining(c))


def languages_of(name: str) -> tuple[str, ...]:
    """Return the names in a name of several languages (``Rue Neuve - Nieuwstraat``), the whole first."""
    parts = tuple(part for part in _PARTS.split(name) if part)
    return (name, *parts) if len(parts) > 1 else (name,)


class StreetIndex:
    """Edges by street name; every way of writing that `normalise` knows finds them.

    Attributes
    ----------
    street
        ``(n_edges,) int32``: the street an edge belongs to, -1 where it has no name.
    title
        Per street, its name as the network writes it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        streets: dict[str, int] = {}
        self.title: list[str] = []
        number = {name: self._add(streets, name) if name else -1 for name in dict.fromkeys(names)}
        self.street = np.fromiter(map(number.__getitem__, names), dtype=np.int32, count=len(names))
        order = np.argsort(self.street, kind="stable")
        bounds = np.searchsorted(self.street[order], np.arange(len(self.title) + 1))
        self._edges = [order[a:b].astype(np.int32) for a, b in pairwise(bounds)]
        self._exact: dict[str, set[int]] = {}
        self._loose: dict[str, set[int]] = {}
        for street, title in enumerate(self.title):
            for part in languages_of(title):
                self._exact.setdefault(normalise(part), set()).add(street)
                self._loose.setdefault(without_accents(normalise(part)), set()).add(street)

    def _add(self, streets: dict[str, int], name: str) -> int:
        street = streets.setdefault(normalise(name) or name, len(self.title))
        if street == len(self.title):
            self.title.append(name)
        return street

    def find(self, name: str) -> tuple[npt.NDArray[np.int32], float]:
        """Return the edges of the street written `name`, and 1.0, or 0.9 where only the accents differ."""
        for table, confidence in ((self._exact, 1.0), (self._loose, 0.9)):
            key = normalise(name) if table is self._exact else without_accents(normalise(name))
            if streets := table.get(key):
                return np.sort(np.concatenate([self._edges[s] for s in streets])), confidence
        return np.empty(0, dtype=np.int32), 0.0

    def written(self, name: str) -> str:
        """Return the name of a street that `find` knows as the network writes it."""
        keys = (self._exact.get(normalise(name)), self._loose.get(without_accents(normalise(name))))
        known = next((streets for streets in keys if streets), None)
        return self.title[min(known)] if known else name

    def similar(self, name: str) -> list[str]:
        """Return up to three street names that look like `name`, best first."""
        key = without_accents(normalise(name))
        close = difflib.get_close_matches(key, self._loose, n=3, cutoff=0.6)
        return list(dict.fromkeys(self.title[min(self._loose[c])] for c in close))


def street_index(graph: RoadGraph) -> StreetIndex:
    """Return the graph's street index, made once."""
    index = graph.derived.get("streets")
    if not isinstance(index, StreetIndex):
        index = graph.derived["streets"] = StreetIndex(graph.names)
    return index


def compass(dx: float, dy: float) -> str:
    """Return the WZDx direction of a vector in metres east and north, e.g. ``northbound``."""
    if abs(dx) > abs(dy):
        return "eastbound" if dx > 0 else "westbound"
    return "northbound" if dy >= 0 else "southbound"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Return names in quotes for a message, the rest counted: ``'A', 'B' and 4 more``; a description is not quoted."""
    unique = list(dict.fromkeys(n for n in names if n))
    quoted = ", ".join(n if n.startswith("the unnamed ") else f"'{n}'" for n in unique[:most])
    return f"{quoted} and {len(unique) - most} more" if len(unique) > most else quoted
