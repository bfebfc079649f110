"""Flood decisions to orders and the served feeds: one order an episode, from the first water to the last."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from trafficfeed.closures.orders import OrderState
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.road_state import WaterClass
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.formats import semantics
from trafficfeed.pipeline.flood_orders import Applied, apply_decisions, override, rule_of, settle_approvals
from trafficfeed.pipeline.orders import approve_order
from trafficfeed.pipeline.releasing import FEED, Released, Releaser, release
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import FloodRuleSettings, Settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 2, 5, tzinfo=UTC)
EPISODE = "underpass-20261201t0205"
ORDINARY = tuple(kind for kind in WaterClass if kind is not WaterClass.EMERGENCY)


@pytest.fixture
def database(configured: Settings) -> Database:
    return open_database(configured.database_url)


@pytest.fixture
def ground(configured: Settings) -> Ground:
    return ground_of(find_city(configured.city, configured.cities_dir))


@pytest.fixture
def site(ground: Ground) -> Site:
    return site_on(ground)


def site_on(ground: Ground) -> Site:
    """Return an underpass on the first two-way street of the graph, and a street beside it that lies 25 cm higher."""
    graph = ground.graph
    low, beside = 0, int(graph.turn_to[graph.turn_from == 0][0])
    middle = graph.geometry[low].interpolate(0.5, normalized=True)
    roads = (SiteRoad(edge=graph.edge_ids[low]), SiteRoad(edge=graph.edge_ids[beside], sill_m=0.25))
    return Site(id="underpass", name="The Underpass", lon=middle.x, lat=middle.y, source=SiteSource.LIST, roads=roads)


def decided(level: Level, depth_m: float | None = None, *, minutes: float = 0, **changes: Any) -> Decision:
    """Return a decision made so many minutes after `NOW`."""
    at = NOW + timedelta(minutes=minutes)
    made = Decision(
        site="underpass",
        level=level,
        basis=Basis.OBSERVED,
        decided_at=at,
        since=at,
        episode="" if level is Level.CLEAR else EPISODE,
        expected_end=at + timedelta(hours=2),
        depth_m=depth_m,
        closed_to=ORDINARY if level is Level.CLOSED else (),
        readings=("s1-1",),
        reason="told by the test",
    )
    return replace(made, **changes)


class Town:
    """Applies decisions in gridtown and releases what came of them."""

    def __init__(self, database: Database, configured: Settings, ground: Ground, site: Site) -> None:
        self.database, self.configured, self.ground, self.site = database, configured, ground, site

    def take(self, decision: Decision) -> tuple[Applied, Released]:
        done = apply_decisions(
            self.database, [decision], sites={self.site.id: self.site}, ground=self.ground, settings=self.configured,
            as_of=decision.decided_at,
        )  # fmt: skip
        return done[0], release(self.configured, database=self.database, as_of=decision.decided_at)

    def document(self, name: str) -> bytes:
        found = ReleaseStore(ObjectStore(self.configured.objects_url), FEED).current()
        assert found is not None
        return found.documents[name].data

    def features(self) -> dict[str, Mapping[str, Any]]:
        return {one["id"]: one["properties"] for one in json.loads(self.document("closures.geojson"))["features"]}

    def order(self) -> Any:
        with self.database.reading() as connection:
            return Orders(connection).get(EPISODE)

    def errors(self) -> list[str]:
        return [
            f"{name}: {finding}"
            for name, file in FILES.items()
            for finding in semantics.check(name, self.document(file), graph=self.ground.graph)
            if finding.severity == "error"
        ]


FILES = {
    "native": "closures.geojson", "cifs": "cifs.xml", "cifs-json": "cifs.json", "datex2": "datex2.xml",
    "cap": "alerts.atom", "wzdx": "wzdx.geojson",
}  # fmt: skip


@pytest.fixture
def town(database: Database, configured: Settings, ground: Ground, site: Site) -> Town:
    return Town(database, configured, ground, site)


def test_an_episode_keeps_its_order_its_records_and_their_start_from_the_first_water_to_the_last(town: Town) -> None:
    hazard, _ = town.take(decided(Level.HAZARD, 0.12))
    assert hazard.action == "published"
    first = town.features()
    assert {properties["rule"]["kind"] for properties in first.values()} == {"hazard"}

    closed, _ = town.take(decided(Level.CLOSED, 0.33, minutes=5))
    assert closed.action == "amended" and closed.order_id == hazard.order_id == EPISODE
    shut = town.features()
    assert shut.keys() == first.keys(), "the street that lies 25 cm higher is still dry"
    assert {properties["rule"]["kind"] for properties in shut.values()} == {"closure"}
    assert all(shut[name]["start"] == first[name]["start"] for name in first)

    deeper, _ = town.take(decided(Level.CLOSED, 0.47, minutes=10, since=NOW + timedelta(minutes=5)))
    assert deeper.action == "amended"
    both = town.features()
    assert first.keys() < both.keys(), "22 cm stand on the other street now"
    assert {both[name]["rule"]["kind"] for name in both.keys() - first.keys()} == {"hazard"}
    assert town.errors() == []

    again, _ = town.take(decided(Level.HAZARD, 0.14, minutes=60))
    assert again.action == "amended"
    assert {p["rule"]["kind"] for name, p in town.features().items() if name in first} == {"hazard"}

    over, _ = town.take(decided(Level.CLEAR, 0.02, minutes=90))
    assert over.action == "ended" and town.order().state is OrderState.ENDED
    ended = town.features()
    assert ended.keys() == first.keys(), "what has ended stays for an hour"
    assert all(one["end"] == "2026-12-01T03:35:00Z" and not one["end_is_estimate"] for one in ended.values())
    assert town.errors() == []


def test_a_reading_that_changes_no_class_makes_no_new_version(town: Town) -> None:
    town.take(decided(Level.CLOSED, 0.33))
    kept, _ = town.take(decided(Level.CLOSED, 0.34, minutes=5, since=NOW, expected_end=NOW + timedelta(hours=2)))
    assert kept.action == "kept" and town.order().latest_version == 1


def test_a_depth_that_trembles_about_a_class_is_told_once(town: Town) -> None:
    actions = []
    for minute, depth_m in enumerate((0.44, 0.46, 0.44, 0.46, 0.42)):
        changes = {"since": NOW, "expected_end": NOW + timedelta(hours=2)}
        actions.append(town.take(decided(Level.CLOSED, depth_m, minutes=minute, **changes))[0].action)
    assert actions == ["published", "amended", "kept", "kept", "amended"]


def test_the_rule_is_that_of_the_subject_unless_the_settings_say_otherwise(configured: Settings) -> None:
    assert rule_of(configured) == DecisionRule()
    fields = set(DecisionRule.__dataclass_fields__)
    assert set(type(configured.flooding.rule).model_fields) == fields
    careful = configured.flooding.model_copy(update={"rule": FloodRuleSettings(closes_m=0.25, approval=True)})
    changed = rule_of(configured.model_copy(update={"flooding": careful}))
    assert changed == replace(DecisionRule(), closes_m=0.25, approval=True)


def test_an_end_that_moves_away_is_published_anew(town: Town) -> None:
    town.take(decided(Level.CLOSED, 0.33))
    later, _ = town.take(decided(Level.CLOSED, 0.33, minutes=5, since=NOW, expected_end=NOW + timedelta(hours=3)))
    assert later.action == "amended"
    assert {one["end"] for one in town.features().values()} == {"2026-12-01T05:05:00Z"}


def test_records_say_how_deep_until_when_and_for_whom(town: Town) -> None:
    town.take(decided(Level.CLOSED, 0.47, low_m=0.4, high_m=0.55, chance=0.9))
    by_depth = {p["water"]["depth_m"]: p for p in town.features().values()}
    assert by_depth.keys() == {0.47, 0.22}
    assert by_depth[0.47]["water"] | {"method": ""} == {
        "site": "underpass", "depth_m": 0.47, "p10_m": 0.4, "p90_m": 0.55, "chance": 0.9, "basis": "observed",
        "method": "", "valid_from": "2026-12-01T02:05:00Z", "valid_until": "2026-12-01T04:05:00Z", "speed_kmh": 0.0,
        "passable": [], "closed_to": ["small", "large", "four_wheel_drive"],
    }  # fmt: skip
    assert by_depth[0.22]["water"]["speed_kmh"] == 9.0, "0.0009·220² − 0.5529·220 + 86.9448 km/h"
    assert by_depth[0.47]["until"]["zh"] == "至积水退去"


def test_each_format_says_the_flood_in_its_own_words(town: Town) -> None:
    town.take(decided(Level.CLOSED, 0.47))
    incidents = etree.fromstring(town.document("cifs.xml")).findall("incident")
    assert {(one.findtext("type"), one.findtext("subtype")) for one in incidents} == {
        ("ROAD_CLOSED", "ROAD_CLOSED_HAZARD"), ("HAZARD", "HAZARD_WEATHER_FLOOD"),
    }  # fmt: skip
    records = list(etree.fromstring(town.document("datex2.xml")).iter("{*}situationRecord"))
    kinds = [str(one.get("{http://www.w3.org/2001/XMLSchema-instance}type")) for one in records]
    assert set(kinds) == {"sit:EnvironmentalObstruction", "sit:RoadOrCarriagewayOrLaneManagement"}, "no way round"
    assert {one.findtext("{*}depth") for one in records} - {None} == {"0.47", "0.22"}
    alerts = list(etree.fromstring(town.document("alerts.atom")).iter("{*}alert"))
    assert len(alerts) == 1, "one for the site"
    assert {one.text for one in alerts[0].iter("{*}language")} == {"en", "zh"}
    assert {one.text for one in alerts[0].iter("{*}severity")} == {"Severe"}
    assert {one.text for one in alerts[0].iter("{*}certainty")} == {"Observed"}
    assert {one.text for one in alerts[0].iter("{*}event")} == {"Flooded road", "道路积水"}
    assert json.loads(town.document("wzdx.geojson"))["features"] == []


def test_published_documents_are_the_same_bytes_when_nothing_changes(town: Town) -> None:
    town.take(decided(Level.CLOSED, 0.33))
    before = {name: town.document(name) for name in FILES.values()}
    town.take(decided(Level.CLOSED, 0.34, minutes=1, since=NOW, expected_end=NOW + timedelta(hours=2)))
    assert {name: town.document(name) for name in FILES.values()} == before


def test_a_forecast_closure_waits_as_a_draft_until_an_officer_approves_it(town: Town) -> None:
    waits = decided(Level.CLOSED, 0.05, basis=Basis.FORECAST, awaits_approval=True, high_m=0.32, low_m=0.1, chance=0.45)
    with town.database.transaction() as connection:
        FloodDecisions(connection, "gridtown").add([waits])
    drafted, _ = town.take(waits)
    assert drafted.action == "drafted" and town.order().state is OrderState.CHECKED
    assert town.features() == {}
    assert settle_approvals(town.database, "gridtown", as_of=NOW) == ()

    at = NOW + timedelta(minutes=3)
    approve_order(town.database, EPISODE, actor="chief", as_of=at, override_reason="the storm is here")
    release(town.configured, database=town.database, as_of=at)
    assert {one["rule"]["kind"] for one in town.features().values()} == {"closure"}
    (settled,) = settle_approvals(town.database, "gridtown", as_of=at)
    assert not settled.awaits_approval and "Approved by chief." in settled.reason
    assert settle_approvals(town.database, "gridtown", as_of=at) == ()
    kept, _ = town.take(replace(waits, decided_at=at))
    assert kept.action == "kept", "who does not know of the approval yet takes nothing back"


def test_a_draft_that_nobody_approved_is_cancelled_when_the_water_stays_away(town: Town) -> None:
    town.take(decided(Level.CLOSED, basis=Basis.FORECAST, awaits_approval=True, high_m=0.4))
    over, _ = town.take(decided(Level.CLEAR, 0.0, minutes=30))
    assert over.action == "cancelled" and town.features() == {}


def test_water_closes_what_only_a_forecast_wanted_closed(town: Town) -> None:
    town.take(decided(Level.CLOSED, basis=Basis.FORECAST, awaits_approval=True, high_m=0.4))
    closed, _ = town.take(decided(Level.CLOSED, 0.31, minutes=5))
    assert closed.action == "amended"
    assert {one["water"]["basis"] for one in town.features().values()} == {"observed"}


def test_an_officers_override_is_published_and_stands_in_the_audit_log(town: Town) -> None:
    _, done = override(
        town.database, town.site, Level.CLOSED, officer="chief", reason="a manhole cover is gone",
        until=NOW + timedelta(hours=1), ground=town.ground, settings=town.configured, as_of=NOW,
    )  # fmt: skip
    release(town.configured, database=town.database, as_of=NOW)
    assert done.action == "published" and done.order_id == EPISODE
    with town.database.reading() as connection:
        log = {entry.action: entry for entry in AuditLog(connection).of_order(EPISODE)}
        held = FloodDecisions(connection, "gridtown").of_episode(EPISODE)
    assert log["approve"].actor == "chief" and "a manhole cover is gone" in log["approve"].detail["override_reason"]
    assert [entry.actor for entry in held] == ["chief"]
    kinds = {one["water"]["basis"] for one in town.features().values()}
    assert kinds == {"officer"}, "nobody measured anything"


def test_a_process_that_has_just_started_releases_the_new_version_in_place_of_the_old(town: Town) -> None:
    town.take(decided(Level.HAZARD, 0.12))
    apply_decisions(
        town.database, [decided(Level.CLOSED, 0.33, minutes=5)], sites={town.site.id: town.site}, ground=town.ground,
        settings=town.configured, as_of=NOW + timedelta(minutes=5),
    )  # fmt: skip
    fresh = Releaser(town.ground, town.configured)
    released = fresh.release(town.database, NOW + timedelta(minutes=5))
    assert released.withheld == ()
    assert {one["rule"]["kind"] for one in town.features().values()} == {"closure"}


def test_a_site_without_roads_closes_nothing(town: Town) -> None:
    town.site = replace(town.site, roads=())
    done, _ = town.take(decided(Level.CLOSED, 0.4))
    assert done.action == "none" and town.features() == {}


def test_a_closure_lost_by_a_crash_is_ended_by_the_next_clear_decision(town: Town, tmp_path: Path) -> None:
    town.take(decided(Level.CLOSED, 0.4))
    over, _ = town.take(decided(Level.CLEAR, 0.0, minutes=40, episode=""))
    assert over.action == "ended"
    reopened, _ = town.take(decided(Level.CLOSED, 0.4, minutes=41))
    assert reopened.action == "published" and reopened.order_id == f"{EPISODE}.2"
