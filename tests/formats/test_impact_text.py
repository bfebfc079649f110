from dataclasses import replace

import pytest
from made_events import (
    BUS_STREET,
    CANCELLED,
    CERTIFICATE,
    CLOSURE,
    CONCERT,
    DRIP,
    EVENTS,
    KERB_LANE,
    LOW_BRIDGE,
    NO_TRUCKS,
    SLOW,
    TURN,
)

from trafficfeed.closures.orders import Exemption, OneWay, VehicleRestriction
from trafficfeed.closures.road_events import QueueRisk, RoadEvent
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.rule_text import rule_text, street_text
from trafficfeed.formats.texts import in_language, plain
from trafficfeed.network.vehicle_classes import VehicleClass

LANGUAGES = ("en", "fi", "sv", "de", "zh")
STREETS = ("Mannerheimintie", "Pohjoisesplanadi", "Fabianinkatu", "Unioninkatu")


def certified(**changes: object) -> RoadEvent:
    return replace(CLOSURE, certificate=replace(CERTIFICATE, **changes))  # type: ignore[arg-type]


def test_the_four_findings_are_told_in_each_language() -> None:
    event = certified(queue_risk=QueueRisk.LIKELY, queues_on=STREETS[:1], cut_off_places=("Quay 1",))
    assert impact_text(event, "en") == (
        "Delay 3.2 s per vehicle (1.1 s to 5.3 s). Detour: East Street, Ring Road. "
        "Queues likely on Mannerheimintie. Out of reach: Quay 1."
    )
    assert impact_text(event, "fi-FI") == (
        "Viive 3,2 s ajoneuvoa kohti (1,1 s – 5,3 s). Kiertotie: East Street, Ring Road. "
        "Jonoja todennäköisesti: Mannerheimintie. Ei ajoyhteyttä: Quay 1."
    )
    for language in LANGUAGES:
        text = impact_text(event, language)
        assert all(name in text for name in ("East Street", "Mannerheimintie", "Quay 1"))
    assert len({impact_text(event, language) for language in LANGUAGES}) == len(LANGUAGES)
    assert impact_text(event, "nl") == impact_text(event, "en")


def test_long_delays_are_told_in_minutes_and_negative_ones_with_a_minus() -> None:
    text = impact_text(certified(delay_per_vehicle_s=150.0, delay_low_s=-0.04, delay_high_s=-12.0), "en")
    assert text.startswith("Delay 2.5 min per vehicle (0 s to −12 s).")


def test_vehicles_that_find_no_way_are_counted_where_no_place_is_named() -> None:
    assert "7 vehicles cannot reach their destination." in impact_text(certified(cut_off=7), "en")


def test_an_unknown_queue_risk_is_not_told_as_none() -> None:
    assert "ueue" not in impact_text(certified(queue_risk=QueueRisk.UNKNOWN), "en")
    assert "Queues likely." in impact_text(certified(queue_risk=QueueRisk.LIKELY), "en")


def test_without_a_certificate_only_the_detour_is_known_and_of_a_cancelled_event_nothing() -> None:
    assert impact_text(replace(CLOSURE, certificate=None), "en") == "Detour: Abbey Row, East Street, Ring Road."
    assert impact_text(CONCERT, "en") == ""
    assert impact_text(replace(CANCELLED, certificate=CERTIFICATE), "en") == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", [0, 20, 40, 60, 90, 120, 200])
def test_a_limit_is_kept_by_whole_sentences_and_who_is_cut_off_stays_longest(language: str, limit: int) -> None:
    event = certified(queue_risk=QueueRisk.LIKELY, queues_on=STREETS, cut_off_places=STREETS)
    text, whole = impact_text(event, language, limit=limit), impact_text(event, language)
    assert len(text) <= limit
    assert text == "" or text[-1] == whole[-1]
    if text and limit < len(whole):
        last = impact_text(certified(delay_per_vehicle_s=None, diverted_to=(), cut_off_places=STREETS[:1]), language)
        assert len(last) > limit or STREETS[0] in text


def test_more_names_than_three_are_counted() -> None:
    event = certified(queue_risk=QueueRisk.LIKELY, queues_on=STREETS)
    assert "Queues likely on Mannerheimintie, Pohjoisesplanadi, Fabianinkatu (+1)." in impact_text(event, "en")


def test_rules_and_exceptions_are_told_in_a_drivers_words() -> None:
    assert {event.measure_id: rule_text(event, "en") for event in EVENTS if event.order_id == "order-1"} == {
        CLOSURE.measure_id: "Closed. Except emergency vehicles, residents.",
        KERB_LANE.measure_id: "1 of 3 lanes closed.",
        LOW_BRIDGE.measure_id: "Weight limit 7.5 t. Height limit 3.5 m.",
        BUS_STREET.measure_id: "Only for buses.",
        NO_TRUCKS.measure_id: "Not for lorries.",
        SLOW.measure_id: "Speed limit 30 km/h.",
        DRIP.measure_id: "Metered traffic.",
        TURN.measure_id: "No turn into East Street.",
    }
    assert rule_text(replace(CLOSURE, rule=OneWay(), exceptions=()), "en") == "One-way: closed in this direction."
    permit = replace(CLOSURE, rule=VehicleRestriction(permit="Zone A"), exceptions=())
    assert rule_text(permit, "sv") == "Endast med tillstånd: Zone A."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_class_and_exemption_has_a_word_in_every_language(language: str) -> None:
    everybody = replace(CLOSURE, rule=VehicleRestriction(banned=tuple(VehicleClass)), exceptions=tuple(Exemption))
    text = rule_text(everybody, language)
    assert text
    if language != "en":
        assert "emergency" not in text
        assert all(rule_text(event, language) != rule_text(event, "en") for event in EVENTS)
        assert street_text("", language) != street_text("", "en")


def test_a_text_is_taken_in_the_language_asked_for_else_english_else_any() -> None:
    assert in_language({"nb": "a", "en": "b"}, "nb-NO") == "a"
    assert in_language({"nb": "a", "en": "b"}, "fr") == "b"
    assert in_language({"nb": "a", "fi": "c"}, "fr") == "c"
    assert in_language({}, "fr") == ""


def test_plain_text_keeps_letters_of_every_script_and_loses_what_documents_cannot_hold() -> None:
    assert plain(" Aleksanterin\n\tkatu\x00 \ud800中山路 ک‌ه \ufffe") == "Aleksanterin katu 中山路 ک‌ه"
