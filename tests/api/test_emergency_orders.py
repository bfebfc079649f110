"""An emergency order in one request."""

from typing import Any

from fastapi.testclient import TestClient
from made_requests import order_document

ADDRESS = "/v1/emergency-orders"
REASON = {"reason": "burst water main"}


def served(client: TestClient) -> list[dict[str, Any]]:
    """Return the records of the native feed as it is served."""
    found: list[dict[str, Any]] = client.get("/v1/feeds/closures/native").json()["features"]
    return found


def test_one_request_publishes_an_order_and_says_which_records_are_served(officer: TestClient) -> None:
    answer = officer.post(ADDRESS, params=REASON, json=order_document(reason="emergency"))

    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["state"], said["validation"], said["release"]) == ("active", "pending", 1)
    assert said["records"] == [record["id"] for record in served(officer)]
    assert {record["properties"]["validation"] for record in served(officer)} == {"pending"}
    assert officer.get(answer.headers["Location"]).headers["ETag"] == answer.headers["ETag"]


def test_the_reason_is_in_the_audit_log_beside_the_officers_name(officer: TestClient) -> None:
    officer.post(ADDRESS, params=REASON, json=order_document())
    entries = officer.get("/v1/orders/first-street/audit").json()["entries"]
    [approval] = [entry for entry in entries if entry["action"] == "approve"]
    assert (approval["actor"], approval["detail"]["override_reason"]) == ("ann", "burst water main")


def test_an_order_with_errors_is_answered_with_its_findings_and_not_stored(officer: TestClient) -> None:
    document = order_document()
    document["measures"][0]["where"][0]["street"] = "No Such Street"
    answer = officer.post(ADDRESS, params=REASON, json=document)
    assert answer.status_code == 422
    assert answer.json()["findings"]
    assert officer.get("/v1/orders/first-street").status_code == 404


def test_without_a_reason_nothing_is_published(officer: TestClient) -> None:
    for params in ({}, {"reason": ""}, {"reason": "  "}):
        assert officer.post(ADDRESS, params=params, json=order_document()).status_code in {409, 422}
    assert officer.get("/v1/orders/first-street").status_code == 404


def test_an_emergency_needs_an_officer_and_an_id_of_its_own(client: TestClient, officer: TestClient) -> None:
    officer.post(ADDRESS, params=REASON, json=order_document())
    assert officer.post(ADDRESS, params=REASON, json=order_document()).status_code == 409
    del client.headers["Authorization"]
    assert client.post(ADDRESS, params=REASON, json=order_document("other")).status_code == 401
