"""JSON documents as bytes: the same values always give the same bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trafficfeed.formats.standard import Fragment

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def as_json(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8; NaN and infinities are refused (ValueError)."""
    return _encode(value).encode()


def as_collection(head: Mapping[str, Any], key: str, fragments: Sequence[Fragment]) -> bytes:
    """Return the object `head` with the list `key` of `fragments` (JSON each) as its last member, and a newline."""
    name = json.dumps(key).encode()
    items = b",".join(fragment.data for fragment in fragments)
    return as_json(head)[:-1] + b"," + name + b":[" + items + b"]}\n"
