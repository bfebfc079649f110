"""A JSON body as one of our models, or the first of its faults in words."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from trafficfeed.errors import SourceMalformed

_Model = TypeVar("_Model", bound=BaseModel)


def read_body(model: type[_Model], data: bytes, what: str) -> _Model:
    """Read a body; `what` it is of stands in the message.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or not of this shape; says where.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as broken:
        first = broken.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise SourceMalformed(f"{what}: {where}: {first['msg']} ({broken.error_count()} faults in all)") from broken
