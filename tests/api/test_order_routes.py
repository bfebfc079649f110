"""Orders over HTTP: who may, what is refused and why, and that nobody's change is overwritten."""

from collections.abc import Callable
from typing import Any

import yaml
from fastapi.testclient import TestClient
from made_requests import TOKEN, as_bytes, made_certificate, order_document, with_period

from trafficfeed.pipeline.orders import record_certificate
from trafficfeed.simulation.certificate import Verdict

Publish = Callable[..., dict[str, Any]]
JSON = {"Content-Type": "application/json"}


def test_without_a_token_nobody_reads_or_writes_orders(client: TestClient) -> None:
    address = "/v1/orders/first-street"
    steps = [("POST", f"{address}/{step}") for step in ("check", "submit", "approve", "cancel", "end")]
    reads = [("GET", path) for path in ("/v1/orders", address, f"{address}/audit", f"{address}/versions")]
    for method, path in [("POST", "/v1/orders"), ("PUT", address), ("POST", "/v1/order-checks"), *steps, *reads]:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = client.request(method, path, json={"reason": "x"}, headers=headers)
            assert answer.status_code == 401, (method, path, headers, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in answer.text


def test_a_created_order_is_a_draft_of_the_officer_whose_token_came_with_it(officer: TestClient) -> None:
    created = officer.post("/v1/orders", json=order_document())
    assert created.status_code == 201
    assert created.headers["location"] == "/v1/orders/first-street"
    found = created.json()
    assert (found["state"], found["version"], found["author"]) == ("draft", 1, "ann")
    assert created.headers["etag"] == '"first-street.1"'
    read = officer.get("/v1/orders/first-street")
    assert read.json() == found
    assert read.json()["order"]["measures"][0]["where"][0]["street"] == "First Street"


def test_yaml_and_json_make_the_same_order(officer: TestClient) -> None:
    body = yaml.safe_dump(order_document("from-yaml")).encode()
    as_yaml = officer.post("/v1/orders", content=body, headers={"Content-Type": "application/yaml"})
    as_json = officer.post("/v1/orders", json=order_document("from-json"))
    assert as_yaml.status_code == 201, as_yaml.text
    one, other = as_yaml.json()["order"], as_json.json()["order"]
    assert one | {"id": ""} == other | {"id": ""}


def test_a_malformed_order_is_refused_with_findings_and_nothing_is_stored(officer: TestClient) -> None:
    document = order_document()
    document["measures"][0]["rule"] = {"kind": "closed"}
    refused = officer.post("/v1/orders", json=document)
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "urn:trafficfeed:problem:order-invalid"
    assert problem["findings"][0]["where"] == "measures[0].rule"
    assert problem["findings"][0]["mend"]
    assert officer.get("/v1/orders").json()["orders"] == []


def test_garbage_is_refused_as_an_order_never_a_crash(officer: TestClient) -> None:
    for body in (b"", b"[1, 2]", b"\xff\xfe", b"{", b"!!python/object:os.system {}", b"a: &a [*a]"):
        refused = officer.post("/v1/orders", content=body, headers={"Content-Type": "application/yaml"})
        assert refused.status_code == 422, body
        assert refused.json()["findings"], body


def test_an_order_of_another_city_is_refused(officer: TestClient) -> None:
    refused = officer.post("/v1/orders", json=order_document(city="elsewhere"))
    assert refused.status_code == 422
    assert refused.json()["findings"][0]["rule"] == "order.city"


def test_a_body_that_is_neither_json_nor_yaml_is_refused_by_its_type(officer: TestClient) -> None:
    refused = officer.post("/v1/orders", content=as_bytes(order_document()), headers={"Content-Type": "text/xml"})
    assert refused.status_code == 415


def test_more_than_a_megabyte_is_refused_whether_announced_or_not(officer: TestClient) -> None:
    big = b" " * 1_000_001
    announced = officer.post("/v1/orders", content=big, headers=JSON)
    streamed = officer.post("/v1/orders", content=(big[i : i + 65536] for i in range(0, len(big), 65536)), headers=JSON)
    for refused in (announced, streamed):
        assert refused.status_code == 413
        assert refused.headers["content-type"] == "application/problem+json"


def test_the_same_id_twice_is_a_conflict(officer: TestClient) -> None:
    officer.post("/v1/orders", json=order_document())
    again = officer.post("/v1/orders", json=order_document())
    assert again.status_code == 409
    assert again.json()["type"] == "urn:trafficfeed:problem:order-conflict"


def test_amending_needs_the_etag_of_what_was_read(officer: TestClient) -> None:
    tag = officer.post("/v1/orders", json=order_document()).headers["etag"]
    changed = order_document(legal_basis="Road Traffic Act, section 72")
    address = "/v1/orders/first-street"
    assert officer.put(address, json=changed).status_code == 428
    assert officer.put(address, json=changed, headers={"If-Match": "*"}).status_code == 428
    assert officer.put(address, json=changed, headers={"If-Match": '"something-else.1"'}).status_code == 412
    assert officer.put(address, json=changed, headers={"If-Match": f"W/{tag}"}).status_code == 412
    amended = officer.put(address, json=changed, headers={"If-Match": tag})
    assert amended.status_code == 200
    assert (amended.json()["version"], amended.json()["state"]) == (2, "draft")
    assert amended.headers["etag"] == '"first-street.2"'


def test_the_second_of_two_editors_gets_a_conflict_and_loses_nothing(officer: TestClient) -> None:
    tag = officer.post("/v1/orders", json=order_document()).headers["etag"]
    address = "/v1/orders/first-street"
    first = officer.put(address, json=order_document(legal_basis="first"), headers={"If-Match": tag})
    second = officer.put(address, json=order_document(legal_basis="second"), headers={"If-Match": tag})
    assert first.status_code == 200
    assert second.status_code == 412
    assert second.headers["etag"] == first.headers["etag"]
    assert officer.get(address).json()["order"]["legal_basis"] == "first"
    texts = [v["order"]["legal_basis"] for v in officer.get(f"{address}/versions").json()["versions"]]
    assert texts == ["Road Traffic Act, section 71", "first"]
    assert officer.get(f"{address}?version=1").json()["order"]["legal_basis"] == "Road Traffic Act, section 71"


def test_an_id_never_changes(officer: TestClient) -> None:
    tag = officer.post("/v1/orders", json=order_document()).headers["etag"]
    moved = officer.put("/v1/orders/first-street", json=order_document("second-street"), headers={"If-Match": tag})
    assert moved.status_code == 422


def test_an_unknown_order_is_404_everywhere(officer: TestClient) -> None:
    assert officer.get("/v1/orders/nobody").status_code == 404
    assert officer.get("/v1/orders/nobody/versions").status_code == 404
    assert officer.get("/v1/orders/nobody/audit").status_code == 404
    for step in ("check", "submit", "approve", "cancel", "end"):
        answer = officer.post(f"/v1/orders/nobody/{step}", json={"reason": "x"} if step in ("cancel", "end") else None)
        assert answer.status_code == 404, step
        assert answer.json()["type"] == "urn:trafficfeed:problem:unknown-order"
    officer.post("/v1/orders", json=order_document())
    assert officer.get("/v1/orders/first-street?version=7").status_code == 404


def test_a_body_is_checked_on_the_streets_without_being_stored(officer: TestClient) -> None:
    good = officer.post("/v1/order-checks", json=order_document())
    assert good.status_code == 200
    assert good.json()["passed"] is True
    lost = order_document()
    lost["measures"][0]["where"] = [{"kind": "street", "street": "No Such Street"}]
    bad = officer.post("/v1/order-checks", json=lost)
    assert bad.json()["passed"] is False
    assert any("No Such Street" in f["message"] + f["where"] for f in bad.json()["findings"])
    assert officer.get("/v1/orders").json()["orders"] == []


def test_only_a_checked_order_is_submitted_and_the_run_waits_while_airflow_is_down(officer: TestClient) -> None:
    officer.post("/v1/orders", json=order_document())
    address = "/v1/orders/first-street"
    early = officer.post(f"{address}/submit")
    assert early.status_code == 409
    checked = officer.post(f"{address}/check")
    assert checked.json()["check"]["passed"] is True
    submitted = officer.post(f"{address}/submit")
    assert submitted.status_code == 202
    assert submitted.json()["submitted_at"] is not None
    again = officer.post(f"{address}/submit")
    assert again.status_code == 202
    assert again.headers["etag"] == submitted.headers["etag"]


def test_a_step_meant_for_an_older_revision_is_refused(officer: TestClient) -> None:
    tag = officer.post("/v1/orders", json=order_document()).headers["etag"]
    officer.post("/v1/orders/first-street/check")
    stale = officer.post("/v1/orders/first-street/submit", headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.headers["etag"] == '"first-street.2"'


def test_a_held_order_is_approved_only_with_a_reason_and_is_then_marked_overridden(
    officer: TestClient, clock: Any
) -> None:
    _simulated(officer, clock, Verdict.HOLD)
    refused = officer.post("/v1/orders/first-street/approve")
    assert refused.status_code == 409
    assert "hold" in refused.json()["detail"]
    approved = officer.post("/v1/orders/first-street/approve", json={"override_reason": "the fire service asks"})
    assert approved.status_code == 200
    features = officer.get("/v1/feeds/closures/native").json()["features"]
    assert {f["properties"]["validation"] for f in features} == {"overridden"}
    entries = officer.get("/v1/orders/first-street/audit").json()["entries"]
    assert [e["action"] for e in entries] == ["create", "check", "submit", "simulate", "approve", "publish"]
    approval = entries[4]
    assert (approval["actor"], approval["detail"]["override_reason"]) == ("ann", "the fire service asks")


def test_a_passed_order_is_approved_and_served_with_its_certificate(officer: TestClient, clock: Any) -> None:
    _simulated(officer, clock, Verdict.PUBLISH)
    approved = officer.post("/v1/orders/first-street/approve")
    assert approved.json()["approved_by"] == "ann"
    feature = officer.get("/v1/feeds/closures/native").json()["features"][0]["properties"]
    assert feature["validation"] == "passed"
    assert feature["certificate"]["href"] == "http://127.0.0.1:8000/v1/certificates/c0ffee"
    order = officer.get("/v1/orders/first-street").json()
    assert order["state"] == "published"
    assert order["certificate"]["report"] == "/v1/certificates/c0ffee/report"


def test_cancelling_withdraws_a_published_closure_at_once(
    officer: TestClient, publish_now: Publish, clock: Any
) -> None:
    publish_now(order_document())
    clock.forward(minutes=1)
    silent = officer.post("/v1/orders/first-street/cancel", json={"reason": " "})
    assert silent.status_code == 422
    cancelled = officer.post("/v1/orders/first-street/cancel", json={"reason": "leak found elsewhere"})
    assert cancelled.json()["state"] == "cancelled"
    features = officer.get("/v1/feeds/closures/native").json()["features"]
    assert all(f["properties"]["cancelled"] for f in features)
    finished = officer.post("/v1/orders/first-street/cancel", json={"reason": "again"})
    assert finished.status_code == 409


def test_ending_early_ends_the_served_window_now(officer: TestClient, publish_now: Publish, clock: Any) -> None:
    publish_now(order_document())
    clock.forward(minutes=30)
    ended = officer.post("/v1/orders/first-street/end", json={"reason": "the crowd has left"})
    assert ended.json()["state"] == "ended"
    features = officer.get("/v1/feeds/closures/native").json()["features"]
    assert {f["properties"]["end"] for f in features} == {"2026-12-05T12:30:00Z"}


def test_the_list_is_filtered_by_state_and_paged(officer: TestClient) -> None:
    for name in ("aaa", "bbb", "ccc"):
        officer.post("/v1/orders", json=with_period("2026-12-06T10:00", "2026-12-06T12:00", order_id=name))
    officer.post("/v1/orders/bbb/check")
    drafts = officer.get("/v1/orders?state=draft").json()["orders"]
    assert [o["id"] for o in drafts] == ["aaa", "ccc"]
    both = officer.get("/v1/orders?state=draft&state=checked").json()["orders"]
    assert [o["id"] for o in both] == ["aaa", "bbb", "ccc"]
    page = officer.get("/v1/orders?limit=2").json()
    assert [o["id"] for o in page["orders"]] == ["aaa", "bbb"]
    rest = officer.get(page["next"]).json()
    assert [o["id"] for o in rest["orders"]] == ["ccc"]
    assert rest["next"] is None
    assert officer.get("/v1/orders?state=nonsense").status_code == 422


def test_the_schema_is_public_and_has_an_example_that_the_api_takes(client: TestClient, officer: TestClient) -> None:
    schema = client.get("/v1/orders/schema").json()
    assert schema["$schema"].endswith("2020-12/schema")
    example = schema["examples"][0] | {"city": "gridtown"}
    assert officer.post("/v1/orders", json=example).status_code == 201


def _simulated(officer: TestClient, clock: Any, verdict: Verdict) -> None:
    officer.post("/v1/orders", json=order_document())
    officer.post("/v1/orders/first-street/check")
    officer.post("/v1/orders/first-street/submit")
    database = officer.app.state.services.database  # type: ignore[attr-defined]
    certificate = made_certificate(verdict=verdict)
    record_certificate(database, "first-street", 1, certificate, report="certificates/c0ffee", as_of=clock())
