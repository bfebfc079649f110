"""CAP: identifiers and references that other systems can follow."""

import re
from collections.abc import Iterator

from trafficfeed.findings import Severity
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant

_FORBIDDEN = re.compile(r"[\s,<&]")
_FOLLOWING = ("Update", "Cancel", "Ack", "Error")
_PARTS = 3


@rule("cap.identifier", "cap", mend="use letters, digits, dots and dashes")
def identifier_can_be_referred_to(yard: Yardstick) -> Iterator[Fault]:
    """An identifier has no spaces, commas, ``<`` or ``&``: references are split at them.

    Source: CAP 1.2, 3.2.1 identifier.
    """
    for record in yard.feed.records:
        if _FORBIDDEN.search(record.id):
            yield Fault(record.path, f"{record.id!r} cannot stand in references")


@rule("cap.references", "cap", mend="write sender,identifier,sent of each earlier message, with spaces between them")
def references_lead_to_earlier_messages(yard: Yardstick) -> Iterator[Fault]:
    """An update or a cancellation names the messages it replaces: ``sender,identifier,sent``, each sent before it.

    Source: CAP 1.2, 3.2.1 references and msgType.
    """
    for record in yard.feed.records:
        if record.references is None or not str(record.references[1] or "").strip():
            if record.kind in _FOLLOWING:
                yield Fault(record.path, f"is an {record.kind} of nothing: it has no references")
            continue
        path, text = record.references
        sent = instant(record.updated)
        for reference in str(text).split():
            parts = reference.split(",")
            earlier = instant(parts[-1])
            if len(parts) != _PARTS or not all(parts) or earlier is None:
                yield Fault(path, f"{reference[:80]!r} is not sender,identifier,sent")
            elif parts[1] == record.id:
                yield Fault(path, "refers to the message itself")
            elif sent is not None and earlier > sent:
                yield Fault(path, f"{parts[1]} was sent later, at {parts[2]}")


@rule("cap.language", "cap", severity=Severity.WARNING, mend="state a language of each info once")
def speaks_each_language_once(yard: Yardstick) -> Iterator[Fault]:
    """The infos of a message that tell the same are in different languages.

    Source: CAP 1.2, 3.2.2 language (en-US where there is none).
    """
    for record in yard.feed.records:
        if len(set(record.languages)) < len(record.languages):
            yield Fault(record.path, f"has several infos in one language: {', '.join(record.languages)}")


RULES = (identifier_can_be_referred_to, references_lead_to_earlier_messages, speaks_each_language_once)
