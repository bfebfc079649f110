"""The simulation's verdict on a flood feed: a storm's true water is driven through, by what was published of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from trafficfeed.flooding.decisions import Level
from trafficfeed.flooding.road_state import speed_in_water
from trafficfeed.flooding.sites import Site
from trafficfeed.flooding.storms import Storm, TrueWater
from trafficfeed.pipeline.flood_measures import levels_by_edge
from trafficfeed.pipeline.flood_orders import SERVED, open_flood_orders
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.flood_drive import ShutOnFeed, SlowedEdge
from trafficfeed.simulation.flood_effect import TrueDepth
from trafficfeed.simulation.flood_trial import FOLLOWING, FloodQuestion
from trafficfeed.simulation.sumo_network import read_network
from trafficfeed.store.database import Database

_CRAWL_MPS: Final = 1.4
"""Who drives into deep water all the same goes at a walk, which makes the least wave: at 0 nobody would get out."""
_STEP_S: Final = 60.0
_NOTICED_MPS: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An edge that the feed had closed in ``[start, end)``, as it was published."""

    edge: str
    start: datetime
    end: datetime


def closings_of(
    closed: Sequence[tuple[datetime, frozenset[str]]], until: datetime, *, lag: timedelta = timedelta(0)
) -> list[Closing]:
    """Return when each edge was closed in the feed.

    Parameters
    ----------
    closed
        The edges that were closed from each instant (aware, rising) on.
    until
        When the record ends (aware).
    lag
        From the decision to the served feed.
    """
    since: dict[str, datetime] = {}
    found: list[Closing] = []
    for at, edges in [*closed, (until - lag, frozenset[str]())]:
        opened = sorted(since.keys() - edges)
        found += [Closing(edge=edge, start=since.pop(edge), end=at + lag) for edge in opened]
        since |= dict.fromkeys(edges - since.keys(), at + lag)
    return sorted((one for one in found if one.start < one.end), key=lambda one: (one.start, one.edge))


def closed_edges(database: Database, city: str) -> frozenset[str]:
    """Return the edges that the flood orders which are served now close."""
    return frozenset(
        edge
        for orders in open_flood_orders(database, city).values()
        for stored in orders
        if stored.state in SERVED
        for edge, level in levels_by_edge(stored.order).items()
        if level is Level.CLOSED
    )


def flood_question(
    scenario: DriveScenario,
    storm: Storm,
    sites: Sequence[Site],
    closings: Sequence[Closing],
    *,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    following: Sequence[float] = FOLLOWING,
    subject: Mapping[str, Any] | None = None,
) -> FloodQuestion:
    """Return what is driven: the storm's wettest stretch laid on the scenario's demand.

    The demand's beginning is when the most water begins to stand; what the feed had closed by then is closed.
    """
    shift_s = _wettest(storm, sites, scenario.until_s - scenario.begin_s) - scenario.begin_s
    water = _water_by_edge(storm, sites, shift_s)
    limits = _limits(scenario.net_path)
    feed = [
        ShutOnFeed(edge=one.edge, from_s=one.start.timestamp() - shift_s, until_s=one.end.timestamp() - shift_s)
        for one in closings
    ]
    told = {"storm": storm.name, "synthetic": storm.synthetic, "storm_note": storm.note, **(subject or {})}
    return FloodQuestion(
        scenario=scenario,
        water=water,
        slowed=[_slowed(one, limits[one.edge], scenario) for one in water],
        feed=sorted(feed, key=lambda one: (one.from_s, one.edge)),
        following=following,
        seeds=seeds,
        subject=told,
    )


def _wettest(storm: Storm, sites: Sequence[Site], length_s: float) -> float:
    """Return when the stretch of `length_s` with the most water begins, s since 1970."""
    times = np.arange(storm.begins.timestamp(), storm.ends.timestamp(), _STEP_S)
    wet = [storm.truth[site.id] for site in sites if site.roads and site.id in storm.truth]
    total = np.sum([np.interp(times, one.times, one.depth_m) for one in wet], axis=0) if wet else np.zeros(len(times))
    width = min(int(length_s / _STEP_S / 2), len(times))  # half: those who depart last still have to arrive
    sums = np.convolve(total, np.ones(width), mode="valid")
    return float(times[int(np.argmax(sums))])


def _water_by_edge(storm: Storm, sites: Sequence[Site], shift_s: float) -> list[TrueDepth]:
    found: dict[str, TrueDepth] = {}
    for site in sites:
        truth = storm.truth.get(site.id)
        for road in site.roads if truth is not None else ():
            assert truth is not None
            mine = _on_road(truth, road.edge, road.sill_m, shift_s)
            other = found.get(road.edge)
            found[road.edge] = mine if other is None else _deeper(mine, other)
    return [found[edge] for edge in sorted(found) if found[edge].depth_m.max() > 0]


def _on_road(truth: TrueWater, edge: str, sill_m: float, shift_s: float) -> TrueDepth:
    return TrueDepth(edge=edge, times_s=truth.times - shift_s, depth_m=np.maximum(truth.depth_m - sill_m, 0.0))


def _deeper(one: TrueDepth, other: TrueDepth) -> TrueDepth:
    times = np.union1d(one.times_s, other.times_s)
    depths = [np.interp(times, each.times_s, each.depth_m) for each in (one, other)]
    return TrueDepth(edge=one.edge, times_s=times, depth_m=np.maximum(*depths))


def _slowed(water: TrueDepth, limit_mps: float, scenario: DriveScenario) -> SlowedEdge:
    times = np.arange(scenario.begin_s, scenario.until_s, _STEP_S)
    depths = np.interp(times, water.times_s, water.depth_m)
    speeds = np.maximum(speed_in_water(depths, limit_mps), min(_CRAWL_MPS, limit_mps))
    steps = [(float(times[0]), float(speeds[0]))]
    for time_s, speed in zip(times[1:].tolist(), speeds[1:].tolist(), strict=True):
        if abs(speed - steps[-1][1]) >= _NOTICED_MPS or (speed == limit_mps != steps[-1][1]):
            steps.append((time_s, speed))
    return SlowedEdge(edge=water.edge, steps=tuple(steps))


def _limits(net_path: Path) -> Mapping[str, float]:
    network = read_network(net_path)
    return {edge: float(network.speed_mps[row]) for edge, row in network.index.items()}
