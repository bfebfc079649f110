"""Real SUMO on ten minutes of Cologne: what a closure does to it, and what the certificate says."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from real_cities import resco

from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import read_net
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.settings import Settings, SimulationSettings, Thresholds
from trafficfeed.simulation.certificate import Certificate, Verdict, certificate_id, from_json, to_json
from trafficfeed.simulation.evaluate import Question, conclude, evaluate, evidence_path, first_runs
from trafficfeed.simulation.evidence import load_evidence
from trafficfeed.simulation.interventions import EdgeClosure, LaneClosure
from trafficfeed.simulation.rerun import rerun
from trafficfeed.simulation.runs import cached, run

BEGIN_S = 25200.0
AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAIN_STREET = "-186623965#16"
SIDE_STREET = "-23283579#1"
EMERGENCY = frozenset({VehicleClass.EMERGENCY})
SETTINGS = Settings(simulation=SimulationSettings(warm_up_s=60, cool_down_s=900, emergency_probes=20))


@pytest.fixture(scope="module")
def city() -> City:
    return resco("cologne8", begin_s=BEGIN_S, end_s=BEGIN_S + 600, minor_penalty_s=2.7)


@pytest.fixture(scope="module")
def graph(city) -> RoadGraph:
    return read_net(city.net_path)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


def closing(*edges, permitted=EMERGENCY, begin_s=BEGIN_S + 60, end_s=BEGIN_S + 600):
    return [EdgeClosure(cause="test", edges=edges, permitted=permitted, begin_s=begin_s, end_s=end_s)]


def certify(city, graph, runs, interventions, *, settings=SETTINGS, confirm="meso", **more) -> Certificate:
    return evaluate(
        city,
        interventions,
        subject={"id": "works", "version": 1, "title": "Works"},
        graph=graph,
        settings=settings,
        runs=runs,
        as_of=AS_OF,
        confirm=confirm,
        **more,
    )


@pytest.fixture(scope="module")
def held(city, graph, runs) -> Certificate:
    return certify(city, graph, runs, closing(MAIN_STREET))


@pytest.fixture(scope="module")
def passed(city, graph, runs) -> Certificate:
    return certify(city, graph, runs, closing(SIDE_STREET))


def test_closing_a_main_street_is_held_and_the_figures_say_why(held):
    (delay,) = [r for r in held.reasons if r.gate == "delay"]

    assert held.verdict is Verdict.HOLD
    assert (delay.passed, delay.decided) == (False, True)
    assert held.metrics["delay_s"].low > SETTINGS.thresholds.max_delay_per_vehicle_s
    assert held.metrics["delay_s"].pairs == 5


def test_closing_a_side_street_passes(passed):
    assert passed.verdict is Verdict.PUBLISH
    assert all(reason.passed and reason.decided for reason in passed.reasons)


def test_every_vehicle_is_accounted_for_in_both(held, passed):
    for certificate in (held, passed):
        base, plan = certificate.accounting["base"], certificate.accounting["plan"]
        assert base["demand"] == plan["demand"] == 5 * (329 + 20)
        assert sum(base.values()) == 2 * base["demand"]
        assert sum(plan.values()) == 2 * plan["demand"]


def test_the_report_of_streets_shows_the_closed_one_emptied_and_another_filled(held):
    closed = [s for s in held.streets if s["closed"]]

    assert closed and closed[0]["flow_change"] < -20
    assert max(s["flow_change"] for s in held.streets) > 20


def test_no_street_is_shown_by_its_sumo_id(held, graph):
    shown = {str(value) for street in held.streets for value in street.values()}

    assert not shown & set(graph.edge_ids)


def test_vehicles_whose_street_is_shut_are_spoken_of(passed):
    assert passed.accounting["plan"]["ended_short"] > 0
    assert any("nearest open street" in note for note in passed.notes)


def test_the_id_is_the_hash_of_what_went_in(held, passed):
    assert held.id == certificate_id(held.inputs)
    assert held.id != passed.id


def test_running_it_again_from_nothing_gives_identical_results(held, city, graph, tmp_path):
    written = from_json(to_json(held))

    again, differences = rerun(written, city, graph=graph, settings=Settings(), as_of=AS_OF, runs=tmp_path)

    assert differences == ()
    assert to_json(again) == to_json(held)


def test_a_rerun_says_that_the_demand_is_another_one(passed, city, graph, runs):
    other = City(
        city.folder,
        city.file.model_copy(update={"demand": city.file.demand.model_copy(update={"end_s": BEGIN_S + 540})}),
    )

    again, differences = rerun(passed, other, graph=graph, settings=SETTINGS, as_of=AS_OF, runs=runs)

    assert again.id != passed.id
    assert any(line.startswith("clock.end_s: 25800.0 → 25740.0") for line in differences)


def test_asked_again_it_answers_from_the_runs_that_are_there(held, city, graph, runs):
    before = sorted(path.stat().st_mtime_ns for path in runs.glob("*/result.npz"))

    again = certify(city, graph, runs, closing(MAIN_STREET))

    assert again == held
    assert sorted(path.stat().st_mtime_ns for path in runs.glob("*/result.npz")) == before


def test_runs_made_elsewhere_are_what_the_conclusion_reads(city, graph, tmp_path):
    question = Question(
        city=city,
        interventions=closing(SIDE_STREET),
        settings=SETTINGS.model_copy(update={"thresholds": Thresholds(min_pairs=2, max_pairs=2)}),
        confirm="meso",
    )
    specs = first_runs(question)
    for spec in reversed(specs):
        run(spec, runs=tmp_path, time_limit_s=60)

    conclude(question, graph=graph, runs=tmp_path, as_of=AS_OF)

    assert len(specs) == 4
    assert all(cached(spec, runs=tmp_path) for spec in specs)
    assert len(list(tmp_path.glob("*/result.npz"))) == 4, "nothing more was driven"


def test_lanes_are_closed_in_micro_alone_which_then_decides(city, graph, runs):
    lane = LaneClosure(
        cause="test", edge=MAIN_STREET, lanes=(0,), permitted=EMERGENCY, begin_s=BEGIN_S + 60, end_s=BEGIN_S + 600
    )
    settings = SETTINGS.model_copy(update={"thresholds": Thresholds(min_pairs=2, max_pairs=2)})

    certificate = certify(city, graph, runs, [lane], settings=settings)

    assert certificate.tier == "micro"
    assert certificate.seeds == {"micro": [1, 2]}


def test_a_small_network_is_confirmed_in_micro_and_both_looks_are_kept(city, graph, runs):
    settings = SETTINGS.model_copy(
        update={"simulation": SETTINGS.simulation.model_copy(update={"confirm_min_pairs": 2, "confirm_max_pairs": 2})}
    )

    certificate = certify(city, graph, runs, closing(SIDE_STREET), settings=settings, confirm="auto")

    assert certificate.tier == "micro"
    assert list(certificate.seeds) == ["meso", "micro"]
    assert certificate.metrics["delay_s"].pairs == 2
    assert certificate.first_look["delay_s"].pairs == 5


def test_a_run_over_its_time_limit_makes_it_inconclusive_and_a_later_result_has_an_id_of_its_own(
    held, city, graph, tmp_path
):
    hasty = SETTINGS.model_copy(update={"simulation": SETTINGS.simulation.model_copy(update={"time_limit_s": 0.001})})

    certificate = certify(city, graph, tmp_path, closing(MAIN_STREET), settings=hasty)

    assert certificate.verdict is Verdict.INCONCLUSIVE
    assert "time limit" in certificate.reasons[0].measured
    assert certificate.metrics == {}
    assert {**certificate.inputs, "failure": None} == {**held.inputs, "failure": None}
    assert certificate.id == certificate_id(certificate.inputs) != held.id


def test_nothing_to_simulate_is_inconclusive_and_drives_nothing(city, graph, tmp_path):
    question = Question(city=city, interventions=[], settings=SETTINGS)

    certificate = conclude(question, graph=graph, runs=tmp_path, as_of=AS_OF)

    assert first_runs(question) == []
    assert certificate.verdict is Verdict.INCONCLUSIVE
    assert "nothing to simulate" in certificate.reasons[0].measured


def test_a_street_that_nobody_uses_passes_with_that_statement(held, city, graph, runs):
    evidence = load_evidence(evidence_path(runs, held.id))
    unused = next(
        graph.edge_ids[i] for i in range(len(graph)) if not evidence.flow_base[i] and not evidence.flow_plan[i]
    )

    certificate = certify(city, graph, runs, closing(unused))

    assert certificate.verdict is Verdict.PUBLISH
    assert certificate.metrics["delay_s"].mean == 0.0
    assert any("No traffic of this demand" in note for note in certificate.notes)


def test_vehicles_that_never_get_through_hold_the_plan_though_their_trips_are_not_measured(city, graph, runs):
    impossible = [replace(c, permitted=frozenset()) for c in closing(*graph.edge_ids[:200], end_s=BEGIN_S + 1500)]

    certificate = certify(city, graph, runs, impossible)

    assert certificate.verdict in (Verdict.HOLD, Verdict.INCONCLUSIVE)
    assert certificate.verdict is not Verdict.PUBLISH
