"""Health, readiness, and the API's description of itself."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from made_requests import order_document
from pydantic import BaseModel

from api import schemas
from api.main import create_app
from trafficfeed.settings import Settings


def test_alive_does_not_mean_ready_and_what_is_missing_is_said(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["missing"] == ["no release: nothing was published yet"]


def test_ready_tells_the_release_and_its_age(client: TestClient, publish_now: Any, clock: Any) -> None:
    publish_now(order_document())
    clock.forward(seconds=90)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["release"], ready.json()["release_age_s"], ready.json()["check_age_s"]) == (1, 90.0, 90.0)
    clock.forward(minutes=10)
    stale = client.get("/readyz")
    assert stale.status_code == 200  # what there is is served
    assert "stale" in stale.json()["warnings"][0]


def test_without_a_city_or_a_database_it_starts_and_names_both(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be", "utf-8")
    nowhere = Settings(
        state_dir=tmp_path / "state", cities_dir=tmp_path, database=f"sqlite:///{tmp_path}/blocked/trafficfeed.db"
    )
    with TestClient(create_app(nowhere)) as client:
        assert client.get("/healthz").status_code == 200
        missing = " ".join(client.get("/readyz").json()["missing"])
        assert "database" in missing
        assert "trafficfeed city build" in missing
        page = client.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "city build" in page.text
        assert "Traceback" not in page.text


def test_every_operation_is_described_and_has_an_example_of_what_goes_in_and_out(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [(m, p, operation) for p, methods in document["paths"].items() for m, operation in methods.items()]
    assert len(operations) >= 19
    for method, path, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in contents:
            for media_type, shown in content.items():
                if "json" in media_type or "yaml" in media_type:
                    assert has_example(shown, document), (method, path, media_type)
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                assert has_example(parameter, document), (path, parameter["name"])


def has_example(shown: dict[str, Any], document: dict[str, Any]) -> bool:
    """Tell whether a parameter or a body has an example of its own or of its schema, or is one fixed thing."""
    if "example" in shown or "examples" in shown:
        return True
    schema = shown["schema"]
    found = [schema, *schema.get("anyOf", ())]
    named = [document["components"]["schemas"][s["$ref"].rpartition("/")[2]] for s in found if "$ref" in s]
    # a field with a default, or examples of its own, makes the example that tools show
    return any("examples" in s or s.get("properties", {}).keys() == {"status"} for s in (*found, *named)) or any(
        "examples" in field for s in named for field in s.get("properties", {}).values()
    )


def test_references_in_the_description_lead_somewhere(client: TestClient) -> None:
    text = client.get("/openapi.json").text
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= set(client.get("/openapi.json").json()["components"]["schemas"])
    assert "$defs" not in text


def test_examples_are_what_the_api_could_answer() -> None:
    models = [m for m in vars(schemas).values() if isinstance(m, type) and issubclass(m, BaseModel)]
    shown = [(m, (m.model_config.get("json_schema_extra") or {}).get("examples", [])) for m in models]  # type: ignore[union-attr]
    assert sum(bool(examples) for _, examples in shown) >= 12
    for model, examples in shown:
        for example in examples:
            assert set(example) <= set(model.model_fields), model
            model.model_validate(example)


def test_the_example_order_fits_the_schema_in_the_description(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]
    schema = {"$ref": "#/components/schemas/Order", "components": document["components"]}
    Draft202012Validator(schema).validate(content["example"])
    with pytest.raises(Exception, match="required property"):
        Draft202012Validator(schema).validate({"id": "x"})


def test_an_unforeseen_failure_shows_no_trace(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_now: object) -> str:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(client.app.state.pages, "index", broken)  # type: ignore[attr-defined]
    answer = client.get("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


ODD_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)
ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ODD_TEXT, body=ODD_JSON, etag=st.sampled_from([None, "*", '""', '"x.1"', "nonsense", 'W/"a"']))
def test_odd_input_is_refused_and_never_breaks_the_server(
    officer: TestClient, name: str, body: Any, etag: str | None
) -> None:
    headers = {"Content-Type": "application/json"} | ({} if etag is None else {"If-Match": etag, "If-None-Match": etag})
    paths = client_paths(officer)
    for method, path in paths:
        filled = re.sub(r"\{\w+\}", quote(name, safe=""), path)
        content = json.dumps(body) if method in ("POST", "PUT") else None
        answer = officer.request(method, filled, content=content, headers=headers, follow_redirects=False)
        assert answer.status_code < 500 or answer.status_code == 503, (method, filled, answer.text)
    assert officer.get("/v1/orders").json()["orders"] == []


def client_paths(client: TestClient) -> list[tuple[str, str]]:
    """Return all documented operations but the streams, which never end: they are tested on real sockets."""
    paths = client.app.openapi()["paths"]  # type: ignore[attr-defined]
    return [
        (method.upper(), path)
        for path, methods in paths.items()
        for method in methods
        if not path.startswith("/v1/stream/")
    ]
