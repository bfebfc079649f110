"""Orders as documents: bytes to an order or to findings, an order to the same bytes every time, and the schema."""

import hashlib
import json
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from trafficfeed.closures import orders
from trafficfeed.closures.orders import Area, DrawnLine, LonLat, Measure, Order, Place
from trafficfeed.closures.reading import read_tree
from trafficfeed.closures.soundness import order_findings
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity, errors_in

_MENDS = {
    "missing": "add it",
    "string_type": "write text; in YAML put it in quotes",
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "tuple_type": "write a list",
    "dataclass_type": "write fields here: `name: value`",
    "mapping_type": "write text by language: `en: …`",
    "enum": "use one of these",
    "union_tag_not_found": "add `kind: …`",
    "union_tag_invalid": "use one of these kinds",
    "too_short": "add what is missing",
    "too_long": "split the order",
    "string_too_short": "write something, or take the field out",
    "string_too_long": "say it in fewer words",
    "greater_than": "keep to that range",
    "greater_than_equal": "keep to that range",
    "less_than": "keep to that range",
    "less_than_equal": "keep to that range",
    "bool_type": "write true or false",
}
_PATTERN_MENDS = {
    "id": "use lower-case letters, digits, _ and - (in an order's id also .), and begin and end with a letter or digit",
    "email": "write it as name@example.org",
    "[key]": "use a language tag (BCP 47), such as en, fi or pt-BR",
}


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Order]:
    return TypeAdapter(Order)


def parse_order(data: bytes | str, *, name: str) -> Order:
    """Read an order from YAML or JSON and check all that can be checked of it alone.

    Rings are closed where they are open, and points that repeat the one before are dropped, so that the same
    order written differently is the same order.

    Parameters
    ----------
    data
        The document, UTF-8.
    name
        What to call it in messages: a file name, "request body".

    Raises
    ------
    OrderInvalid
        With a finding for every fault: where (``measures[0].when.periods[0].end``), what, and how to mend it.
    """
    tree = read_tree(data, name=name)
    try:
        order = _normalised(_adapter().validate_json(json.dumps(tree), strict=True))
    except ValidationError as error:
        found = _field_findings(error, tree)
        raise OrderInvalid(_summary(name, found), found) from None
    found = list(errors_in(order_findings(order)))
    if found:
        raise OrderInvalid(_summary(name, found), found)
    return order


def dump_order(order: Order) -> dict[str, Any]:
    """Return `order` as JSON-able values; what is None is left out, what has a default is written."""
    dumped: dict[str, Any] = _adapter().dump_python(order, mode="json", exclude_none=True)
    return dumped


def order_bytes(order: Order) -> bytes:
    """Return `order` as canonical JSON: sorted keys, no spaces, UTF-8; equal orders give equal bytes."""
    return json.dumps(dump_order(order), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def order_hash(order: Order) -> str:
    """Return the sha256 (hex) of the order's canonical bytes."""
    return hashlib.sha256(order_bytes(order)).hexdigest()


def order_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an order file, with descriptions and an example."""
    schema = _adapter().json_schema()
    _tighten(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "examples": [_EXAMPLE]}


def _tighten(schema: Any) -> None:
    """Say what the parser demands and pydantic's schema leaves out: the tag of a union, and no other keys."""
    if isinstance(schema, dict):
        if "discriminator" in schema:
            schema["oneOf"] = [{**one, "required": ["kind"]} for one in schema["oneOf"]]
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _tighten(inner)


def _normalised(order: Order) -> Order:
    return replace(order, measures=tuple(_normalised_measure(measure) for measure in order.measures))


def _normalised_measure(measure: Measure) -> Measure:
    detour = measure.detour and replace(measure.detour, coordinates=_without_repeats(measure.detour.coordinates))
    return replace(measure, where=tuple(_normalised_place(place) for place in measure.where), detour=detour)


def _normalised_place(place: Place) -> Place:
    if isinstance(place, DrawnLine):
        return replace(place, coordinates=_without_repeats(place.coordinates))
    if isinstance(place, Area):
        return replace(place, ring=_closed(place.ring), holes=tuple(_closed(hole) for hole in place.holes))
    return place


def _closed(ring: tuple[LonLat, ...]) -> tuple[LonLat, ...]:
    return _without_repeats((*ring, ring[0]))


def _without_repeats(line: tuple[LonLat, ...]) -> tuple[LonLat, ...]:
    return tuple(point for n, point in enumerate(line) if n == 0 or point != line[n - 1])


def _field_findings(error: ValidationError, tree: dict[str, Any]) -> list[Finding]:
    details = error.errors(include_url=False, include_context=True)
    deepest = [d["loc"] for d in details]
    return [
        _field_finding(detail, tree)
        for detail in details
        # "too short after validation" of a list that only has a bad item
        if not (detail["type"] == "too_short" and any(_lies_in(loc, detail["loc"]) for loc in deepest))
    ]


def _lies_in(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _field_finding(detail: ErrorDetails, tree: dict[str, Any]) -> Finding:
    kind = detail["type"]
    message, mend = detail["msg"].removeprefix("Value error, "), _MENDS.get(kind, "see `trafficfeed order schema`")
    if kind == "unexpected_keyword_argument":
        message = "is not a field that is known here"
        near = get_close_matches(str(detail["loc"][-1]), _field_names(), n=1)
        mend = f"did you mean `{near[0]}`?" if near else "take it out"
    elif kind == "string_pattern_mismatch":
        last = str(detail["loc"][-1])
        message, mend = f"{detail['input']!r} is not as it should be", _PATTERN_MENDS.get(last, "write something")
    elif kind == "value_error":
        message, mend = f"is no time ({message})", "write a date and a time, as 2026-12-05T18:00"
    return Finding(
        rule=f"order.field.{kind}",
        severity=Severity.ERROR,
        message=message[:1].lower() + message[1:],
        where=_path(detail["loc"], tree),
        mend=mend,
    )


def _path(loc: tuple[int | str, ...], tree: Any) -> str:
    """Write pydantic's location as a path, without the union tags that it puts in."""
    path, here = "", tree
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
            here = here[step] if isinstance(here, list) and step < len(here) else None
        elif step == "[key]" or (isinstance(here, dict) and step not in here and step == here.get("kind")):
            continue
        else:
            path += f".{step}" if path else step
            here = here.get(step) if isinstance(here, dict) else None
    return path


@lru_cache(maxsize=1)
def _field_names() -> tuple[str, ...]:
    types = [t for t in vars(orders).values() if isinstance(t, type) and is_dataclass(t)]
    return tuple(sorted({field.name for t in types for field in fields(t)}))


def _summary(name: str, found: list[Finding]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{name}: {found[0].where}: {found[0].message}; {found[0].mend}{more}"


_EXAMPLE: dict[str, Any] = {
    "id": "2026-0412-water-main",
    "city": "helsinki",
    "authority": {"name": "City of Helsinki, Urban Environment Division"},
    "legal_basis": "Road Traffic Act 729/2018, section 71",
    "reason": "roadworks",
    "contact": {"name": "Traffic desk", "email": "traffic@example.org"},
    "title": {"en": "Water main renewal"},
    "timezone": "Europe/Helsinki",
    "measures": [
        {
            "id": "closure",
            "rule": {"kind": "closure"},
            "where": [{"kind": "street", "street": "Kirkkokatu", "between": ["Unioninkatu", "Fabianinkatu"]}],
            "when": {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T18:00"}]},
            "exceptions": ["emergency", "residents"],
        }
    ],
}
