"""What is on record of a city's floods, as arrays: what parameters are fitted on, and never more than till a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.sites import PastFlood, Site

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
RISES_FOR = 0.4  # of a flood's time, where its deepest instant is not on record


@dataclass(frozen=True, kw_only=True)
class History:
    """Floods at sites, and from when to when each site was watched.

    Attributes
    ----------
    watched_from, watched_until
        ``(n_sites,)`` epoch s: a site without floods in this time was dry.
    tidal
        ``(n_sites,)`` 1 yes, 0 no, NaN nobody said.
    site
        ``(n_floods,)`` row of the site; floods are in the order of their beginning.
    lines
        Times (epoch s) and depths (m) of each flood, from the first water to the last.
    """

    watched_from: Floats
    watched_until: Floats
    tidal: Floats
    site: Ints
    lines: Sequence[tuple[Floats, Floats]]

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.watched_from)

    @cached_property
    def start(self) -> Floats:
        """First water, epoch s ``(n_floods,)``."""
        return np.array([times[0] for times, _ in self.lines], dtype=np.float64)

    @cached_property
    def end(self) -> Floats:
        """Dry again."""
        return np.array([times[-1] for times, _ in self.lines], dtype=np.float64)

    @cached_property
    def peak(self) -> Floats:
        """The deepest instant."""
        return np.array([times[depth.argmax()] for times, depth in self.lines], dtype=np.float64)

    @cached_property
    def depth_m(self) -> Floats:
        """The deepest, m."""
        return np.array([depth.max() for _, depth in self.lines], dtype=np.float64)

    def until(self, when: float) -> "History":
        """Return what was on record at an instant (epoch s): floods over by then, and no later watch."""
        return replace(self.chosen(self.end <= when), watched_until=np.minimum(self.watched_until, when))

    def chosen(self, floods: Bools) -> "History":
        """Return it with some floods alone."""
        rows = np.flatnonzero(floods)
        return replace(self, site=self.site[rows], lines=[self.lines[int(row)] for row in rows])

    def per_site(self, weights: Floats | None = None) -> Floats:
        """Return the number of floods per site, or the sum of weights of theirs."""
        return np.bincount(self.site, weights, minlength=self.n_sites).astype(np.float64)

    def depth_at(self, instants: Floats, sites: Ints) -> Floats:
        """Return ``(n_instants, n_sites)`` depth at instants (rising), m; NaN: not watched."""
        depth = np.zeros((len(instants), len(sites)))
        column = {int(site): k for k, site in enumerate(sites)}
        for site, (times, line) in zip(self.site, self.lines, strict=True):
            k = column.get(int(site))
            if k is not None:
                a, b = np.searchsorted(instants, [times[0], times[-1]])
                depth[a:b, k] = np.maximum(depth[a:b, k], np.interp(instants[a:b], times, line))
        unwatched = (instants[:, None] < self.watched_from[sites]) | (instants[:, None] > self.watched_until[sites])
        return np.where(unwatched, np.nan, depth)

    def deepest(self, issued: Floats, after_s: float, span_s: float) -> Floats:
        """Return the deepest in (issue + after, issue + after + span], m ``(n_sites, n_issues)``; `issued` rising.

        NaN: not watched all that time.
        """
        deepest = np.zeros((self.n_sites, len(issued)))
        begin, until = issued + after_s, issued + after_s + span_s
        for site, (times, line) in zip(self.site, self.lines, strict=True):
            for k in range(int(np.searchsorted(until, times[0])), int(np.searchsorted(begin, times[-1]))):
                inside = line[(times > begin[k]) & (times <= until[k])]
                ends = np.interp([begin[k], until[k]], times, line, left=0.0, right=0.0)
                deepest[site, k] = max(deepest[site, k], ends[0], ends[1], inside.max(initial=0.0))
        unwatched = (begin < self.watched_from[:, None]) | (until > self.watched_until[:, None])
        return np.where(unwatched, np.nan, deepest)


def history_of(sites: Sequence[Site], watched: Mapping[str, tuple[datetime, datetime]]) -> History:
    """Return the history that sites carry, each flood as a straight line up and down.

    `watched` tells by site id from when to when somebody or something looked; a site that is not named in it counts
    as watched from its first flood to its last.
    """
    rows = sorted(((i, flood) for i, site in enumerate(sites) for flood in site.history), key=lambda r: r[1].started_at)
    spans = [_span(site, watched) for site in sites]
    return History(
        watched_from=np.array([span[0] for span in spans], dtype=np.float64),
        watched_until=np.array([span[1] for span in spans], dtype=np.float64),
        tidal=np.array([np.nan if site.tidal is None else float(site.tidal) for site in sites], dtype=np.float64),
        site=np.array([i for i, _ in rows], dtype=np.int64),
        lines=[_line(flood) for _, flood in rows],
    )


def _line(flood: PastFlood) -> tuple[Floats, Floats]:
    start, end = flood.started_at.timestamp(), flood.ended_at.timestamp()
    return np.array([start, start + RISES_FOR * (end - start), end]), np.array([0.0, flood.max_depth_m, 0.0])


def _span(site: Site, watched: Mapping[str, tuple[datetime, datetime]]) -> tuple[float, float]:
    if site.id in watched:
        return watched[site.id][0].timestamp(), watched[site.id][1].timestamp()
    if not site.history:
        return np.inf, -np.inf
    return site.history[0].started_at.timestamp(), site.history[-1].ended_at.timestamp()
