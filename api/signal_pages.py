"""The pages of the signals: the map with live lamps, and one junction with its countdowns, intervals and scores."""

import hashlib
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from api.deps import Services
from api.guards import CONTENT_SECURITY_POLICY
from api.junction_drawing import draw_junction
from api.pages import WEB, CityView, Pages
from api.signal_map import SignalMap, draw_signals
from api.signal_plots import panels_of
from api.signal_scores import KeptScores
from api.signal_views import JunctionView, junction_view
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.signal_scorecards import DAYS
from trafficfeed.signals.accuracy.demotion import DemotionRule
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Intersection

SCRIPT: Final = (WEB / "signals.js").read_bytes()
STYLE: Final = (WEB / "signals.css").read_bytes()
POLICY: Final = CONTENT_SECURITY_POLICY.replace("default-src", "script-src 'self'; connect-src 'self'; default-src", 1)
"""These pages have a script of ours, which reads our own stream; from elsewhere still nothing comes."""
_MOST_LISTED: Final = 500
_FRESH: Final = timedelta(seconds=2)


def _versioned(name: str, data: bytes) -> str:
    return f"/web/{name}?v={hashlib.sha256(data).hexdigest()[:12]}"


class SignalPages:
    """Renders the pages; the map is kept while the junctions stand."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages
        self._scores = KeptScores(services.objects)
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._city: tuple[datetime, str] | None = None
        self._map: tuple[tuple[Any, ...], SignalMap] | None = None

    def city(self, now: datetime) -> str | None:
        """Return the map with all lamps, or None where this server has no live signals.

        It is made once in two seconds, however many ask: the stream begins with what is newer.
        """
        intersections = self._intersections
        if intersections is None:
            return None
        with self._making:
            if self._city is None or not timedelta(0) <= now - self._city[0] < _FRESH:
                self._city = (now, self._made_city(intersections, now))
            return self._city[1]

    def junction(self, id: str, now: datetime) -> str | None:
        """Return one junction's page, or None where there is no such junction."""
        one = (self._intersections or {}).get(id)
        if one is None:
            return None
        scores = self._scores.junction(id, zone=self._services.zone, now=now)
        total, rule = scores.total, DemotionRule()
        return self._render(
            "signal.html",
            junction=self._views({id: one}, now)[0],
            drawing=draw_junction(one),
            figures=total.figures(),
            runs=total.runs,
            lost=total.lost,
            panels=panels_of(total.by_horizon(), scores.by_day, rule.target) if total.runs else [],
            scored=[(group, scores.of(group.id).figures()) for group in one.groups],
            days=DAYS,
            rule=rule,
        )

    def _made_city(self, intersections: Mapping[str, Intersection], now: datetime) -> str:
        views = sorted(self._views(intersections, now), key=lambda one: (one.name, one.id))
        return self._render(
            "signals.html",
            map=self._drawn(intersections),
            junctions=views[:_MOST_LISTED],
            unlisted=max(len(views) - _MOST_LISTED, 0),
            views={one.id: one for one in views},
            simulated=any(one.simulated for one in views),
            overall=self._scores.overall(),
            days=DAYS,
        )

    @property
    def _intersections(self) -> Mapping[str, Intersection] | None:
        """Those of the city, and those that people direct; None without live signals."""
        live = self._services.live
        return None if live is None else live.intersections

    def _views(self, intersections: Mapping[str, Intersection], now: datetime) -> list[JunctionView]:
        live = self._services.live
        if live is None:
            return []
        demoted = live.city.accuracy.demotions.demoted()
        latest = dict(live.board.latest)  # the loop goes on writing it
        states: dict[str, IntersectionState] = {id: latest[id].state for id in intersections if id in latest}
        return [junction_view(one, states.get(id), demoted, now) for id, one in intersections.items()]

    def _drawn(self, intersections: Mapping[str, Intersection]) -> SignalMap | None:
        """Return the map, or None where the city's graph cannot be read: the list still stands."""
        try:
            graph = self._services.graph
        except TrafficFeedError:
            return None
        key = (graph.network_hash, tuple((one.id, one.lonlat, len(one.groups)) for one in intersections.values()))
        with self._lock:
            if self._map is None or self._map[0] != key:
                self._map = (key, draw_signals(graph, list(intersections.values())))
            return self._map[1]

    def _render(self, template: str, **context: Any) -> str:
        return self._pages.render(
            template,
            city=CityView.of(self._services.city),
            script=_versioned("signals.js", SCRIPT),
            signal_style=_versioned("signals.css", STYLE),
            **context,
        )
