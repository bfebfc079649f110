"""The pages for people, rendered once per release and minute; plain HTML and SVG, no script."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api import overview, schematic, wording
from api.deps import Services
from api.feeds import PUBLIC, Board
from api.flood_sites import has_flood_sites
from api.published import Record, records_in
from trafficfeed.errors import TrafficFeedError
from trafficfeed.network.city import City
from trafficfeed.store.orders import Orders

WEB = Path(__file__).parent / "web"
STYLE = (WEB / "style.css").read_bytes()
STYLE_HREF = f"/web/style.css?v={hashlib.sha256(STYLE).hexdigest()[:12]}"
_MOST_PAGES = 500
_MOST_LISTED = 60


@dataclass(frozen=True, slots=True)
class CityView:
    """What every page says of the city."""

    title: str
    attribution: str
    licence: str
    timezone: str
    located: bool

    @classmethod
    def of(cls, city: City) -> "CityView":
        """Return what pages say of `city`."""
        file = city.file
        return cls(file.title, file.attribution, file.licence, file.timezone, file.network.located)


class Pages:
    """Renders pages and keeps them until the minute or the release is over."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._templates = Environment(
            loader=FileSystemLoader(WEB / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._lock = threading.Lock()
        self._key: tuple[Any, ...] = ()
        self._kept: dict[str, str | None] = {}
        self._records: tuple[str, tuple[Record, ...]] = ("", ())
        self._titles: tuple[str, Mapping[str, Mapping[str, str]]] = ("", {})

    def index(self, now: datetime) -> str:
        """Return the front page: what is closed now and next, the map, the feeds."""
        return self._once("", now) or ""

    def closure(self, order_id: str, now: datetime) -> str | None:
        """Return the page of one released order, or None where the release has none of it."""
        return self._once(order_id, now)

    def problem(self, status: int, detail: str) -> str:
        """Return a page that says what went wrong."""
        try:
            city: CityView | None = CityView.of(self._services.city)
        except TrafficFeedError:
            city = None
        return self.render("problem.html", city=city, heading=HTTPStatus(status).phrase, detail=detail)

    def _once(self, order_id: str, now: datetime) -> str | None:
        """Render under a lock: the first visitor of a minute pays, the others wait for that page."""
        board = self._services.feeds.board
        minute = now.replace(second=0, microsecond=0)
        key = (board.release and board.release.manifest.number, minute, board.is_stale(now), board.trouble)
        with self._lock:
            if key != self._key or len(self._kept) >= _MOST_PAGES:
                self._key, self._kept = key, {}
            if order_id not in self._kept:
                self._kept[order_id] = self._order_page(order_id, board, now) if order_id else self._index(board, now)
            return self._kept[order_id]

    def _index(self, board: Board, now: datetime) -> str:
        services, city, zone = self._services, self._services.city, self._services.zone
        records = self._records_of(board)
        orders = self._orders_of(board, records, now)
        listed = orders[:_MOST_LISTED]
        held = [order for order in listed if order.is_now]
        coming = [order for order in listed if not order.is_now]
        return self.render(
            "index.html",
            city=CityView.of(city),
            map=self._map(overview.map_lines(records, listed, now=now)),
            now=held,
            next=coming,
            unlisted=len(orders) - len(listed),
            summary=_summary(orders, released=board.release is not None),
            as_of=wording.moment(now, zone, now=now),
            stale=_stale_text(board, now),
            rolled_back=self._rolled_back(board, now),
            feeds=self._feeds(board, now),
            version=board.release.version[:12] if board.release else "",
            checked=_ago(board.checked_at, now),
            horizon_days=services.settings.horizon_days,
        )

    def _order_page(self, order_id: str, board: Board, now: datetime) -> str | None:
        records = [record for record in self._records_of(board) if record.order_id == order_id]
        orders = self._orders_of(board, records, now)
        if not orders:
            return None
        lines = overview.map_lines(records, orders, now=now)
        return self.render(
            "closure.html",
            city=CityView.of(self._services.city),
            map=self._map(lines),
            order=orders[0],
            stale=_stale_text(board, now),
            rolled_back=self._rolled_back(board, now),
        )

    def _rolled_back(self, board: Board, now: datetime) -> str:
        """Return the banner's text, or "" where the newest facts are served."""
        held = board.rolled_back
        if held is None:
            return ""
        when = wording.moment(held.at, self._services.zone, now=now)
        return f"{held.by} went back to release {held.to}, {when}: {held.reason.rstrip('.')}"

    def _orders_of(self, board: Board, records: Sequence[Record], now: datetime) -> list[overview.OrderView]:
        services = self._services
        titles = self._titles_of(board)
        return overview.orders_of(
            records, titles=titles, now=now, zone=services.zone, language=services.city.file.language
        )

    def _titles_of(self, board: Board) -> Mapping[str, Mapping[str, str]]:
        """Return the released orders' own titles; none where the database is away, the records have some."""
        if board.release is None:
            return {}
        if self._titles[0] != board.release.version:
            try:
                found = self._read_titles(board.release.manifest.facts.get("orders", {}))
            except TrafficFeedError:
                return {}
            self._titles = (board.release.version, found)
        return self._titles[1]

    def _read_titles(self, released: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, str]]:
        with self._services.database.reading() as connection:
            orders = Orders(connection)
            return {
                order_id: orders.get(order_id, version=facts.get("version")).order.title
                for order_id, facts in released.items()
            }

    def _map(self, lines: list[schematic.MapLine]) -> schematic.Schematic | None:
        """Return the map, or None where the city's graph cannot be read: the list still stands."""
        try:
            return schematic.draw(self._services.graph, lines)
        except TrafficFeedError:
            return None

    def _records_of(self, board: Board) -> tuple[Record, ...]:
        document = board.documents.get("native")
        if document is None or board.release is None:
            return ()
        if self._records[0] != board.release.version:
            self._records = (board.release.version, records_in(document.data))
        return self._records[1]

    def _feeds(self, board: Board, now: datetime) -> list[Mapping[str, str]]:
        return [
            {
                "href": f"{PUBLIC}{name}",
                "title": document.title,
                "changed": wording.moment(document.modified, self._services.zone, now=now),
                "age": _ago(document.modified, now),
                "size": wording.size(len(document.data)),
                "sent": wording.size(min(len(variant.body) for variant in document.variants.values())),
            }
            for name, document in board.documents.items()
        ]

    def render(self, template: str, **context: Any) -> str:
        """Return a page of `template`."""
        return self._templates.get_template(template).render(
            **{
                "stylesheet": STYLE_HREF,
                "stale": "",
                "rolled_back": "",
                "live": self._services.live is not None,
                "floods": has_flood_sites(self._services.settings),
                **context,
            }
        )


def _summary(orders: Sequence[overview.OrderView], *, released: bool) -> str:
    if not released:
        return "Nothing has been released yet."
    held = sum(order.is_now for order in orders)
    coming = len(orders) - held
    first = f"{held} order{'s' if held != 1 else ''} in force" if held else "Nothing is closed now"
    then = f"{coming} {'more ' if held else ''}to come" if coming else ""
    return ", ".join(part for part in (first, then) if part) + "."


def _stale_text(board: Board, now: datetime) -> str:
    """Return the banner's text, or "" where the feed is fresh."""
    if board.release is None or not board.is_stale(now):
        return ""
    if board.checked_at is None:
        return "It is not known when the closures were last checked."
    return f"The closures were last checked {_ago(board.checked_at, now)}; what changed since is missing."


def _ago(instant: datetime | None, now: datetime) -> str:
    return "never" if instant is None else wording.age((now - instant).total_seconds())
