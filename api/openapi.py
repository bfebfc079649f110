"""The OpenAPI document: FastAPI's own, with the schema of orders put in."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from trafficfeed.closures.document import order_schema

DESCRIPTION = """
Street closures, each checked on the road network and driven through a SUMO simulation before it is published.

**Feeds** are public: poll them with `If-None-Match`. **Orders** need an officer's bearer token; errors are
`application/problem+json` (RFC 9457), and an order that is refused says where, why and what would mend it.
"""


def install(app: FastAPI) -> None:
    """Have `app` describe itself so."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            order = _placed_in_components(order_schema())
            schemas.update(order.pop("$defs", {}))
            schemas["Order"] = {key: value for key, value in order.items() if key != "$schema"}
            _tell_problems_as_they_are(found)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _tell_problems_as_they_are(document: dict[str, Any]) -> None:
    """Give every error its media type, and requests that do not fit their schema our own answer, not FastAPI's."""
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                shown = answer.get("content", {}).get("application/json", {})
                reference = shown.get("schema", {}).get("$ref", "")
                if reference.endswith("/HTTPValidationError"):
                    answer["description"] = "The request does not fit; `errors` says where"
                if reference.endswith(("/HTTPValidationError", "/ProblemOut")):
                    answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}


def _placed_in_components(schema: Any) -> Any:
    """Return `schema` with its references pointing into OpenAPI's components."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else {k: v.replace("#/$defs/", "#/components/schemas/") for k, v in value.items()}
            if key == "mapping"
            else _placed_in_components(value)
            for key, value in schema.items()
        }
    return [_placed_in_components(item) for item in schema] if isinstance(schema, list) else schema
