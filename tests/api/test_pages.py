"""The pages for people: now and next, in the city's time and language, plain about doubt, without a script."""

import re
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from made_requests import made_certificate, order_document, with_period

from trafficfeed.pipeline.orders import record_certificate

Publish = Callable[..., dict[str, Any]]
NIGHT = ("2026-12-07T22:00", "2026-12-08T05:00")


def text_of(page: str) -> str:
    """Return a page's words without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def section(page: str, start: str, end: str) -> str:
    """Return the words between two headings."""
    return text_of(page[page.index(f'id="{start}"') : page.index(f'id="{end}"')])


def test_before_the_first_release_the_page_says_so_and_shows_the_streets(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Nothing has been released yet." in text_of(page.text)
    assert '<path class="major"' in page.text


def test_what_holds_now_and_what_comes_next_are_told_apart_with_wall_times(
    client: TestClient, publish_now: Publish
) -> None:
    publish_now(order_document())
    publish_now(with_period(*NIGHT, order_id="night-works", title={"en": "Night works"}))
    page = client.get("/").text
    now, coming = section(page, "now", "next"), section(page, "next", "feeds")
    assert "Vesijohdon uusiminen" in now
    assert "until Sat 5 Dec 18:00" in now
    assert re.search("First Street, (Birch|Cedar) Avenue to (Birch|Cedar) Avenue", now)
    assert "Night works" in coming
    assert "Mon 7 Dec 22:00 – Tue 8 Dec 05:00" in coming
    assert "1 order in force, 1 more to come." in text_of(page)


def test_time_alone_moves_a_closure_from_next_to_now_to_nothing(
    client: TestClient, publish_now: Publish, clock: Any
) -> None:
    publish_now(with_period("2026-12-05T15:00", "2026-12-05T16:00"))
    assert "Vesijohdon" in section(client.get("/").text, "next", "feeds")
    clock.forward(hours=1)  # 15:00: windows are half-open
    assert "Vesijohdon" in section(client.get("/").text, "now", "next")
    clock.forward(hours=1)
    assert "Vesijohdon" not in client.get("/").text


def test_titles_are_in_the_citys_language_with_english_beneath_or_instead(
    client: TestClient, publish_now: Publish
) -> None:
    publish_now(order_document())
    publish_now(with_period(*NIGHT, order_id="only-swedish", title={"sv": "Nattarbete"}))
    page = client.get("/").text
    assert '<h3 lang="fi">' in page
    assert '<p class="sub" lang="en">Water main renewal</p>' in page
    assert '<h3 lang="sv">' in page


def test_a_record_without_a_simulation_is_plainly_marked_pending(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    assert "Validation pending" in client.get("/").text
    assert "the simulation has not spoken yet" in client.get("/closures/first-street").text


def test_a_simulated_closure_shows_its_figures_and_leads_to_its_report(officer: TestClient, clock: Any) -> None:
    officer.post("/v1/orders", json=order_document())
    officer.post("/v1/orders/first-street/check")
    database = officer.app.state.services.database  # type: ignore[attr-defined]
    record_certificate(database, "first-street", 1, made_certificate(), report="certificates/c0ffee", as_of=clock())
    officer.post("/v1/orders/first-street/approve")
    page = officer.get("/").text
    assert "Simulation passed" in page
    assert "+1.5 s per trip" in text_of(page)
    assert 'href="/v1/certificates/c0ffee/report"' in page
    assert officer.get("/certificates/c0ffee", follow_redirects=False).headers["location"].endswith("c0ffee/report")
    assert "+1.5 s" in officer.get("/closures/first-street").text


def test_what_an_order_says_cannot_break_out_of_the_page(client: TestClient, publish_now: Publish) -> None:
    evil = "<script>alert(1)</script>\"'&"
    publish_now(order_document(title={"fi": evil}, description={"fi": evil}, authority={"name": evil}))
    for path in ("/", "/closures/first-street"):
        page = client.get(path).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_pages_forbid_scripts_and_carry_no_inline_style(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    for path in ("/", "/closures/first-street"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
    style = re.search(r'href="(/web/style\.css\?v=[0-9a-f]+)"', client.get("/").text)
    assert style
    assert client.get(style[1]).headers["content-type"].startswith("text/css")


def test_a_stale_feed_puts_a_banner_on_the_page(client: TestClient, publish_now: Publish, clock: Any) -> None:
    publish_now(order_document())
    assert "out of date" not in client.get("/").text
    clock.forward(minutes=14)
    page = text_of(client.get("/").text)
    assert "This page may be out of date." in page
    assert "last checked 14 minutes ago" in page


def test_a_cancelled_closure_leaves_the_page_at_once(officer: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    officer.post("/v1/orders/first-street/cancel", json={"reason": "not needed"})
    assert "Vesijohdon" not in officer.get("/").text
    assert officer.get("/closures/first-street").status_code == 404


def test_a_missing_page_is_a_page_for_browsers_and_a_problem_for_programs(client: TestClient) -> None:
    browser = client.get("/closures/nobody", headers={"Accept": "text/html"})
    assert browser.status_code == 404
    assert browser.headers["content-type"].startswith("text/html")
    program = client.get("/closures/nobody", headers={"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


def test_an_order_whose_measures_have_titles_of_their_own_goes_by_its_own(
    client: TestClient, publish_now: Publish
) -> None:
    document = order_document(title={"en": "The whole concert"})
    document["measures"][0]["title"] = {"en": "Inner ring"}
    publish_now(document)
    assert "The whole concert" in section(client.get("/").text, "now", "next")
    assert "Closed: Inner ring" in text_of(client.get("/closures/first-street").text)


def test_an_estimated_end_is_told_with_what_ends_it(client: TestClient, publish_now: Publish) -> None:
    document = order_document()
    period = {
        "start": "2026-12-05T13:00",
        "until": {"en": "until the crowd has left"},
        "estimated_end": "2026-12-05T18:00",
    }
    document["measures"][0]["when"] = {"periods": [period]}
    publish_now(document)
    assert "until about Sat 5 Dec 18:00" in client.get("/").text
    assert "until the crowd has left" in client.get("/closures/first-street").text
