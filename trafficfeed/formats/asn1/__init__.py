"""ASN.1 modules of our own, beside this file, compiled at the first use and once a process."""

from functools import cache
from importlib.resources import files
from typing import Any


@cache
def codec(name: str) -> Any:
    """Return the compiled module `name` (asn1tools, unaligned PER), with ``encode(type, value)`` and ``decode``.

    Imported here and not above: its parser takes 0.2 s, and an order check needs no ASN.1.
    """
    import asn1tools  # type: ignore[import-untyped]

    return asn1tools.compile_string((files(__package__) / f"{name}.asn").read_text("utf-8"), "uper")
