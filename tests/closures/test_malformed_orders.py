"""Orders made malformed by hypothesis: refused with findings or read, and never anything else."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trafficfeed.closures.document import order_bytes, parse_order
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Severity

SOURCES = [
    path.read_bytes() for path in sorted((Path(__file__).parents[2] / "sumo_scenarios/helsinki/orders").glob("*.yaml"))
]
TREES = [json.loads(order_bytes(parse_order(source, name="demo"))) for source in SOURCES]
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just({"kind": "area"}),
    st.just("2026-03-29T03:30"),
    st.just("FREQ=SECONDLY"),
    st.just("0000-00-00T00:00"),
    st.just("9" * 400),
    st.just([[0, 0]] * 5),
)


def steps_in(tree: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a tree."""
    found: list[tuple[Any, Any]] = []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found += [(tree, key), *steps_in(tree[key])]
    return found


@st.composite
def mutated_trees(draw: st.DrawFn) -> bytes:
    order = deepcopy(TREES[draw(st.integers(0, len(TREES) - 1))])
    for _ in range(draw(st.integers(1, 3))):
        steps = steps_in(order)
        container, key = steps[draw(st.integers(0, len(steps) - 1))]
        action = draw(st.sampled_from(["replace", "delete", "double", "rename", "wrap"]))
        if action == "replace":
            container[key] = deepcopy(draw(JUNK))
        elif action == "delete":
            del container[key]
        elif action == "wrap":
            container[key] = [container[key]]
        elif action == "double" and isinstance(container, list):
            container.append(container[key])
        elif action == "rename" and isinstance(container, dict):
            container[draw(st.text(max_size=6))] = container.pop(key)
    return json.dumps(order).encode()


@st.composite
def mutated_bytes(draw: st.DrawFn) -> bytes:
    source = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(source) - 1))
        piece = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"&a ", b"*a", b"!!x ", b"\n", b": ", b"{", b"-"]))
        )
        source[at : at + draw(st.integers(0, 8))] = piece
        if not source:
            break
    return bytes(source)


def read_or_refused(data: bytes) -> bool:
    """Tell whether `data` was refused; whatever is read must be an order that survives being written."""
    try:
        order = parse_order(data, name="mutant.yaml")
    except OrderInvalid as refused:
        assert refused.findings
        assert all(f.rule and f.message and f.mend and f.severity is Severity.ERROR for f in refused.findings)
        return True
    assert parse_order(order_bytes(order), name="again") == order
    return False


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_trees())
def test_orders_with_mutated_fields_are_read_or_refused_with_findings(data: bytes) -> None:
    read_or_refused(data)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_bytes())
def test_orders_with_mutated_bytes_are_read_or_refused_with_findings(data: bytes) -> None:
    read_or_refused(data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_with_findings(data: bytes) -> None:
    assert read_or_refused(data)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(TREES) - 1), st.data())
def test_an_order_that_lacks_a_required_field_is_refused(source: int, data: st.DataObject) -> None:
    order = deepcopy(TREES[source])
    measure = order["measures"][data.draw(st.integers(0, len(order["measures"]) - 1))]
    container, field = data.draw(
        st.sampled_from(
            [(order, f) for f in ("id", "city", "authority", "legal_basis", "reason", "contact", "title", "timezone")]
            + [(measure, f) for f in ("id", "rule", "where", "when")]
        )
    )
    del container[field]
    with pytest.raises(OrderInvalid) as refused:
        parse_order(json.dumps(order), name="mutant")
    assert [f for f in refused.value.findings if f.where.endswith(field)]
