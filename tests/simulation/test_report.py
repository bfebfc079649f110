import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from made_graphs import Street, graph_of
from made_runs import UNTIL_S, made_run
from PIL import Image

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.settings import Thresholds
from trafficfeed.simulation.certificate import Certificate, Verdict
from trafficfeed.simulation.comparison import accounting, estimates, figures_of, paired_delays
from trafficfeed.simulation.evidence import BIN_EDGES_S, Evidence, count_delays, load_evidence, save_evidence
from trafficfeed.simulation.report import write_report
from trafficfeed.simulation.street_names import StreetNames
from trafficfeed.simulation.streets import edge_traffic, streets_of
from trafficfeed.simulation.verdict import reasons_of, verdict_of

PICTURES = {"flow.png", "delay.png", "pairs.svg", "distribution.svg"}


@pytest.fixture(scope="module")
def graph():
    junctions = {"a": (0, 0), "b": (200, 0), "c": (400, 0), "d": (200, 200), "e": (400, 200)}
    streets = [
        Street(name="Liberty <Street>", nodes=("a", "b", "c")),
        Street(name="Rua da Praça", nodes=("b", "d", "e")),
        Street(name="", nodes=("c", "e")),
    ]
    return graph_of(junctions, streets)


@pytest.fixture(scope="module")
def pairs():
    draw = np.random.default_rng(3)
    classes = ["emergency"] * 5 + ["bus"] * 5 + ["passenger"] * 40
    made = []
    for seed in range(5):
        base = draw.uniform(100, 300, 50)
        plan = base + draw.normal(60, 10, 50)
        before = {"a>b": (200, 100, 20), "b>d": (30 + seed, 10, 0)}
        after = {"b>d": (180 + seed, 900, 190), "d>e": (170, 700, 60)}
        made.append(
            (
                made_run(trips=list(base), classes=classes, seed=seed, edges=before),
                made_run(trips=list(plan), classes=classes, seed=seed, edges=after),
            )
        )
    return made


@pytest.fixture(scope="module")
def certificate(graph, pairs) -> Certificate:
    metrics = estimates([figures_of(base, plan, until_s=UNTIL_S) for base, plan in pairs])
    base, plan = (edge_traffic(side, graph) for side in zip(*pairs, strict=True))
    return Certificate(
        id="0123456789abcdef0123",
        verdict=verdict_of(Thresholds(), metrics),
        reasons=reasons_of(Thresholds(), metrics),
        inputs={
            "subject": {"id": "works-7", "version": 3, "title": {"en": "Works & <b>more</b>"}},
            "city": {"name": "town", "title": "Town"},
            "thresholds": Thresholds().model_dump(),
            "interventions": [{"kind": "EdgeClosure", "edges": ["a>b"]}],
        },
        metrics=metrics,
        accounting={"base": accounting(p[0] for p in pairs), "plan": accounting(p[1] for p in pairs)},
        streets=streets_of(base, plan, graph, closed=[graph.index["a>b"]], names=StreetNames(graph)),
        issued="2026-11-22T12:00:00Z",
        seeds={"meso": (0, 1, 2, 3, 4)},
        notes=("Simulated are 2.0 h of the measure's 9.0 h.",),
    )


@pytest.fixture(scope="module")
def evidence(graph, pairs) -> Evidence:
    base, plan = (edge_traffic(side, graph) for side in zip(*pairs, strict=True))
    return Evidence(
        network_hash=graph.network_hash,
        pairs=[figures_of(b, p, until_s=UNTIL_S) for b, p in pairs],
        first_look_pairs=[],
        delay_counts=count_delays([paired_delays(b, p, until_s=UNTIL_S) for b, p in pairs]),
        closed=np.array([graph.index["a>b"]]),
        flow_base=base.entered.mean(axis=0),
        flow_plan=plan.entered.mean(axis=0),
        delay_base_h=base.time_loss_s.mean(axis=0) / 3600,
        delay_plan_h=plan.time_loss_s.mean(axis=0) / 3600,
        queue_base_m=base.max_queue_m.mean(axis=0),
        queue_plan_m=plan.max_queue_m.mean(axis=0),
    )


@pytest.fixture(scope="module")
def page(certificate, evidence, graph, tmp_path_factory) -> str:
    return write_report(certificate, evidence, graph, tmp_path_factory.mktemp("report")).read_text("utf-8")


def test_the_page_stands_alone_and_needs_no_script(page):
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("data:image/") == len(PICTURES)


def test_the_page_fits_a_phone_and_names_every_picture(page):
    assert 'name="viewport" content="width=device-width' in page
    assert all(alt for alt in re.findall(r'<img [^>]*alt="([^"]*)"', page))


def test_the_verdict_stands_at_the_top_with_the_figures_that_decided_it(page):
    lead = page.partition("What it was judged by")[0]

    assert "HOLD" in lead
    assert re.search(r"Delay: \d\d\.\d s, allowed is at most 20 s", lead)
    assert "Simulated are 2.0 h" in lead


def test_what_people_wrote_is_shown_and_not_run(page):
    assert "Works &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert "Liberty &lt;Street&gt;" in page
    assert "Rua da Praça" in page


def test_no_sumo_id_is_shown(page, graph):
    assert not [edge for edge in graph.edge_ids if edge.replace(">", "&gt;") in page]


def test_every_vehicle_is_in_the_table_of_fates(page):
    assert re.search(r"all vehicles of the demand</td><td class=\"n\">250</td><td class=\"n\">250</td>", page)


def test_the_pictures_lie_beside_the_page_and_can_be_opened(certificate, evidence, graph, tmp_path):
    write_report(certificate, evidence, graph, tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == PICTURES | {"report.html", "certificate.json"}
    for name in ("flow.png", "delay.png"):
        picture = Image.open(io.BytesIO((tmp_path / name).read_bytes())).convert("RGB")
        assert picture.width == 1000
        assert len(picture.getcolors(maxcolors=1 << 24) or ()) > 100, "something is drawn"
    for name in ("pairs.svg", "distribution.svg"):
        assert ElementTree.parse(tmp_path / name).getroot().tag.endswith("svg")


def test_the_same_certificate_gives_the_same_bytes(certificate, evidence, graph, tmp_path):
    for name in ("one", "two"):
        write_report(certificate, evidence, graph, tmp_path / name)

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_without_evidence_there_is_a_page_without_pictures(certificate, graph, tmp_path):
    undriven = replace(certificate, verdict=Verdict.INCONCLUSIVE, metrics={}, accounting={}, streets=(), reasons=())

    text = write_report(undriven, None, graph, tmp_path).read_text("utf-8")

    assert "INCONCLUSIVE" in text
    assert "data:image/" not in text


def test_a_plan_that_changes_nothing_is_drawn_all_the_same(certificate, evidence, graph, tmp_path):
    nothing = replace(
        evidence,
        flow_plan=evidence.flow_base,
        delay_plan_h=evidence.delay_base_h,
        closed=np.zeros(0, dtype=np.int64),
    )

    text = write_report(replace(certificate, streets=()), nothing, graph, tmp_path).read_text("utf-8")

    assert "No street's traffic changed" in text.replace("&#39;", "'")


def test_delays_are_counted_in_bins_that_leave_nobody_out(pairs):
    counts = count_delays([paired_delays(base, plan, until_s=UNTIL_S) for base, plan in pairs])

    assert sum(counts["passenger"]) == 5 * 40
    assert all(len(column) == len(BIN_EDGES_S) - 1 for column in counts.values())


def test_evidence_survives_being_saved(evidence, tmp_path):
    save_evidence(evidence, tmp_path / "e.npz")
    again = load_evidence(tmp_path / "e.npz")

    assert again.pairs == evidence.pairs
    assert np.array_equal(again.flow_plan, evidence.flow_plan)


def test_evidence_that_is_not_there_or_damaged_says_so(tmp_path):
    with pytest.raises(SourceUnavailable, match="not there"):
        load_evidence(tmp_path / "e.npz")
    (tmp_path / "e.npz").write_bytes(b"not an archive")
    with pytest.raises(SourceMalformed, match="not evidence"):
        load_evidence(tmp_path / "e.npz")
