"""All orders of the demo, in every standard: valid by the official schema and by our own rules."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from made_events import CERTIFICATE, FEED, PUBLISHED

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.findings import errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.in_datum import feed_in_datum, in_datum
from trafficfeed.formats.rules.geometry import bounds_of
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.formats.structure import structure_findings
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph

CITY = Path(__file__).parents[2] / "sumo_scenarios/helsinki"
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def helsinki() -> RoadGraph:
    if not (CITY / "graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    return load_graph(CITY / "graph")


@pytest.fixture(scope="module")
def events(helsinki: RoadGraph) -> list[RoadEvent]:
    found: list[RoadEvent] = []
    for path in sorted((CITY / "orders").glob("*.yaml")):
        order = parse_order(path.read_bytes(), name=path.name)
        until = PUBLISHED + timedelta(days=366)
        found += road_events(
            order,
            1,
            resolve(order, helsinki)[0],
            {m.id: windows_of(m, order.timezone, since=PUBLISHED, until=until)[:3] for m in order.measures},
            graph=helsinki,
            certificate=CERTIFICATE,
            validation=Validation.PASSED,
            created=PUBLISHED,
            updated=PUBLISHED,
        )
    return found


def encoded(name: str, events: list[RoadEvent], graph: RoadGraph) -> bytes:
    feed = replace(FEED, language="fi", bounds=bounds_of(graph))
    return STANDARDS[name].encode(events, publication_time=PUBLISHED, feed=feed)


@pytest.mark.parametrize("name", [name for name in STANDARDS if name != "rsi"])  # which needs a table of codes
def test_no_rule_is_broken(name: str, events: list[RoadEvent], helsinki: RoadGraph) -> None:
    data = encoded(name, events, helsinki)
    findings = (*structure_findings(name, data),)
    if STANDARDS[name].read is not None:
        findings = (*findings, *semantics.check(name, data, graph=helsinki))
    assert [str(finding) for finding in errors_in(findings)] == []


@pytest.mark.parametrize("name", ["wzdx", "cifs", "datex2"])
def test_the_official_schema_takes_it(name: str, events: list[RoadEvent], helsinki: RoadGraph, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/conformance, which is not in the repository")
    file = tmp_path / STANDARDS[name].file_name
    file.write_bytes(encoded(name, events, helsinki))
    command = [sys.executable, SHARED / "conformance/validate.py", name, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_our_own_format_is_sound_in_chinas_datums_too(events: list[RoadEvent], helsinki: RoadGraph, datum: str) -> None:
    feed = feed_in_datum(replace(FEED, bounds=bounds_of(helsinki)), datum)
    shifted = [in_datum(event, datum) for event in events]
    data = STANDARDS["native"].encode(shifted, publication_time=PUBLISHED, feed=feed)
    assert [str(finding) for finding in errors_in(semantics.check("native", data))] == []
