"""Sound documents of real orders and roads, made wrong in one way each: ours catch all, the schemas hardly any."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_events import CLOSURE, CONCERT, FEED, PUBLISHED
from made_town import town

from benchmarks.mutant_trial.trial import FORMATS, Outcome, as_table, outcomes_of
from trafficfeed.closures.document import parse_order
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import RoadEvent, RoadSegment, Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.closures.section_line import section_line
from trafficfeed.network.graph_cache import load_graph

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", ROOT / "../shared"))
SCHEMAS = SHARED / "conformance"
CITY = ROOT / "sumo_scenarios/helsinki"


def on_the_bend() -> RoadEvent:
    """Return a closure of the town's bent street without a name, two segments long."""
    graph = town()
    pieces = [section_line(graph, [graph.index[edge]]) for edge in ("10to11", "11to12")]
    segments = [RoadSegment(key=f"s{n}", coordinates=line, street="") for n, line in enumerate(pieces, 1)]
    line = section_line(graph, [graph.index[edge] for edge in ("10to11", "11to12")])
    return replace(
        CLOSURE,
        id="order-1.closure.unnamed-eastbound.p1",
        compass="eastbound",
        street="",
        coordinates=line,
        segments=tuple(segments),
        detour=None,
    )


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    schemas = SCHEMAS if SCHEMAS.is_dir() else None
    feed = replace(FEED, bounds=None)
    bend = on_the_bend()
    concert = replace(CONCERT, coordinates=bend.coordinates, segments=bend.segments)  # for CAP, by its areas
    return outcomes_of((bend, concert), graph=town(), feed=feed, published=PUBLISHED, schemas=schemas)


@pytest.mark.parametrize("standard", FORMATS)
def test_every_mutant_of_a_closure_is_caught(outcomes: list[Outcome], standard: str) -> None:
    of_standard = [outcome for outcome in outcomes if outcome.standard == standard]
    assert len(of_standard) >= (5 if standard == "cap" else 9)
    assert [outcome.mutant for outcome in of_standard if not outcome.caught] == []


def test_the_schemas_alone_pass_nearly_all_of_them(outcomes: list[Outcome]) -> None:
    if not SCHEMAS.is_dir():
        pytest.skip(f"the official schemas are not in {SCHEMAS}: set TRAFFICFEED_SHARED")
    by_schema = [outcome for outcome in outcomes if outcome.schema_passes is not None]
    refused = {(outcome.standard, outcome.mutant) for outcome in by_schema if not outcome.schema_passes}
    assert {outcome.standard for outcome in by_schema} == {"wzdx", "cifs", "datex2"}
    assert refused == {("datex2", "duplicate id")}  # its ids are unique by an XSD key


def test_every_mutant_of_the_demo_citys_orders_is_caught() -> None:
    if not (CITY / "graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    graph, made = load_graph(CITY / "graph"), datetime(2026, 11, 22, 12, tzinfo=UTC)
    events: list[RoadEvent] = []
    for path in sorted((CITY / "orders").glob("*.yaml")):
        order = parse_order(path.read_bytes(), name=path.name)
        until = made + timedelta(days=366)
        windows = {m.id: windows_of(m, order.timezone, since=made, until=until)[:1] for m in order.measures}
        events += road_events(
            order, 1, resolve(order, graph)[0], windows, graph=graph, certificate=None,
            validation=Validation.PENDING, created=made, updated=made,
        )  # fmt: skip
    feed = replace(FEED, timezone="Europe/Helsinki", bounds=None)
    found = outcomes_of(events, graph=graph, feed=feed, published=made)
    assert {outcome.standard for outcome in found} == set(FORMATS)
    assert [outcome for outcome in found if not outcome.caught] == []


def test_the_table_says_in_bold_what_only_we_catch(outcomes: list[Outcome]) -> None:
    passed = replace(outcomes[0], schema_passes=True)
    missed = replace(outcomes[0], rules=(), standard="other")
    table = as_table([passed, missed])
    assert "**schema passes**" in table
    assert "**not caught**" in table
