"""Flood decisions in the database: every one with what it rests on and who made it, kept for ever."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Row, Select, func, insert, select

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.decisions import Decision
from trafficfeed.store.tables import flood_decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEntry:
    """A decision, its number in the log, which grows, and the officer who made it; "": the program did."""

    number: int
    decision: Decision
    actor: str


class FloodDecisions:
    """The decisions of a city, on one transaction."""

    def __init__(self, connection: Connection, city: str) -> None:
        self._connection = connection
        self._city = city

    def add(self, decisions: Iterable[Decision], *, actor: str = "") -> tuple[Decision, ...]:
        """Keep decisions, and return those that were not there: one equal to its site's newest is not kept again."""
        newest = {site: _plain(one) for site, one in self.latest().items()}
        new = []
        for decision in decisions:
            body = _plain(decision)
            if newest.get(decision.site) == body:
                continue
            newest[decision.site] = body
            new.append((decision, body))
        rows = [
            {
                "city": self._city,
                "site": decision.site,
                "decided_at": decision.decided_at,
                "level": decision.level,
                "basis": decision.basis,
                "episode": decision.episode,
                "actor": actor,
                "body": body,
            }
            for decision, body in new
        ]
        if rows:
            self._connection.execute(insert(flood_decisions), rows)
        return tuple(decision for decision, _ in new)

    def latest(self, *, site: str | None = None, as_of: datetime | None = None) -> dict[str, Decision]:
        """Return the decision that holds by site (of one, if it is given), now or as of an instant (aware)."""
        newest_first = (flood_decisions.c.decided_at.desc(), flood_decisions.c.row.desc())
        place = func.row_number().over(partition_by=flood_decisions.c.site, order_by=newest_first)
        query = self._of_city(flood_decisions, place.label("place"))
        if site is not None:
            query = query.where(flood_decisions.c.site == site)
        if as_of is not None:
            query = query.where(flood_decisions.c.decided_at <= as_of)
        ranked = query.subquery()
        rows = self._connection.execute(select(ranked).where(ranked.c.place == 1).order_by(ranked.c.site))
        return {row.site: _entry(row).decision for row in rows}

    def of_episode(self, episode: str) -> tuple[DecisionEntry, ...]:
        """Return the decisions of an episode, oldest first; the one that cleared it may bear no episode."""
        return self._entries(self._of_city(flood_decisions).where(flood_decisions.c.episode == episode))

    def between(self, start: datetime, end: datetime, *, site: str | None = None) -> tuple[DecisionEntry, ...]:
        """Return the decisions made in ``[start, end)`` (aware), of one site if it is given, oldest first."""
        when = (flood_decisions.c.decided_at >= start, flood_decisions.c.decided_at < end)
        query = self._of_city(flood_decisions).where(*when)
        return self._entries(query if site is None else query.where(flood_decisions.c.site == site))

    def stamp(self) -> int:
        """Return a number that grows with every decision that is added."""
        query = self._of_city(func.coalesce(func.max(flood_decisions.c.row), 0))
        return int(self._connection.execute(query).scalar_one())

    def _of_city(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(flood_decisions.c.city == self._city)

    def _entries(self, query: Select[Any]) -> tuple[DecisionEntry, ...]:
        ordered = query.order_by(flood_decisions.c.decided_at, flood_decisions.c.row)
        return tuple(map(_entry, self._connection.execute(ordered)))


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Decision]:
    return TypeAdapter(Decision)


def _plain(decision: Decision) -> dict[str, Any]:
    plain: dict[str, Any] = _adapter().dump_python(decision, mode="json")
    return plain


def _entry(row: Row[Any]) -> DecisionEntry:
    try:
        decision = _adapter().validate_python(row.body)
    except ValidationError as error:
        raise SourceMalformed(f"flood decision {row.row} in the database cannot be read: {error}") from error
    whole = replace(decision, closed_to=tuple(decision.closed_to), readings=tuple(decision.readings))
    return DecisionEntry(number=row.row, decision=whole, actor=row.actor)
