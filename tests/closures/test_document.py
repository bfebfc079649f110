import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from made_orders import DOCUMENT

from trafficfeed.closures.document import dump_order, order_bytes, order_hash, order_schema, parse_order
from trafficfeed.closures.orders import Area, Order
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity

DEMO_ORDERS = sorted((Path(__file__).parents[2] / "sumo_scenarios/helsinki/orders").glob("*.yaml"))
YAML_HEAD = "id: water-main\ncity: anywhere\n"


def parsed(document: dict[str, Any]) -> Order:
    return parse_order(json.dumps(document), name="test")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the sound document with the value at a path (dots, numbers for lists) replaced; ... deletes."""
    document = deepcopy(DOCUMENT)
    here: Any = document
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    for step in steps:
        here = here[step]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return document


def refusal(data: dict[str, Any] | str | bytes, name: str = "test") -> tuple[Finding, ...]:
    with pytest.raises(OrderInvalid) as refused:
        parse_order(json.dumps(data) if isinstance(data, dict) else data, name=name)
    found = refused.value.findings
    assert found
    assert all(f.severity is Severity.ERROR and f.message and f.mend for f in found)
    return found


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, [str(f) for f in found]
    return found[0]


def test_there_is_a_demo_order_for_each_situation() -> None:
    assert len(DEMO_ORDERS) >= 8


@pytest.mark.parametrize("path", DEMO_ORDERS, ids=lambda path: path.stem)
def test_demo_orders_are_sound_and_fit_the_schema_that_is_printed(path: Path) -> None:
    order = parse_order(path.read_bytes(), name=path.name)
    Draft202012Validator(order_schema()).validate(dump_order(order))
    assert {"fi", "sv", "en"} <= set(order.title)


@pytest.mark.parametrize("path", DEMO_ORDERS, ids=lambda path: path.stem)
def test_an_order_written_out_and_read_again_is_the_same_order(path: Path) -> None:
    order = parse_order(path.read_bytes(), name=path.name)
    again = parse_order(order_bytes(order), name="again.json")
    assert again == order
    assert order_hash(again) == order_hash(order)


def test_the_schema_is_itself_a_schema_and_its_example_is_an_order() -> None:
    schema = order_schema()
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        parsed(example)


def test_the_schema_refuses_what_the_parser_refuses() -> None:
    validator = Draft202012Validator(order_schema())
    for broken in (
        changed("measures.0.rule", {}),
        changed("measures.0.where.0.kind", ...),
        changed("measures.0.when.periods.0.start", "2026-12-05"),
        changed("measures.0.id", "has.dot"),
        changed("title", {}),
        changed("title", {"english": "x"}),
        changed("colour", "red"),
    ):
        refusal(broken)
        assert not validator.is_valid(broken)


def test_the_schema_takes_a_detour_without_its_kind_as_the_parser_does() -> None:
    document = changed("measures.0.detour", {"coordinates": [[24.95, 60.17], [24.96, 60.17]]})
    parsed(document)
    Draft202012Validator(order_schema()).validate(document)


def test_the_same_order_differently_written_has_the_same_bytes() -> None:
    ring = [[24.95, 60.17], [24.96, 60.17], [24.96, 60.18]]
    area = changed("measures.0.where.0", {"kind": "area", "ring": [*ring, ring[2], ring[0]]})
    open_area = changed("measures.0.where.0", {"ring": [*ring, ring[2]], "kind": "area", "select": "inside"})
    assert order_bytes(parsed(area)) == order_bytes(parsed(open_area))
    place = parsed(open_area).measures[0].where[0]
    assert isinstance(place, Area)
    assert place.ring[0] == place.ring[-1]


def test_yaml_and_json_of_one_order_are_the_same_order() -> None:
    json_order = parsed(DOCUMENT)
    yaml_order = parse_order(
        """
id: water-main
city: anywhere
authority: {name: The City}
legal_basis: Road Traffic Act, section 71
reason: roadworks
contact: {name: Traffic desk, email: traffic@example.org}
title: {en: Water main renewal, fi: Vesijohdon uusiminen}
timezone: Europe/Helsinki
measures:
  - id: closure
    rule: {kind: closure}
    where: [{kind: line, coordinates: [[24.95, 60.17], [24.951234567890123, 60.1702]]}]
    when: {periods: [{start: 2026-12-05T07:00, end: 2026-12-05T18:00}]}
""",
        name="order.yaml",
    )
    assert order_hash(yaml_order) == order_hash(json_order)


def test_json_indented_with_tabs_is_read() -> None:
    assert parse_order(json.dumps(DOCUMENT, indent="\t"), name="body") == parsed(DOCUMENT)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_order(b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode(), name="bom.json") == parsed(DOCUMENT)


def test_norwegian_is_not_read_as_false() -> None:
    text = json.dumps(changed("title", "TITLE")).replace('"TITLE"', "{no: Vannledning, en: off}")
    order = parse_order(text, name="order.yaml")
    assert order.title == {"no": "Vannledning", "en": "off"}


def test_a_clock_time_is_not_read_as_minutes() -> None:
    found = only(refusal(json.dumps(changed("contact", "CONTACT")).replace('"CONTACT"', "{name: a, phone: 12:30}{")))
    assert found.rule == "document.syntax"
    text = json.dumps(changed("contact", "CONTACT")).replace('"CONTACT"', "{name: desk, phone: 12:30}")
    assert parse_order(text, name="order.yaml").contact.phone == "12:30"


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("measures.0.when.periods.0.end", "2026-12-05", "measures[0].when.periods[0].end"),
        ("measures.0.when.periods.0.end", 1765000000, "measures[0].when.periods[0].end"),
        ("measures.0.when.periods.0.end", "2026-13-05T10:00", "measures[0].when.periods[0].end"),
        ("measures.0.when.periods.0.end", ..., "measures[0].when.periods[0]"),
        ("measures.0.when.periods.0.end", "2026-12-05T06:00", "measures[0].when.periods[0].end"),
        ("measures.0.when.periods", [], "measures[0].when"),
        ("measures.0.where.0.coordinates.1.0", "24.95", "measures[0].where[0].coordinates[1][0]"),
        ("measures.0.where.0.coordinates.1.1", 91, "measures[0].where[0].coordinates[1][1]"),
        ("measures.0.where.0.coordinates.1", [24.95], "measures[0].where[0].coordinates[1][1]"),
        ("measures.0.where.0.coordinates.1", [24.95, 60.17], "measures[0].where[0].coordinates"),
        ("measures.0.where.0.kind", "lines", "measures[0].where[0]"),
        ("measures.0.where", [], "measures[0].where"),
        ("measures.0.rule", {"kind": "lanes_closed", "lanes": [True]}, "measures[0].rule.lanes[0]"),
        ("measures.0.rule", {"kind": "lanes_closed", "lanes": []}, "measures[0].rule.lanes"),
        ("measures.0.rule", {"kind": "vehicles"}, "measures[0].rule"),
        ("measures.0.rule", {"kind": "vehicles", "only": ["bus"], "banned": ["truck"]}, "measures[0].rule"),
        ("measures.0.rule", {"kind": "turn_ban"}, "measures[0].where[0]"),
        ("measures.0.rule", {"kind": "one_way"}, "measures[0].where[0].direction"),
        ("measures.0.where.0", {"kind": "turn", "from_street": "A", "to_street": "B"}, "measures[0].where[0]"),
        ("measures.0.exceptions", ["emergency", "emergency"], "measures[0].exceptions"),
        ("measures", [], "measures"),
        ("measures.0.id", "Has Space", "measures[0].id"),
        ("timezone", "Europe/Atlantis", "timezone"),
        ("timezone", "../../etc/passwd", "timezone"),
        ("links", {"plan": "javascript:alert(1)"}, "links.plan"),
        ("contact.email", "nobody", "contact.email"),
        ("title", {"english": "x"}, "title.english"),
        ("title", {"en": "   "}, "title.en"),
        ("title", {"en": "a\x00b"}, "title.en"),
        ("informed_share", 1.5, "informed_share"),
        ("authority", ..., "authority"),
    ],
)
def test_a_fault_is_named_by_its_path(path: str, value: Any, where: str) -> None:
    assert only(refusal(changed(path, value))).where == where


def test_every_fault_is_told_at_once() -> None:
    document = changed("timezone", "Mars/Olympus")
    document["measures"].append(deepcopy(document["measures"][0]))
    document["links"] = {"x": "ftp://x"}
    assert {f.where for f in refusal(document)} == {"timezone", "links.x", "measures[1].id"}


def test_a_misspelt_field_is_told_its_right_name() -> None:
    found = only(refusal(changed("measures.0.when.periods.0.estimated_ned", "2026-12-05T18:00")))
    assert "`estimated_end`" in found.mend


@pytest.mark.parametrize(
    "ring",
    [
        [[24.95, 60.17], [24.96, 60.18], [24.96, 60.17], [24.95, 60.18], [24.95, 60.17]],  # a bow-tie
        [[24.95, 60.17], [24.96, 60.17], [24.95, 60.17], [24.95, 60.17]],  # two points
        [[24.95, 60.17], [24.96, 60.17], [24.97, 60.17], [24.95, 60.17]],  # no area
    ],
)
def test_a_ring_that_is_no_ring_is_refused(ring: list[list[float]]) -> None:
    found = only(refusal(changed("measures.0.where.0", {"kind": "area", "ring": ring})))
    assert (found.rule, found.where) == ("order.geometry.ring", "measures[0].where[0].ring")


def test_a_hole_outside_its_ring_is_refused() -> None:
    ring = [[24.95, 60.17], [24.96, 60.17], [24.96, 60.18], [24.95, 60.18]]
    hole = [[lon + 1, lat] for lon, lat in ring]
    found = only(refusal(changed("measures.0.where.0", {"kind": "area", "ring": ring, "holes": [hole]})))
    assert found.where == "measures[0].where[0].holes[0]"


BILLION_LAUGHS = "a: &a [x]\n" + "".join(f"{b}: &{b} [*{a},*{a},*{a}]\n" for a, b in zip("abcde", "bcdef", strict=True))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "document.shape"),
        (b"- a list", "document.shape"),
        (b"just text", "document.shape"),
        (b"42", "document.shape"),
        (b"id: x\nid: y\n", "document.syntax"),
        (b'{"id": "x", "id": "y"}', "document.syntax"),
        (b"1: x\n", "document.syntax"),
        (b"id: x\n---\nid: y\n", "document.syntax"),
        (b"id: !!python/object/apply:os.system [ls]\n", "document.syntax"),
        (b"id: !!binary aGVsbG8=\n", "document.type"),
        (b"id: !!set {a, b}\n", "document.type"),
        (b"id: .nan\n", "document.number"),
        (b"id: -.inf\n", "document.number"),
        (b'{"id": NaN}', "document.syntax"),
        (b'{"id": "\\ud800"}', "document.text"),
        (b"id: 'x\n", "document.syntax"),
        (b"\t- x", "document.syntax"),
        (b"id: \xff\xfe\n", "document.encoding"),
        ("id: x\n".encode("utf-16"), "document.encoding"),
        (b"id: " + b"9" * 5000, "document.syntax"),
        (b"id: x\n#" + b"x" * 1_000_000, "document.size"),
        (b"id: " + b"[" * 100_000, "document.depth"),
        (b'{"id": ' + b"[" * 100_000, "document.depth"),
        (b"a:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 900)), "document.depth"),
        (BILLION_LAUGHS.encode(), "document.alias"),
        (b"id: &x [*x]\n", "document.alias"),
    ],
)
def test_what_is_no_order_document_is_refused_by_the_right_rule(data: bytes, rule: str) -> None:
    assert refusal(data, name="order.yaml")[0].rule == rule


def test_a_syntax_error_says_the_line() -> None:
    found = only(refusal(YAML_HEAD + "title: {en: [}\n", name="order.yaml"))
    assert found.where.startswith("line 3,")
