"""A hundred malformed orders made by hypothesis and posted: each refused with a finding, none stored, none a crash."""

from copy import deepcopy
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_requests import order_document

REQUIRED = ("id", "city", "authority", "legal_basis", "reason", "contact", "title", "timezone", "measures")
OF_A_MEASURE = ("id", "rule", "where", "when")
NEVER_RIGHT: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 3.5, "", " ", [], {}, [[]], {"kind": "nothing"}, "\u0000", "9" * 400, [None], {"": ""}]
)


@st.composite
def malformed(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = deepcopy(order_document())
    holder = draw(st.sampled_from([document, document["measures"][0]]))
    field = draw(st.sampled_from(REQUIRED if holder is document else OF_A_MEASURE))
    how = draw(st.sampled_from(["missing", "wrong", "unknown"]))
    if how == "missing":
        del holder[field]
    elif how == "wrong":
        holder[field] = draw(NEVER_RIGHT)
    else:
        holder[f"{field}_{draw(st.integers(0, 99))}"] = draw(NEVER_RIGHT)
    return document


def test_a_hundred_malformed_orders_are_refused_with_findings_and_none_is_stored(officer: TestClient) -> None:
    posted = 0

    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(malformed())
    def post(document: dict[str, Any]) -> None:
        nonlocal posted
        posted += 1
        answer = officer.post("/v1/orders", json=document)
        assert answer.status_code == 422, document
        assert all(finding["message"] for finding in answer.json()["findings"])
        assert answer.json()["findings"]

    post()

    assert posted >= 100
    assert officer.get("/v1/orders").json()["orders"] == []
