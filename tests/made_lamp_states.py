"""Lamp states made for tests: one intersection with each kind of forecast, a crossroads as topology."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import (
    Intersection,
    Manoeuvre,
    SignalConnection,
    SignalGroup,
    SignalLane,
    SignalPlan,
    Stage,
)

AT = datetime(2026, 5, 1, 11, 59, 50, 200_000, tzinfo=UTC)  # the ends that follow are in the next hour
CROSSROADS = "kirkkokatu-x-torikatu"
GREEN, RED, AMBER = Aspect.PROTECTED_GREEN, Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_AMBER


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def made_forecast(
    group: int,
    aspect: Aspect,
    *,
    method: Method = Method.ANALOGUES,
    countdown: bool = True,
    ends: tuple[float | None, float | None, float | None] = (8.0, 12.0, 20.04),
    at: datetime = AT,
) -> Forecast:
    least, likely, most = (None if end is None else at + seconds(end) for end in ends)
    return Forecast(
        key=GroupKey(CROSSROADS, group),
        aspect=aspect,
        since=at - seconds(9),
        made_at=at,
        method=method,
        min_end=least,
        likely_end=likely,
        max_end=most,
        p10=least,
        p50=likely,
        p90=most,
        countdown_allowed=countdown,
        analogues=12,
        next_aspect=AMBER if aspect.is_green else None,
    )


def made_group(group: int, aspect: Aspect, forecast: Forecast | None = None, *, stale: bool = False) -> GroupState:
    return GroupState(group=group, aspect=aspect, since=AT - seconds(9), forecast=forecast, source="made", stale=stale)


def made_state() -> IntersectionState:
    """One of each: counted down, interval alone, abstained, silent, dark, red and amber without a forecast."""
    return IntersectionState(
        intersection=CROSSROADS,
        number=4711,
        region=246,
        revision=17,
        observed_at=AT,
        name="Kirkkokatu / Torikatu",
        groups=(
            made_group(1, GREEN, made_forecast(1, GREEN)),
            made_group(2, RED, made_forecast(2, RED, countdown=False)),
            made_group(3, RED, made_forecast(3, RED, method=Method.ABSTAIN, ends=(None, None, None), countdown=False)),
            made_group(4, GREEN, made_forecast(4, GREEN), stale=True),
            made_group(5, Aspect.DARK, made_forecast(5, Aspect.DARK)),
            made_group(6, Aspect.PRE_MOVEMENT),
        ),
    )


def simulated(state: IntersectionState) -> IntersectionState:
    return replace(state, groups=tuple(replace(group, simulated=True) for group in state.groups))


def made_crossroads() -> Intersection:
    """Two one-way streets that cross; a metre is about 1e-5 degrees."""
    lon, lat = 24.95, 60.17
    lanes = (
        SignalLane(id=1, ingress=True, approach=1, street="Kirkkokatu", line=((lon, lat - 1e-4), (lon, lat - 5e-4))),
        SignalLane(id=2, ingress=True, approach=2, street="Torikatu", line=((lon - 2e-4, lat), (lon - 9e-4, lat))),
        SignalLane(id=3, ingress=False, approach=1, street="Kirkkokatu", line=((lon, lat + 1e-4), (lon, lat + 5e-4))),
        SignalLane(id=4, ingress=False, approach=2, street="Torikatu", line=((lon + 2e-4, lat), (lon + 9e-4, lat))),
    )
    straight = (Manoeuvre.STRAIGHT,)
    return Intersection(
        id=CROSSROADS,
        number=4711,
        region=246,
        name="Kirkkokatu / Torikatu",
        lonlat=(lon, lat),
        lanes=lanes,
        connections=(
            SignalConnection(id=1, from_lane=1, to_lane=3, manoeuvre=Manoeuvre.STRAIGHT, group=1, length_m=22.0),
            SignalConnection(id=2, from_lane=2, to_lane=4, manoeuvre=Manoeuvre.STRAIGHT, group=2, length_m=22.0),
        ),
        groups=(
            SignalGroup(
                id=1,
                name="Kirkkokatu northbound straight",
                street="Kirkkokatu",
                compass="northbound",
                manoeuvres=straight,
                stop_line=lanes[0].line[0],
            ),
            SignalGroup(
                id=2,
                name="Torikatu eastbound straight",
                street="Torikatu",
                compass="eastbound",
                manoeuvres=straight,
                stop_line=lanes[1].line[0],
            ),
        ),
        conflicts=((1, 2),),
        plans=(made_plan(),),
    )


def made_plan() -> SignalPlan:
    shown = ((GREEN, RED, 30.0), (AMBER, RED, 3.0), (RED, GREEN, 24.0), (RED, AMBER, 3.0))
    return SignalPlan(
        id="day",
        stages=tuple(Stage(aspects={1: a.value, 2: b.value}, duration_s=s, min_s=s, max_s=s) for a, b, s in shown),
        cycle_s=60.0,
    )
