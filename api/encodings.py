"""Bytes compressed once, and which compression a client is best served with."""

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import brotli  # type: ignore[import-untyped]
import zstandard

IDENTITY: Final = b"identity"
ENCODERS: Final[Mapping[bytes, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        b"gzip": lambda data: gzip.compress(data, compresslevel=6, mtime=0),
        b"zstd": lambda data: zstandard.ZstdCompressor(level=9).compress(data),
        b"br": lambda data: brotli.compress(data, quality=5),
    }
)
"""By content coding, in the order in which they are made: the one that everybody takes first."""

_PREFERRED: Final = (b"br", b"zstd", b"gzip", IDENTITY)  # where a client leaves it to us: the smallest first


@lru_cache(maxsize=1024)
def accepted(accept_encoding: bytes) -> tuple[bytes, ...]:
    """Return the codings that a client takes, the best first; `IDENTITY` is always among them.

    A client that refuses every coding we have, identity too, gets it plain rather than nothing.

    Source: RFC 9110, 12.5.3.
    """
    weights = dict(_weighted(part) for part in accept_encoding.lower().split(b",") if part.strip())
    others = weights.get(b"*")
    found = {}
    for name in _PREFERRED:
        weight = weights.get(name, others)
        found[name] = weight if weight is not None else float(name == IDENTITY) * 1e-6
    taken = sorted((name for name in _PREFERRED if found[name] > 0), key=lambda name: -found[name])
    return tuple(taken) if IDENTITY in taken else (*taken, IDENTITY)


def _weighted(part: bytes) -> tuple[bytes, float]:
    name, _, parameters = part.partition(b";")
    key, _, value = parameters.partition(b"=")
    if key.strip() != b"q":
        return name.strip(), 1.0
    try:
        return name.strip(), min(max(float(value), 0.0), 1.0)
    except ValueError:
        return name.strip(), 0.0
