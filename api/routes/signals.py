"""Lamp states over HTTP: what is known now or was then, one intersection in every format, and the way in."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Path, Query, Response

from api.deps import Now
from api.feed_answers import AsOf, instant_in
from api.live import Live, LiveDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from api.signal_queries import BoundingBox, Ids, wanted_of
from trafficfeed.formats import mapem, signals_geojson, signals_json, spat_china_json, spatem
from trafficfeed.formats.signals_json import Forecasts
from trafficfeed.pipeline.live_city import MOST_FORESEEN_THEN
from trafficfeed.publishing.signal_board import Wanted
from trafficfeed.signals.states import IntersectionState

router = APIRouter(prefix="/v1/signals", tags=["signals"])

IntersectionId = Annotated[
    str, Path(max_length=200, description="The intersection's public id", examples=["osm-25291537"])
]
_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}


class _Shown(NamedTuple):
    """States by id, the instant that they are of, and for the past what their forecasts are."""

    states: dict[str, IntersectionState]
    at: datetime
    forecasts: Forecasts | None

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers: formats that have no word for it say by them what the forecasts are."""
        return _HEADERS if self.forecasts is None else {**_HEADERS, "X-Forecasts": self.forecasts.value}


_REFUSALS: Responses = {
    404: {"model": ProblemOut, "description": "No live signals here, or no such intersection"},
    422: {"model": ProblemOut, "description": "The box is none, an id is not of this city, or the time is none"},
}


@router.get("", summary="All lamps, as GeoJSON", response_class=Response, responses=_REFUSALS)
async def snapshot(
    live: LiveDep,
    now: Now,
    bbox: BoundingBox = None,
    ids: Ids = None,
    as_of: AsOf = None,
    datum: Annotated[str, Query(description="wgs84, gcj02 or bd09")] = "wgs84",
) -> Response:
    """Return a point for each signal group with its aspect and what is foreseen, now or as it was at an instant."""
    known = live.intersections
    shown = await _shown(live, wanted_of(known, bbox, ids), as_of, now)
    data = await asyncio.to_thread(
        signals_geojson.encode_all,
        shown.states.values(),
        intersections=known,
        publication_time=shown.at,
        datum=datum,
        forecasts=shown.forecasts,
    )
    return Response(data, media_type=signals_geojson.MEDIA_TYPE, headers=shown.headers)


@router.get("/{id}.spatem", summary="One intersection as SPATEM (UPER)", response_class=Response, responses=_REFUSALS)
async def as_spatem(live: LiveDep, now: Now, id: IntersectionId, as_of: AsOf = None) -> Response:
    """Return the ETSI SPATEM."""
    return await _one(live, id, as_of, now, _spatem, spatem.MEDIA_TYPE)


@router.get("/{id}.china.json", summary="One intersection as C-V2X SPAT", response_class=Response, responses=_REFUSALS)
async def as_china(live: LiveDep, now: Now, id: IntersectionId, as_of: AsOf = None) -> Response:
    """Return China's C-V2X SPAT as JSON."""
    return await _one(live, id, as_of, now, _china, spat_china_json.MEDIA_TYPE)


@router.get("/{id}.mapem", summary="One intersection's topology as MAPEM (UPER)", response_class=Response)
def as_mapem(live: LiveDep, id: IntersectionId) -> Response:
    """Return the ETSI MAPEM: lanes, connections and groups that the SPATEM speaks of."""
    found = live.intersections.get(id)
    if found is None:
        raise _unknown(id)
    return Response(mapem.encode(found), media_type=mapem.MEDIA_TYPE, headers=_HEADERS)


@router.get("/{id}", summary="One intersection", response_class=Response, responses=_REFUSALS)
async def one(live: LiveDep, now: Now, id: IntersectionId, as_of: AsOf = None) -> Response:
    """Return the intersection in our own JSON, as the stream has it."""
    return await _one(live, id, as_of, now, _json, signals_json.MEDIA_TYPE)


async def _one(
    live: Live,
    id: str,
    as_of: str | None,
    now: datetime,
    encode: Callable[[IntersectionState, _Shown], bytes],
    media_type: str,
) -> Response:
    shown = await _shown(live, frozenset([id]), as_of, now)
    if id not in shown.states:
        raise _unknown(id)
    return Response(encode(shown.states[id], shown), media_type=media_type, headers=shown.headers)


async def _shown(live: Live, wanted: Wanted, as_of: str | None, now: datetime) -> _Shown:
    """Return what is shown now, or was: as it was published, or from the log, with the forecasts that can be had."""
    if as_of is None:
        return _Shown({update.id: update.state for update in live.board.of(wanted)}, now, None)
    at = instant_in(as_of, now)
    found = live.board.at(at, wanted)
    if found is not None:
        return _Shown(found, at, Forecasts.PUBLISHED)
    foreseen = wanted is not None and len(wanted) <= MOST_FORESEEN_THEN
    async with live.looking_back:
        logged = await asyncio.to_thread(live.city.at, at, wanted)
    found = logged | await asyncio.to_thread(live.advisories.at, at)
    found = found if wanted is None else {id: state for id, state in found.items() if id in wanted}
    return _Shown(found, at, Forecasts.WORKED_OUT if foreseen else Forecasts.NOT_KEPT)


def _json(state: IntersectionState, shown: _Shown) -> bytes:
    return signals_json.encode(state, at=shown.at, forecasts=shown.forecasts)


def _spatem(state: IntersectionState, shown: _Shown) -> bytes:
    return spatem.encode(state, at=shown.at)


def _china(state: IntersectionState, shown: _Shown) -> bytes:
    return spat_china_json.encode(state, at=shown.at)


def _unknown(id: str) -> Problem:
    detail = f"Nothing is known of an intersection {id!r}: `/v1/signals` lists those that are."
    return Problem(404, "no-such-intersection", detail)
