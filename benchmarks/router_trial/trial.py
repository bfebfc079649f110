"""The trial: closures drawn, ordered, published, read, matched, obeyed; one after the other."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.router_trial.choosing import CAR, Draw, draw_edges
from benchmarks.router_trial.city_import import import_city
from benchmarks.router_trial.driving import touches, trips_along, uses
from benchmarks.router_trial.officer import Officer, Written
from benchmarks.router_trial.outcome import Outcome, WayRun
from benchmarks.router_trial.partner import Matching, Partner, Positions, length_m, passed_m
from benchmarks.router_trial.publishing import Publisher, standard_read
from benchmarks.router_trial.reading_feeds import closed_lines
from benchmarks.router_trial.sound_extract import SoundExtract, write_sound
from trafficfeed.network.plane import plane_of
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.progress import Progress

_STAGE = "closures"
_PARTS = ("city", "router", "releases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a trial came to: the outcomes, how the closures were drawn and written, and the seconds of each stage."""

    outcomes: tuple[Outcome, ...]
    draw: Draw
    places: Counter[tuple[str, str]]
    standard: str
    extract: SoundExtract
    edges: int
    seconds: dict[str, float]


@dataclass(slots=True)
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begin, 3)


def run_trial(
    osm: Path,
    folder: Path,
    *,
    closures: int,
    seed: int,
    left_hand: bool = False,
    timezone: str = "UTC",
    progress: Progress,
) -> Trial:
    """Close edges of an OSM extract one at a time, and see whether a router obeys.

    Parameters
    ----------
    osm
        PBF or XML, of any place.
    folder
        Where the network, the releases and the router's tiles are kept.
    closures
        How many edges; all of them where there are fewer.
    progress
        Called with (stage, done, total).

    Raises
    ------
    TrafficFeedError
        If the extract cannot be imported, or no tiles can be built of it.
    """
    clock, now = _Clock(), datetime.now(UTC)
    for part in _PARTS:  # of an earlier trial
        shutil.rmtree(folder / part, ignore_errors=True)
    progress("importing the extract", 0, 0)
    with clock.stage("import"):
        ground = import_city(osm, folder / "city", left_hand=left_hand, timezone=timezone)
    progress("building the router's tiles", 0, 0)
    with clock.stage("tiles"):
        extract = write_sound(osm, folder / "roads.osm.pbf")
        partner = Partner(extract, folder / "router", updated=int(now.timestamp()))
    with clock.stage("draw"):
        draw = draw_edges(ground.graph, closures, seed)
    officer = Officer(ground.graph, seed=seed, timezone=timezone, now=now)
    standard = standard_read()
    publisher = Publisher(ground, folder / "releases", standard=standard)
    one_by_one = _OneByOne(ground, officer, publisher, partner, clock=clock, standard=standard, now=now)
    outcomes = []
    for number, (edge, stratum) in enumerate(zip(draw.edges, draw.strata, strict=True)):
        outcomes.append(replace(one_by_one.closed(edge, number), stratum=stratum))
        progress(_STAGE, number + 1, len(draw.edges))
    partner.traffic.shut()
    return Trial(
        outcomes=tuple(outcomes),
        draw=draw,
        places=officer.seen,
        standard=standard,
        extract=extract,
        edges=len(ground.graph),
        seconds=clock.seconds,
    )


class _OneByOne:
    """Takes each closure all the way."""

    def __init__(
        self,
        ground: Ground,
        officer: Officer,
        publisher: Publisher,
        partner: Partner,
        *,
        clock: _Clock,
        standard: str,
        now: datetime,
    ) -> None:
        self.graph = ground.graph
        self.officer, self.publisher, self.partner = officer, publisher, partner
        self.clock, self.standard, self.now = clock, standard, now

    def closed(self, edge: int, number: int) -> Outcome:
        """Return what becomes of the closure of `edge`."""
        graph = self.graph
        lon, lat = graph.geometry[edge].interpolate(0.5, normalized=True).coords[0]
        blank = Outcome(number=number, edge=graph.edge_ids[edge], stratum="", kind="none", at=(lon, lat))
        with self.clock.stage("orders"):
            written = self.officer.write(edge, number)
        if written is None:
            return replace(blank, meant=self._ways([edge]), cause="no order: every kind of place was refused")
        with self.clock.stage("publish"):
            data = self.publisher.publish(written, as_of=self.now)
        with self.clock.stage("match"):
            lines = closed_lines(data, self.standard, at=self.now)
            matchings = [self.partner.match(line.coordinates) for line in lines]
        compared = self._compared(replace(blank, kind=written.kind), written, matchings)
        with self.clock.stage("routes"):
            return self._driven(compared, edge, written, matchings)

    def _compared(self, blank: Outcome, written: Written, matchings: Sequence[Matching]) -> Outcome:
        graph = self.graph
        closing = [edge for matching in matchings for edge in matching.edges if edge.closes]
        for_cars = [edge for edge in sorted(written.meant) if graph.access[edge] & CAR.bit]
        meant = [self._line(edge) for edge in for_cars]
        shapes = [edge.shape for edge in closing]
        hit_m = sum(passed_m(shape, line) for shape in shapes for line in meant)
        return self._explained(
            replace(
                blank,
                meant=self._ways(for_cars),
                matched=frozenset((edge.way_id, edge.forward) for edge in closing),
                methods=tuple(matching.method for matching in matchings),
                meant_m=sum(map(length_m, meant)),
                closed_m=hit_m,
                besides_m=max(0.0, sum(map(length_m, shapes)) - hit_m),
            ),
            matchings,
        )

    def _explained(self, one: Outcome, matchings: Sequence[Matching]) -> Outcome:
        """Say why the ways matched are not those meant."""
        if one.matched == one.meant and one.meant:
            return one
        missing, besides = one.meant - one.matched, one.matched - one.meant
        if not one.meant:
            cause = "the import linked the edge to no OSM way"
        elif not matchings:
            cause = "the feed closes nothing"
        elif {(way, not forward) for way, forward in missing} & besides:
            cause = "matched to the other direction"
        elif missing and not self.partner.knows([way for way, _ in one.meant], one.at):
            cause = "the router's map has no such road for cars there"
        elif any(not matching.edges for matching in matchings):
            cause = "the router found no way along the line"
        elif missing and besides:
            cause = "matched to another way"
        else:
            cause = "a piece was not matched" if missing else "a neighbouring way was matched besides"
        return replace(one, cause=cause)

    def _driven(self, one: Outcome, edge: int, written: Written, matchings: Sequence[Matching]) -> Outcome:
        """Route past the closure, and the other way where that stays open."""
        graph, partner = self.graph, self.partner
        back = int(plane_of(graph).opposite[edge])
        stays_open = back >= 0 and back not in written.meant and bool(graph.access[back] & CAR.bit)
        there = trips_along(graph, edge, written.meant, partner)
        returning = trips_along(graph, back, written.meant, partner) if stays_open else []
        closed = [self._line(e) for e in written.meant if graph.access[e] & CAR.bit]
        for matching in matchings:
            partner.close(matching.edges)
        routes = [partner.route(trip.origin, trip.destination) for trip in there]
        ways_back = [partner.route(trip.origin, trip.destination) for trip in returning]
        partner.traffic.open_all()
        return replace(
            one,
            trips=len(routes),
            through=sum(touches(route, closed) for route in routes),
            stuck=sum(route is None for route in routes),
            reverse_trips=len(ways_back),
            reverse_kept=sum(uses(route, self._line(back)) for route in ways_back),
        )

    def _line(self, edge: int) -> Positions:
        return np.array(self.graph.geometry[edge].coords)

    def _ways(self, edges: Sequence[int] | frozenset[int]) -> frozenset[WayRun]:
        rows = np.flatnonzero(np.isin(self.graph.way_edge, list(edges)))
        return frozenset((int(self.graph.way_id[row]), bool(self.graph.way_forward[row])) for row in rows)
