"""Texts by language, and texts fit for any document."""

import unicodedata
from collections.abc import Mapping

_NO_CHARACTER = {"Cc", "Cs", "Cn"}  # control, half of a surrogate pair, not assigned: XML refuses most of them


def in_language(texts: Mapping[str, str], language: str) -> str:
    """Return the text in `language` (BCP 47), else in its first subtag, else in English, else in the first there is."""
    for wanted in (language, language.split("-")[0], "en"):
        if wanted in texts:
            return texts[wanted]
    return texts[min(texts)] if texts else ""


def plain(text: str) -> str:
    """Return `text` on one line, without the characters that no document can hold."""
    return " ".join("".join(" " if unicodedata.category(c) in _NO_CHARACTER else c for c in text).split())
