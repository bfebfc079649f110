import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trafficfeed.errors import SourceMalformed
from trafficfeed.simulation.certificate import (
    Certificate,
    Estimate,
    Reason,
    Verdict,
    as_document,
    certificate_id,
    from_document,
    from_json,
    to_json,
)


def a_certificate(**changes):
    fields = {
        "id": "abc",
        "verdict": Verdict.HOLD,
        "reasons": (Reason(gate="delay", passed=False, decided=True, measured="42 s", threshold="at most 20 s"),),
        "inputs": {"subject": {"id": "works"}, "interventions": [{"begin_s": 25200.25, "edges": ["a", "b"]}]},
        "metrics": {"delay_s": Estimate(mean=42.0, low=40.123456789, high=44.0, pairs=5)},
        "accounting": {"base": {"arrived": 10}, "plan": {"arrived": 9}},
        "streets": ({"street": "Kirkkokatu", "flow_change": -12.5},),
        "issued": "2026-11-22T12:00:00Z",
        "seeds": {"meso": (1, 2, 3)},
    }
    return Certificate(**(fields | changes))


def test_a_certificate_survives_being_written_and_read():
    text = to_json(a_certificate())

    assert to_json(from_json(text)) == text
    assert from_json(text).verdict is Verdict.HOLD
    assert from_json(text).metrics["delay_s"].low == pytest.approx(40.1235)


def test_writing_twice_gives_the_same_bytes_whatever_the_order_of_keys():
    one = a_certificate(accounting={"base": {"arrived": 1, "dropped": 2}, "plan": {}})
    other = a_certificate(accounting={"plan": {}, "base": {"dropped": 2, "arrived": 1}})

    assert to_json(one) == to_json(other)


def test_an_interval_without_bounds_is_written_as_null_not_as_infinity():
    unbounded = a_certificate(metrics={"delay_s": Estimate(mean=1.0, low=-math.inf, high=math.inf, pairs=1)})

    text = to_json(unbounded)

    assert json.loads(text)["metrics"]["delay_s"]["low"] is None
    assert from_json(text).metrics["delay_s"].high == math.inf


def test_inputs_are_kept_exactly_so_that_a_rerun_has_the_same_ones():
    exact = a_certificate(inputs={"begin_s": 123456.789})

    assert from_json(to_json(exact)).inputs["begin_s"] == 123456.789


def test_the_id_depends_on_the_inputs_and_not_on_the_order_of_their_keys():
    assert certificate_id({"a": 1, "b": 2.0}) == certificate_id({"b": 2.0, "a": 1})
    assert certificate_id({"a": 1}) != certificate_id({"a": 2})


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_not_a_certificate_is_refused_and_says_so(document):
    with pytest.raises(SourceMalformed):
        from_json(json.dumps(document))


def test_bytes_that_are_not_json_are_refused():
    with pytest.raises(SourceMalformed, match="not JSON"):
        from_json(b"\xff{")


def test_a_certificate_with_an_unknown_field_is_refused():
    with pytest.raises(SourceMalformed):
        from_document(as_document(a_certificate()) | {"surprise": 1})
