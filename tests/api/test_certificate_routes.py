"""Certificates over HTTP: the whole, the report, its pictures, and nothing else from the store."""

import pytest
from fastapi.testclient import TestClient
from made_requests import NOW, made_certificate, order_document

from trafficfeed.pipeline.orders import record_certificate


@pytest.fixture
def certified(officer: TestClient) -> TestClient:
    """The API with one certificate and its report in the object store."""
    officer.post("/v1/orders", json=order_document())
    officer.post("/v1/orders/first-street/check")
    services = officer.app.state.services  # type: ignore[attr-defined]
    record_certificate(
        services.database, "first-street", 1, made_certificate(), report="certificates/c0ffee", as_of=NOW
    )
    services.objects.write("certificates/c0ffee/report.html", b"<!doctype html><title>PUBLISH</title>")
    services.objects.write("certificates/c0ffee/flow.png", b"\x89PNG")
    services.objects.write("certificates/secret.txt", b"not yours")
    del officer.headers["Authorization"]  # certificates are public
    return officer


def test_a_certificate_is_served_whole_with_its_links(certified: TestClient) -> None:
    answer = certified.get("/v1/certificates/c0ffee")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["verdict"]) == ("c0ffee", "publish")
    assert found["metrics"]["delay_s"]["pairs"] == 5
    assert found["links"] == {"order": "/closures/first-street", "report": "/v1/certificates/c0ffee/report"}
    assert "immutable" in answer.headers["cache-control"]


def test_the_report_is_a_page_that_may_style_itself_but_run_nothing(certified: TestClient) -> None:
    page = certified.get("/v1/certificates/c0ffee/report")
    assert page.headers["content-type"].startswith("text/html")
    assert "PUBLISH" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]


def test_pictures_of_the_report_are_served_by_their_type(certified: TestClient) -> None:
    picture = certified.get("/v1/certificates/c0ffee/report/flow.png")
    assert (picture.content, picture.headers["content-type"]) == (b"\x89PNG", "image/png")


def test_nothing_outside_the_reports_folder_is_served(certified: TestClient) -> None:
    outside = ("../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "..%2f..%2ffeeds", "%2fetc%2fpasswd", "none")
    for name in outside:
        answer = certified.get(f"/v1/certificates/c0ffee/report/{name}")
        assert answer.status_code == 404, name
        assert "not yours" not in answer.text


def test_an_unknown_certificate_is_404(certified: TestClient) -> None:
    for path in ("/v1/certificates/f00", "/v1/certificates/f00/report", "/v1/certificates/f00/report/flow.png"):
        assert certified.get(path).status_code == 404
