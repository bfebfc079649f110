"""What of a certificate and the checks stands on the record."""

import math
from typing import Any

from trafficfeed.closures.road_events import Diversion, QueueRisk
from trafficfeed.findings import Finding, Severity
from trafficfeed.pipeline.impact_summary import cut_off_places, diversions, summary_of
from trafficfeed.simulation.certificate import Certificate, Estimate, Verdict


def certificate(*streets: dict[str, Any], tier: str = "micro", **metrics: Estimate) -> Certificate:
    return Certificate(
        id="c0ffee",
        verdict=Verdict.PUBLISH,
        reasons=(),
        inputs={},
        metrics={"delay_s": estimate(3.24), "full_stretches_change": estimate(0.0), **metrics},
        accounting={},
        streets=streets,
        issued="2026-11-22T12:00:00Z",
        tier=tier,
    )


def estimate(mean: float, half: float = 1.0) -> Estimate:
    return Estimate(mean=mean, low=mean - half, high=mean + half, pairs=5)


def street(name: str, more: float = 0.0, *, spill_back: bool = False, closed: bool = False) -> dict[str, Any]:
    return {"street": name, "flow_change": more, "spill_back": spill_back, "closed": closed}


def isolation(kind: str, *labels: str, severity: Severity = Severity.WARNING, **streets: int) -> Finding:
    detail = {"kind": kind, "count": sum(streets.values()), "labels": list(labels), "by_street": streets}
    return Finding(rule=f"isolation.{kind}", severity=severity, message="cut off", detail=detail)


def test_the_delay_is_rounded_and_an_interval_without_end_is_left_out() -> None:
    one_pair = Estimate(mean=3.24, low=-math.inf, high=math.inf, pairs=1)
    summary = summary_of(certificate(delay_s=one_pair), public_url="https://example.org/")
    assert (summary.delay_per_vehicle_s, summary.delay_low_s, summary.delay_high_s) == (3.2, None, None)
    assert (summary.href, summary.seeds) == ("https://example.org/v1/certificates/c0ffee", 1)


def test_the_streets_that_take_the_traffic_over_are_named_most_first() -> None:
    rows = [street("High Street", -1005.7, closed=True), street("Mill Lane", 232.4), street("Ring Road", 991.0)]
    assert diversions(rows) == (
        Diversion(street="Ring Road", vehicles=991),
        Diversion(street="Mill Lane", vehicles=232),
    )


def test_next_to_nothing_is_no_diversion() -> None:
    assert [one.street for one in diversions([street("Ring Road", 400), street("Mill Lane", 39)])] == ["Ring Road"]
    assert diversions([street("Mill Lane", 2.4)]) == ()


def test_two_stretches_of_one_name_are_one_street() -> None:
    assert diversions([street("Ring Road", 40), street("Ring Road", 90)]) == (
        Diversion(street="Ring Road", vehicles=90),
    )


def test_streets_without_a_name_are_told_of_only_where_there_are_no_others() -> None:
    nameless, named = street("unnamed road near 11.3, 44.5", 500), street("Ring Road", 100)
    assert [one.street for one in diversions([nameless, named])] == ["Ring Road"]
    assert [one.vehicles for one in diversions([nameless])] == [500]


def test_a_queue_that_reaches_the_junction_before_it_is_a_likely_queue_on_a_named_street() -> None:
    found = summary_of(certificate(street("Ring Road", spill_back=True), street("Mill Lane")), public_url="")
    assert (found.queue_risk, found.queues_on) == (QueueRisk.LIKELY, ("Ring Road",))


def test_more_full_stretches_in_every_run_are_a_likely_queue_though_no_street_is_listed() -> None:
    found = summary_of(certificate(full_stretches_change=estimate(4.0)), public_url="")
    assert (found.queue_risk, found.queues_on) == (QueueRisk.LIKELY, ())


def test_no_spill_back_is_no_queue_to_speak_of() -> None:
    assert summary_of(certificate(street("Ring Road", 90)), public_url="").queue_risk is QueueRisk.NONE


def test_the_mesoscopic_model_cannot_tell_queues() -> None:
    found = summary_of(certificate(street("Ring Road", spill_back=True), tier="meso"), public_url="")
    assert (found.queue_risk, found.queues_on) == (QueueRisk.UNKNOWN, ())


def test_places_are_named_the_most_urgent_first_and_many_addresses_by_street() -> None:
    found = cut_off_places(
        [
            isolation("address", "Mill Lane 1", "Mill Lane 2", **{"Mill Lane": 12, "High Street": 30}),
            isolation("hospital", "St Anna", **{"High Street": 1}),
        ]
    )
    assert found == ("St Anna", "High Street (30)", "Mill Lane (12)")


def test_a_few_addresses_are_named_one_by_one() -> None:
    assert cut_off_places([isolation("address", "Mill Lane 1", "Mill Lane 2", **{"Mill Lane": 2})]) == (
        "Mill Lane 1",
        "Mill Lane 2",
    )


def test_places_without_a_name_are_told_of_by_street() -> None:
    nameless = ("car park (way/33185672)", "car park (node/7)")
    assert cut_off_places([isolation("car_park", *nameless, **{"Mill Lane": 2})]) == ("Mill Lane (2)",)
    assert cut_off_places([isolation("car_park", "Q-Park", *nameless, **{"Mill Lane": 3})]) == ("Q-Park",)


def test_where_those_who_live_there_may_pass_nobody_is_cut_off() -> None:
    assert cut_off_places([isolation("address", "Mill Lane 1", severity=Severity.INFO, **{"Mill Lane": 1})]) == ()


def test_findings_of_other_checks_name_no_places() -> None:
    other = Finding(rule="detour.length", severity=Severity.WARNING, message="long", detail={"kind": "hospital"})
    assert cut_off_places([other]) == ()
