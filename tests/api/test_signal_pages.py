"""The pages of the signals: lamps as they are, seconds only where they may be told, silence and make-believe said."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import NOW

from api.deps import Services
from api.main import furnish
from api.signal_map import draw_signals, spread
from trafficfeed.pipeline.signal_scorecards import keep_scores, release_scorecard
from trafficfeed.settings import Settings
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import (
    Intersection,
    Manoeuvre,
    SignalConnection,
    SignalGroup,
    SignalLane,
    Topology,
)

RED, GREEN = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN


FIRST = "First <b>"


def crossing(id: str, lon: float, lat: float) -> Intersection:
    """Make a crossing of a one-way street and an avenue, a group each."""
    step = 0.0002
    lanes = (
        SignalLane(id=1, ingress=True, approach=1, street=FIRST, line=((lon - step, lat), (lon - 5 * step, lat))),
        SignalLane(id=2, ingress=True, approach=2, street="Ash", line=((lon, lat - step), (lon, lat - 5 * step))),
        SignalLane(id=3, ingress=False, approach=3, street=FIRST, line=((lon + step, lat), (lon + 5 * step, lat))),
    )
    ends = {1: (Manoeuvre.STRAIGHT, lanes[0]), 2: (Manoeuvre.RIGHT, lanes[1])}
    return Intersection(
        id=id,
        number=7,
        region=0,
        name=f"First <b> / Ash {id}",
        lonlat=(lon, lat),
        lanes=lanes,
        connections=tuple(
            SignalConnection(id=group, from_lane=lane.id, to_lane=3, manoeuvre=way, group=group)
            for group, (way, lane) in ends.items()
        ),
        groups=tuple(
            SignalGroup(
                id=group,
                name=f"{lane.street} {way.value}",
                street=lane.street,
                compass="eastbound",
                manoeuvres=(way,),
                stop_line=lane.line[0],
            )
            for group, (way, lane) in ends.items()
        ),
        conflicts=((1, 2),),
    )


TOPOLOGY = Topology(
    city="gridtown",
    version="v1",
    source="made",
    made_at=NOW,
    intersections={
        id: crossing(id, lon, lat)
        for id, lon, lat in (("a-1", 24.951, 60.171), ("b 2", 24.9535, 60.1725), ("c-3", 24.9536, 60.1725))
    },
)


def forecast(group: int, *, low: float, high: float, likely: float | None, id: str = "a-1") -> Forecast:
    """Foresee an end between `low` and `high` seconds from now; count down to `likely`."""
    after = {name: NOW + timedelta(seconds=s) for name, s in (("low", low), ("high", high), ("likely", likely or low))}
    return Forecast(
        key=GroupKey(id, group),
        aspect=RED if group == 1 else GREEN,
        since=NOW - timedelta(seconds=20),
        made_at=NOW,
        method=Method.ANALOGUES,
        min_end=after["low"],
        likely_end=after["likely"],
        max_end=after["high"],
        p10=after["low"],
        p50=after["likely"],
        p90=after["high"],
        countdown_allowed=likely is not None,
        analogues=12,
    )


STATE = IntersectionState(
    intersection="a-1",
    number=7,
    region=0,
    revision=1,
    observed_at=NOW,
    groups=(
        GroupState(group=1, aspect=RED, since=NOW, forecast=forecast(1, low=11, high=13, likely=12)),
        GroupState(group=2, aspect=GREEN, since=NOW, forecast=forecast(2, low=12.4, high=29.2, likely=None)),
    ),
    name="First <b> / Ash",
)


class StandingLive:
    """The live part, standing still: what was published last, and the scores."""

    def __init__(self) -> None:
        self.intersections = TOPOLOGY.intersections
        self.board = SimpleNamespace(latest={})
        self.city = SimpleNamespace(accuracy=Accuracy(NOW.tzinfo))

    def show(self, state: IntersectionState) -> None:
        """Publish a state."""
        self.board.latest[state.intersection] = SimpleNamespace(state=state)


@pytest.fixture
def live() -> StandingLive:
    """The live part."""
    return StandingLive()


@pytest.fixture
def visitor(app: FastAPI, settings: Settings, clock: Any, live: StandingLive) -> Iterator[TestClient]:
    """The API with these lamps."""
    services = Services(settings, clock)
    furnish(app, services)
    with TestClient(app, raise_server_exceptions=False) as started:
        services.live = live  # type: ignore[assignment]
        yield started
        services.live = None


def words(page: str) -> str:
    """Return a page's words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def row(page: str, group: int) -> str:
    """Return what the junction's page says of one group."""
    return words(page[page.index(f'data-group-row="{group}"') :].split("</li>")[0]).split(">", 1)[1]


def test_without_live_signals_there_is_no_page_and_no_way_to_it(client: TestClient) -> None:
    assert client.get("/signals").status_code == 404
    assert client.get("/signals/a-1").status_code == 404
    assert "/signals" not in client.get("/").text


def test_the_map_shows_every_lamp_by_colour_and_shape_and_leads_to_its_junction(
    visitor: TestClient, live: StandingLive
) -> None:
    live.show(STATE)
    page = visitor.get("/signals").text
    assert re.search(r'<use href="#lamp-red" data-lamp="a-1 1" transform', page)
    assert re.search(r'<use href="#lamp-green" data-lamp="a-1 2" transform', page)
    assert re.search(r'<use href="#lamp-off" data-lamp="b 2 1" transform', page)
    assert '<path class="major"' in page
    assert 'href="/signals"' in visitor.get("/").text
    for name in set(re.findall(r'href="#(lamp-\w+)"', page)):
        assert f'id="{name}"' in page


def test_the_map_is_made_once_in_two_seconds(visitor: TestClient, live: StandingLive) -> None:
    before = visitor.get("/signals").text
    live.show(STATE)
    assert visitor.get("/signals").text == before
    visitor.app.state.services.clock.forward(seconds=2)  # type: ignore[attr-defined]
    assert visitor.get("/signals").text != before


def test_seconds_are_told_where_they_may_be_and_else_the_interval_alone(
    visitor: TestClient, live: StandingLive
) -> None:
    live.show(STATE)
    page = visitor.get("/signals/a-1").text
    assert "12 between 11 and 13 s" in row(page, 1)
    assert "by past cycles alike" in row(page, 1)
    assert row(page, 2).rstrip().endswith("between 12 and 30 s")
    assert not re.search(r"<b data-count>\d", page[page.index('data-group-row="2"') :])


def test_what_is_not_known_is_said_so(visitor: TestClient, live: StandingLive) -> None:
    page = visitor.get("/signals/a-1").text
    assert "not known" in row(page, 1)
    assert "Nothing has been heard of this junction lately" in page
    live.show(replace(STATE, groups=tuple(replace(group, forecast=None) for group in STATE.groups)))
    assert row(visitor.get("/signals/a-1").text, 1).rstrip().endswith("not known")


def test_silent_lamps_lose_their_colour_and_their_times(visitor: TestClient, live: StandingLive) -> None:
    live.show(replace(STATE, groups=tuple(replace(group, stale=True) for group in STATE.groups)))
    page = visitor.get("/signals/a-1").text
    assert "#lamp-stale" in page
    assert "between" not in row(page, 1)
    assert re.search(r'<li data-row="a-1" class="silent">', visitor.get("/signals").text)


def test_simulated_lamps_are_called_so_on_both_pages_and_real_ones_are_not(
    visitor: TestClient, live: StandingLive
) -> None:
    live.show(STATE)
    assert "Simulated." not in visitor.get("/signals").text + visitor.get("/signals/a-1").text
    visitor.app.state.services.clock.forward(seconds=2)  # type: ignore[attr-defined]
    live.show(replace(STATE, groups=tuple(replace(group, simulated=True) for group in STATE.groups)))
    for path in ("/signals", "/signals/a-1"):
        assert "They are no real signals" in visitor.get(path).text


def test_a_junction_directed_by_hand_names_who_does(visitor: TestClient, live: StandingLive) -> None:
    live.show(replace(STATE, advisory=True, authority="Police <Kallio>"))
    assert "Police &lt;Kallio&gt; directs traffic here" in visitor.get("/signals/a-1").text


def test_a_demoted_group_says_why_it_does_not_count_down(visitor: TestClient, live: StandingLive) -> None:
    for k in range(30):
        live.city.accuracy.demotions.scored(GroupKey("a-1", 1), seconds=20, right=0, at=NOW + timedelta(seconds=k))
    live.show(STATE)
    assert "Demoted to intervals: 0.0% of the seconds" in visitor.get("/signals/a-1").text


def scored(live: StandingLive, visitor: TestClient, error_s: float) -> None:
    """Score some reds of group 1, and keep the scores."""
    accuracy = live.city.accuracy
    for k in range(12):
        since = NOW - timedelta(minutes=20 - k)
        for aspect, at in ((RED, since), (GREEN, since + timedelta(seconds=30))):
            accuracy.observe(
                LampEvent(key=GroupKey("a-1", 1), aspect=aspect, observed_at=at, received_at=at, source="made")
            )
            end = since + timedelta(seconds=30 + error_s)
            said = replace(forecast(1, low=0, high=1, likely=1), since=since, made_at=since, likely_end=end)
            accuracy.publishable(replace(said, aspect=aspect, p10=end - timedelta(seconds=2), p90=end))
    accuracy.finish()
    services: Services = visitor.app.state.services  # type: ignore[attr-defined]
    keep_scores(services.objects, accuracy.snapshot(), zone=services.zone, process="test")
    release_scorecard(services.objects, city="gridtown", zone=services.zone, as_of=NOW)


def test_the_scorecard_is_plotted_by_horizon_and_by_day(visitor: TestClient, live: StandingLive) -> None:
    live.show(STATE)
    assert "Nothing has been scored yet" in visitor.get("/signals/a-1").text
    scored(live, visitor, error_s=0)
    assert "Nothing has been scored yet" in visitor.get("/signals/a-1").text  # read once a minute
    live_page = _a_minute_later(visitor)
    assert live_page.count('class="panel right"') == live_page.count('class="panel shown"') == 2
    assert "20-40: 100\u202f% right to a second" in live_page
    assert "over 40: none right to a second" in live_page
    city = words(visitor.get("/signals").text)
    assert "Right to a second, of these 100.0 %" in city.replace("&nbsp;", " ")


def _a_minute_later(visitor: TestClient) -> str:
    visitor.app.state.services.clock.forward(seconds=61)  # type: ignore[attr-defined]
    return visitor.get("/signals/a-1").text


def test_programs_get_the_released_scorecard_and_are_told_when_it_is_the_same(
    visitor: TestClient, live: StandingLive
) -> None:
    assert visitor.get("/v1/accuracy/signals").status_code == 404
    scored(live, visitor, error_s=5)
    answer = visitor.get("/v1/accuracy/signals")
    assert answer.json()["groups"][0]["within_1s"] == 0.0
    again = visitor.get("/v1/accuracy/signals", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_before_the_first_release_the_city_has_no_scorecard(visitor: TestClient, live: StandingLive) -> None:
    assert "No scorecard has been released yet." in visitor.get("/signals").text


def test_the_pages_may_run_our_script_and_read_our_stream_and_nothing_else(
    visitor: TestClient, live: StandingLive
) -> None:
    live.show(STATE)
    for path in ("/signals", "/signals/a-1"):
        answer = visitor.get(path)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert " style=" not in answer.text
        assert not re.search(r"<script(?![^>]* src=\"/web/)", answer.text)
        for address in re.findall(r'(?:src|href)="(/web/[^"]+)"', answer.text):
            assert visitor.get(address).status_code == 200
    assert "script-src" not in visitor.get("/").headers["content-security-policy"]


def test_names_cannot_break_out_of_the_pages(visitor: TestClient, live: StandingLive) -> None:
    live.show(STATE)
    for path in ("/signals", "/signals/a-1"):
        assert "First <b>" not in visitor.get(path).text


def test_the_clock_is_the_servers_to_the_millisecond(visitor: TestClient) -> None:
    answer = visitor.get("/web/clock")
    assert datetime.fromisoformat(answer.json()["now"]) == NOW
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_junction_is_not_found_and_an_id_with_a_blank_is(visitor: TestClient) -> None:
    assert visitor.get("/signals/nowhere").status_code == 404
    page = visitor.get("/signals/b%202")
    assert page.status_code == 200
    assert "ids=b%202" in page.text


def test_the_script_knows_every_aspect_and_method_that_the_stream_can_name(visitor: TestClient) -> None:
    script = visitor.get("/web/signals.js").text
    for aspect in Aspect:
        assert script.count(f'"{aspect.value}": ') == 2
    for method in set(Method) - {Method.ABSTAIN}:
        assert f'"{method.value}": ' in script


def test_junctions_that_would_lie_on_one_another_are_drawn_apart(visitor: TestClient) -> None:
    services: Services = visitor.app.state.services  # type: ignore[attr-defined]
    drawn = draw_signals(services.graph, list(TOPOLOGY.intersections.values()))
    one, other = (next(j for j in drawn.junctions if j.id == id) for id in ("b 2", "c-3"))
    assert ((one.x - other.x) ** 2 + (one.y - other.y) ** 2) ** 0.5 >= one.reach + other.reach - 0.5
    assert all(0 <= lamp.x <= 1000 and 0 <= lamp.y <= drawn.height for j in drawn.junctions for lamp in j.lamps)


def test_lamps_on_a_ring_keep_their_order_and_their_distance() -> None:
    wanted = np.array([0.1, 0.12, 3.0, 0.11, -3.1])
    angles = np.mod(spread(wanted, 0.4), 2 * np.pi)
    gaps = np.diff(np.sort(angles))
    assert (gaps > 0.39).all()
    order = np.argsort(angles).tolist()
    first = order.index(0)
    assert order[first:] + order[:first] == [0, 3, 1, 2, 4]  # all round, from the first
    crowded = spread(np.zeros(40), 0.4)
    assert np.allclose(np.diff(np.sort(crowded)), 2 * np.pi / 40)
