"""What is on record of a city's floods, as arrays: what parameters are fitted on, and never more than till a day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
