"""Lamp states over HTTP: what is known now or was then, one intersection in every format, and the way in."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from api.deps import Now
from api.feed_answers import AsOf, instant_in
from api.live import Live, LiveDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from api.signal_queries import BoundingBox, Ids, wanted_of
from trafficfeed.formats import mapem, signals_geojson, signals_json, spat_china_json, spatem
from trafficfeed.publishing.signal_board import Wanted
from trafficfeed.signals.states import IntersectionState

router = APIRouter(prefix="/v1/signals", tags=["signals"])

IntersectionId = Annotated[
    str, Path(max_length=200, description="The intersection's public id", examples=["osm-25291537"])
]
_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
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
    states, at = await _states(live, wanted_of(known, bbox, ids), as_of, now)
    data = await asyncio.to_thread(
        signals_geojson.encode_all, states.values(), intersections=known, publication_time=at, datum=datum
    )
    return Response(data, media_type=signals_geojson.MEDIA_TYPE, headers=_HEADERS)


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
    return await _one(
        live, id, as_of, now, lambda state, at: signals_json.encode(state, at=at), signals_json.MEDIA_TYPE
    )


async def _one(
    live: Live,
    id: str,
    as_of: str | None,
    now: datetime,
    encode: Callable[[IntersectionState, datetime], bytes],
    media_type: str,
) -> Response:
    states, at = await _states(live, frozenset([id]), as_of, now)
    if id not in states:
        raise _unknown(id)
    return Response(encode(states[id], at), media_type=media_type, headers=_HEADERS)


async def _states(
    live: Live, wanted: Wanted, as_of: str | None, now: datetime
) -> tuple[dict[str, IntersectionState], datetime]:
    """Return states by id, and the instant that they are of; older ones come from the log, without forecasts."""
    if as_of is None:
        return {update.id: update.state for update in live.board.of(wanted)}, now
    at = instant_in(as_of, now)
    found = live.board.at(at, wanted)
    if found is None:
        found = await asyncio.to_thread(live.city.at, at) | await asyncio.to_thread(live.advisories.at, at)
        found = found if wanted is None else {id: state for id, state in found.items() if id in wanted}
    return found, at


def _json(state: IntersectionState, at: datetime) -> bytes:
    return signals_json.encode(state, at=at)


def _spatem(state: IntersectionState, at: datetime) -> bytes:
    return spatem.encode(state, at=at)


def _china(state: IntersectionState, at: datetime) -> bytes:
    return spat_china_json.encode(state, at=at)


def _unknown(id: str) -> Problem:
    detail = f"Nothing is known of an intersection {id!r}: `/v1/signals` lists those that are."
    return Problem(404, "no-such-intersection", detail)
