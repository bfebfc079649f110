"""An order as a request body: JSON or YAML bytes in, an `Order` or findings out."""

from typing import Annotated, Any

from fastapi import Depends, Header, Request

from api.problems import Problem
from trafficfeed.closures.document import order_schema, parse_order
from trafficfeed.closures.orders import Order

MEDIA_TYPES = ("application/json", "application/yaml", "application/x-yaml", "text/yaml")


async def sent_order(request: Request) -> Order:
    """Return the order in the request's body.

    Raises
    ------
    Problem
        415 where the body is neither JSON nor YAML.
    OrderInvalid
        If it is not a sound order by itself; the findings say why.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES and not media_type.endswith(("+json", "+yaml")):
        raise Problem(415, "media-type", f"An order is JSON or YAML: send Content-Type {' or '.join(MEDIA_TYPES[:2])}.")
    return parse_order(await request.body(), name="request body")


SentOrder = Annotated[Order, Depends(sent_order)]


def order_body() -> dict[str, Any]:
    """Return what OpenAPI says of the body; `api.openapi` puts the schemas themselves into the document."""
    example = order_schema()["examples"][0]
    content = {"schema": {"$ref": "#/components/schemas/Order"}, "example": example}
    return {"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES[:2], content)}}


def revision_in(if_match: str | None, order_id: str) -> int | None:
    """Return the revision that ``If-Match`` names (``"<order>.<revision>"``); None without the header or for ``*``.

    Raises
    ------
    Problem
        412 where it names no revision of this order: a weak tag, or one of something else.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip()
    prefix = f'"{order_id}.'
    number = tag.removeprefix(prefix).removesuffix('"')
    if not tag.startswith(prefix) or not tag.endswith('"') or not (number.isascii() and number.isdigit()):
        detail = f"If-Match {tag} is no ETag of order {order_id}: read it again and send the ETag that comes with it."
        raise Problem(412, "precondition-failed", detail)
    return int(number)


IfMatch = Annotated[
    str | None, Header(description="the ETag of the order as you read it; any other revision is refused with 412")
]
