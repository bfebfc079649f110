"""An OSM extract made sound for a router: roads only, no node that is not there, ids positive, PBF.

Valhalla drops a road, or its rest, where the extract's rim has cut off one of its nodes; our own import keeps the
stretches on either side. A partner's map has the whole road, so the router gets the stretches too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import osmium

_WAYS = ("highway", "route")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundExtract:
    """The extract as the router gets it.

    `cut_ways` of its ways had nodes that the extract lacks. `own_id` gives back the ids of ways that were negative (an
    editor's unsaved objects), which no PBF for a router can hold.
    """

    path: Path
    ways: int
    cut_ways: int
    own_id: Mapping[int, int]


def write_sound(source: Path, target: Path) -> SoundExtract:
    """Write the roads, their nodes and the turn restrictions of `source` (PBF or XML) to `target` (``.osm.pbf``)."""
    highest = _Ids()
    ways = list(_ways(source, highest))
    needed = {node for _, nodes, _ in ways for node in nodes}
    make: Any = osmium.osm.mutable
    known: set[int] = set()
    cut = 0
    target.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        for node_id, node in sorted((highest.positive(node.id), node) for node in _nodes(source, needed)):
            known.add(node.id)
            writer.add_node(make.Node(id=node_id, location=node.location, tags=node.tags, version=1))
        for way_id, nodes, tags in sorted(ways, key=lambda way: highest.positive(way[0])):
            stretches = list(known_stretches(nodes, known))
            cut += sum(map(len, stretches)) < len(nodes)
            for stretch in stretches:
                refs = [highest.positive(node) for node in stretch]
                writer.add_way(make.Way(id=highest.positive(way_id), nodes=refs, tags=tags, version=1))
        for relation, members, tags in _restrictions(source):
            renamed = [(kind, highest.positive(ref), role) for kind, ref, role in members]
            writer.add_relation(make.Relation(id=highest.positive(relation), members=renamed, tags=tags, version=1))
    own = {highest.positive(way): way for way, _, _ in ways if way < 0}
    return SoundExtract(path=target, ways=len(ways), cut_ways=cut, own_id=own)


def known_stretches(nodes: Sequence[int], known: set[int]) -> Iterator[tuple[int, ...]]:
    """Yield the runs of two or more consecutive `nodes` that are all `known`."""
    run: list[int] = []
    for node in nodes:
        if node in known:
            run.append(node)
            continue
        if len(run) > 1:
            yield tuple(run)
        run = []
    if len(run) > 1:
        yield tuple(run)


@dataclass(frozen=True, slots=True)
class _Node:
    id: int
    location: tuple[float, float]
    tags: dict[str, str]

    def __lt__(self, other: "_Node") -> bool:
        return self.id < other.id


class _Ids:
    """Puts negative ids above the highest one that the source uses."""

    def __init__(self) -> None:
        self.highest = 0

    def seen(self, number: int) -> None:
        self.highest = max(self.highest, number)

    def positive(self, number: int) -> int:
        return number if number > 0 else self.highest + 1 - number


def _ways(source: Path, ids: _Ids) -> Iterator[tuple[int, tuple[int, ...], dict[str, str]]]:
    way: Any
    for way in osmium.FileProcessor(source, osmium.osm.WAY).with_filter(osmium.filter.KeyFilter(*_WAYS)):
        nodes = tuple(node.ref for node in way.nodes)
        for number in (way.id, *nodes):
            ids.seen(number)
        yield way.id, nodes, dict(way.tags)


def _nodes(source: Path, needed: set[int]) -> Iterator[_Node]:
    every = osmium.FileProcessor(source, osmium.osm.NODE)
    if min(needed, default=0) >= 0:  # osmium's filter takes no negative ids
        every = every.with_filter(osmium.filter.IdFilter(needed))
    node: Any
    for node in every:
        if node.id in needed and node.location.valid():
            yield _Node(node.id, (node.location.lon, node.location.lat), dict(node.tags))


def _restrictions(source: Path) -> Iterator[tuple[int, list[tuple[str, int, str]], dict[str, str]]]:
    relation: Any
    for relation in osmium.FileProcessor(source, osmium.osm.RELATION).with_filter(osmium.filter.KeyFilter("type")):
        tags = dict(relation.tags)
        if tags.get("type", "").startswith("restriction"):
            yield relation.id, [(member.type, member.ref, member.role) for member in relation.members], tags
