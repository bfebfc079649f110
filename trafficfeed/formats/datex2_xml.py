"""DATEX II elements: names with their namespaces, texts in several languages, and bytes that can be put together."""

import re
from collections.abc import Mapping
from functools import lru_cache
from textwrap import wrap

from lxml import etree

Element = etree._Element

NAMESPACES = {
    "d2": "http://datex2.eu/schema/3/d2Payload",
    "com": "http://datex2.eu/schema/3/common",
    "loc": "http://datex2.eu/schema/3/locationReferencing",
    "sit": "http://datex2.eu/schema/3/situation",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
TYPE = f"{{{NAMESPACES['xsi']}}}type"
MOST_CHARACTERS = 1024  # of a String and of a MultilingualString's value

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@lru_cache
def name_of(prefixed: str) -> str:
    """Return ``sit:cause`` as lxml has it, its namespace in braces."""
    prefix, _, name = prefixed.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"


def add(parent: Element, name: str, text: str | int | None = None, **attributes: str) -> Element:
    """Append a child ``prefix:name``; `text` loses what XML cannot hold, and what is beyond the longest string."""
    child = etree.SubElement(parent, name_of(name), attributes)
    if text is not None:
        child.text = clean(str(text))[:MOST_CHARACTERS]
    return child


def add_typed(parent: Element, name: str, class_name: str, **attributes: str) -> Element:
    """Append a child of the class ``prefix:Name`` (``xsi:type``)."""
    return etree.SubElement(parent, name_of(name), {TYPE: class_name, **attributes})


def add_texts(parent: Element, name: str, texts: Mapping[str, str]) -> None:
    """Append a MultilingualString of `texts` by language tag, "" for the publication's own language."""
    values = add(add(parent, name), "com:values")
    for language, text in sorted(texts.items()):
        value = add(values, "com:value", text)
        if language:
            value.set("lang", language)


def parts_of(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Return `texts` in as many pieces as the longest needs: a value holds no more than `MOST_CHARACTERS`."""
    pieces = {
        language: [text] if len(text) <= MOST_CHARACTERS else wrap(text, MOST_CHARACTERS)
        for language, text in texts.items()
    }
    most = max((len(some) for some in pieces.values()), default=0)
    return [{language: some[n] for language, some in pieces.items() if n < len(some)} for n in range(most)]


def clean(text: str) -> str:
    """Return `text` without the characters that XML 1.0 has no place for."""
    return _NOT_XML.sub("", text)


def parent_of_pieces() -> Element:
    """Return an empty element under which pieces are made that `pieces_in` serialises."""
    return etree.Element(name_of("d2:payload"), nsmap=NAMESPACES)


def pieces_in(parent: Element) -> bytes:
    """Return the children of `parent_of_pieces` as bytes without its declarations, to stand in a payload."""
    whole = etree.tostring(parent, encoding="UTF-8")
    return whole[whole.index(b">") + 1 : whole.rindex(b"<")] if len(parent) else b""


def read_pieces(data: bytes) -> Element:
    """Return the parent of pieces that `pieces_in` wrote."""
    empty = parent_of_pieces()
    empty.text = ""  # gives it an end tag
    whole = etree.tostring(empty)
    at = whole.rindex(b"<")
    return etree.fromstring(whole[:at] + data + whole[at:])
