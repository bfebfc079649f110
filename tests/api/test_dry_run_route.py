"""The dry run of a stored order over HTTP."""

from fastapi.testclient import TestClient
from made_requests import order_document

ADDRESS = "/v1/orders/first-street/dry-run"


def test_an_officer_learns_what_each_profile_would_do_with_each_record(officer: TestClient) -> None:
    officer.post("/v1/orders", json=order_document())
    found = officer.get(ADDRESS)
    assert found.status_code == 200, found.text
    document = found.json()
    assert document["order"] == "first-street"
    assert document["partners"] == ["waze", "google", "tomtom", "datex", "china"]
    outcomes = {one["partner"]: one["outcome"] for one in document["records"]}
    assert (outcomes["waze"], outcomes["china"]) == ("taken", "refused")
    assert not document["sound"]
    assert found.headers["cache-control"] == "no-store"


def test_one_partner_can_be_asked_alone(officer: TestClient) -> None:
    officer.post("/v1/orders", json=order_document())
    document = officer.get(ADDRESS, params={"partner": "waze"}).json()
    assert document["sound"] and {one["partner"] for one in document["records"]} == {"waze"}


def test_an_unknown_partner_is_a_problem_that_names_those_there_are(officer: TestClient) -> None:
    officer.post("/v1/orders", json=order_document())
    answer = officer.get(ADDRESS, params={"partner": "nobody"})
    assert answer.status_code == 422
    assert "waze" in answer.json()["detail"]


def test_an_unknown_order_is_not_found_and_strangers_are_refused(officer: TestClient, client: TestClient) -> None:
    assert officer.get("/v1/orders/nothing/dry-run").status_code == 404
    assert client.get(ADDRESS, headers={"Authorization": ""}).status_code == 401
