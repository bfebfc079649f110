"""The OpenAPI document: FastAPI's own, with the schema of orders put in."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

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
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


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
