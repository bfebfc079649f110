"""The pages of floods: the map with its slider through the forecast and the list of sites, and one site."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from api import wording
from api.deps import Services
from api.flood_map_drawing import ClosedRoad, FloodDrawing, draw_floods
from api.flood_released import Floats, FloodPicture, picture_of
from api.flood_site_page import site_context
from api.flood_sites import has_flood_sites
from api.flood_views import SiteView, closes, summary_of, views_of
from api.flood_wording import DEPTH_CLASSES
from api.pages import WEB, CityView, Pages
from api.published import Record, records_in
from trafficfeed.errors import TrafficFeedError
from trafficfeed.flooding.sites import Site
from trafficfeed.pipeline.flood_sources import waterworks_of

SCRIPT: Final = (WEB / "flood.js").read_bytes()
STYLE: Final = (WEB / "flood.css").read_bytes()
_MARKS_H: Final = (1, 2, 6, 12, 24, 48, 72)
_KEPT: Final = timedelta(seconds=15)
_MOST_KEPT: Final = 200
_PUDDLE_M: Final = 0.05


class FloodPages:
    """Renders the pages, each once in 15 seconds and release."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages
        self._reading, self._making = threading.Lock(), threading.Lock()
        self._picture: FloodPicture | None = None
        self._kept: dict[tuple[Any, ...], tuple[datetime, str | None]] = {}

    def picture(self) -> FloodPicture | None:
        """Return the flood map that is served, or None before the first release.

        Raises
        ------
        SourceMalformed
            If it is damaged.
        """
        flooding = self._services.flooding
        with self._reading:
            segments, sites = flooding.current("segments", b""), flooding.current("sites", b"")
            if segments is None or sites is None:
                return None
            version = f"{segments.etag.decode()} {sites.etag.decode()}"
            if self._picture is None or self._picture.version != version:
                self._picture = picture_of(segments.data, sites.data, version)
            return self._picture

    def city(self, now: datetime) -> str | None:
        """Return the map and the list, or None where the city has no flood sites."""
        if not has_flood_sites(self._services.settings):
            return None
        return self._once("", now, lambda picture: self._city(picture, now))

    def site(self, id: str, now: datetime) -> str | None:
        """Return one site's page, or None where the city has no such site."""
        site = next((one for one in waterworks_of(self._services.settings).sites if one.id == id), None)
        if site is None:
            return None
        return self._once(id, now, lambda picture: self._site(site, picture, now))

    def _once(self, id: str, now: datetime, make: Callable[[FloodPicture | None], str]) -> str | None:
        picture = self.picture()
        board = self._services.feeds.board
        key = (id, picture and picture.version, board.release and board.release.version)
        with self._making:
            made_at, page = self._kept.get(key, (now - 2 * _KEPT, None))
            if not timedelta(0) <= now - made_at < _KEPT:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                page = make(picture)
                self._kept[key] = (now, page)
            return page

    def _city(self, picture: FloodPicture | None, now: datetime) -> str:
        records = self._records()
        views = [] if picture is None else views_of(picture, records, now, self._services.zone)
        drawing = None if picture is None else self._drawn(picture, records, views, now)
        return self._render(
            "flood.html",
            picture,
            now,
            views=views,
            map=drawing,
            summary=summary_of(views) if views else "",
            data=None if picture is None else self._slider(picture, views, drawing, now),
            classes=DEPTH_CLASSES,
            is_dry=_is_dry(views),
        )

    def _site(self, site: Site, picture: FloodPicture | None, now: datetime) -> str:
        view, place, records = None, None, self._records()
        if picture is not None:
            views = views_of(picture, records, now, self._services.zone)
            view = next((one for one in views if one.id == site.id), None)
            place = next((one for one in picture.places if one.id == site.id), None)
        own = records.get(place.order, ()) if place is not None and place.order else ()
        context = site_context(self._services, site, place, picture, own, now)
        return self._render("flood_site.html", picture, now, site=site, view=view, **context)

    def _drawn(
        self,
        picture: FloodPicture,
        records: Mapping[str, Sequence[Record]],
        views: Sequence[SiteView],
        now: datetime,
    ) -> FloodDrawing | None:
        """Return the map, or None where the city's graph cannot be read: the list still stands."""
        try:
            closed = [
                ClosedRoad(coordinates=one.coordinates, until=one.window.end, title=_told(one))
                for place in picture.places
                for one in records.get(place.order, ())
                if closes(one) and one.window.contains(now) and not one.cancelled
            ]
            return draw_floods(self._services.graph, picture, closed, [view.id for view in views], now)
        except TrafficFeedError:
            return None

    def _records(self) -> dict[str, list[Record]]:
        """Return the released road records by order."""
        document = self._services.feeds.board.documents.get("native")
        found: dict[str, list[Record]] = {}
        for record in records_in(document.data) if document is not None else ():
            found.setdefault(record.order_id, []).append(record)
        return found

    def _slider(
        self, picture: FloodPicture, views: Sequence[SiteView], drawing: FloodDrawing | None, now: datetime
    ) -> dict[str, Any]:
        """Return what the script recolours the map and the list by; a dry site is left out."""
        times = picture.times(now)
        zone = self._services.zone
        labels = [wording.moment(at, zone, now=now) for at in times]
        ahead = [(at - now).total_seconds() for at in times]
        return {
            "labels": labels,
            "ahead_min": [round(second / 60) for second in ahead],
            "cells": [[one.likely, one.worst] for one in drawing.wet] if drawing else [],
            "closed": [one.last for one in drawing.closed] if drawing else [],
            "sites": {
                view.id: [_cm(view.likely_m), _cm(view.worst_m)] for view in views if np.any(view.worst_m != 0.0)
            },
            "marks": _marks(ahead),
        }

    def _render(self, template: str, picture: FloodPicture | None, now: datetime, **context: Any) -> str:
        held = self._services.flooding.current("sites", b"")
        return self._pages.render(
            template,
            city=CityView.of(self._services.city),
            script=_versioned("flood.js", SCRIPT),
            flood_style=_versioned("flood.css", STYLE),
            released=picture is not None,
            forecast=picture is not None and picture.issued_at is not None,
            issued=self._moment(picture.issued_at if picture is not None else None, now),
            note=picture.note if picture is not None else self._services.city.flooding.label,
            old=self._old(picture, now),
            etag=held.etag.decode().removeprefix("W/").strip('"') if held is not None else "",
            as_of=wording.moment(now, self._services.zone, now=now),
            **context,
        )

    def _old(self, picture: FloodPicture | None, now: datetime) -> str:
        """Return why what is shown is too old to go by, or ""."""
        if picture is None:
            return ""
        if picture.newest_input is None:
            return "There is neither a reading nor a forecast: nothing is known of the water on the roads."
        gone = (now - picture.newest_input).total_seconds()
        if gone > self._services.settings.flooding.stale_after_s:
            return (
                f"The newest reading or forecast is of {self._moment(picture.newest_input, now)}, {wording.age(gone)}. "
                "A road that looks open may be under water."
            )
        if (b"x-feed-stale", b"true") in self._services.flooding.freshness(now):
            return "The flood map has not been looked at lately: what has changed since is missing."
        return ""

    def _moment(self, instant: datetime | None, now: datetime) -> str:
        return "" if instant is None else wording.moment(instant, self._services.zone, now=now)


def _versioned(name: str, data: bytes) -> str:
    return f"/web/{name}?v={hashlib.sha256(data).hexdigest()[:12]}"


def _told(record: Record) -> str:
    title = wording.text_in(record.title, "en")[0]
    return f"{title} ({record.street})" if record.street and record.street not in title else title


def _cm(depths_m: Floats) -> list[int]:
    """Return depths in whole cm; -1 is not known."""
    return [round(depth * 100) if np.isfinite(depth) else -1 for depth in depths_m.tolist()]


def _marks(ahead_s: Sequence[float]) -> list[tuple[float, str]]:
    """Return where along the slider hours are marked, in percent, and what is written there."""
    if len(ahead_s) < 2:
        return []
    marks = [(0.0, "now")]
    for hours in _MARKS_H:
        place = next((n for n, second in enumerate(ahead_s) if second >= hours * 3600 - 1800), None)
        if place is not None and 100 * place / (len(ahead_s) - 1) - marks[-1][0] >= 11:
            marks.append((round(100 * place / (len(ahead_s) - 1), 1), f"+{hours} h"))
    return marks


def _is_dry(views: Sequence[SiteView]) -> bool:
    """Tell whether it is known of every site and time that there is no water; not knowing is not dry."""
    return bool(views) and all(
        view.level == "clear" and not view.to_flood and np.all(view.worst_m < _PUDDLE_M) for view in views
    )
