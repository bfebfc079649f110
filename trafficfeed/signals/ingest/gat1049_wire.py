"""GA/T 1049 messages as bytes: framing, safe reading, and a writer that cannot send a command.

Source: GA/T 1049.1 (2013 and later): TCP, UTF-8 XML, a message ends with ``</Message>``, at most 100,000 characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from lxml import etree

from trafficfeed.errors import SourceMalformed, TrafficFeedError

ENDS: Final = b"</Message>"
LONGEST: Final = 400_000  # bytes: 100,000 characters of up to four
MAY_BE_SENT: Final = frozenset(
    {
        ("Login", "SDO_User"),
        ("Logout", "SDO_User"),
        ("Subscribe", "SDO_MsgEntity"),
        ("Unsubscribe", "SDO_MsgEntity"),
        ("Set", "CrossReportCtrl"),  # switches reports on and off, not lamps
        ("Notify", "SDO_HeartBeat"),
    }
)
_TYPES: Final = frozenset({"REQUEST", "PUSH"})


class CommandForbidden(TrafficFeedError):
    """Something other than the few harmless operations was about to be sent to signal controllers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message taken apart; `operations` are its operations' names, each with the objects in it."""

    type: str
    token: str
    seq: str
    operations: Sequence[tuple[str, Sequence[etree._Element]]]


class ByteSink(Protocol):
    """Where bytes go: an `asyncio.StreamWriter`."""

    def write(self, data: bytes) -> None:
        """Send bytes."""


class ReadOnlyWriter:
    """The only way to the socket: it reads again what is to be sent, and lets nothing pass but `MAY_BE_SENT`."""

    def __init__(self, sink: ByteSink) -> None:
        self.__sink = sink

    def send(self, data: bytes) -> None:
        """Send one whole message, as it was read here.

        Raises
        ------
        CommandForbidden
            If it holds an operation that is not on the list, or is not exactly one plain message; nothing is sent then.
        """
        try:
            root = _parsed(data)
            message = _taken_apart(root)
        except SourceMalformed as broken:
            raise CommandForbidden(f"what cannot be read is not sent to controllers: {broken}") from broken
        held = [(name, child.tag) for name, objects in message.operations for child in objects]
        hidden = len(root.findall(".//Operation")) != len(held) or len(root.findall(".//Body")) != 1
        if hidden or not held or not set(held) <= MAY_BE_SENT or message.type not in _TYPES:
            allowed = ", ".join(f"{name} {tag}" for name, tag in sorted(MAY_BE_SENT))
            raise CommandForbidden(f"{message.type} of {held} is not sent: this client only reads, by {allowed}")
        self.__sink.write(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


class Framing:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes.

        Raises
        ------
        SourceMalformed
            If more has come than a message may be long, and none has ended: the stream is lost.
        """
        *whole, self._rest = (self._rest + data).split(ENDS)
        if len(self._rest) > LONGEST or any(len(one) > LONGEST for one in whole):
            raise SourceMalformed(f"a GA/T 1049 message of more than {LONGEST} bytes: the stream is lost, connect anew")
        return [one.strip() + ENDS for one in whole]


def read_message(data: bytes) -> Message:
    """Read one message, without entities, without a network.

    Raises
    ------
    SourceMalformed
        If it is no XML, declares a document type, or has no body.
    """
    return _taken_apart(_parsed(data))


def write_message(
    kind: str,
    operation: str,
    holds: etree._Element,
    *,
    seq: str,
    token: str = "",
    version: str = "2.0",
    addresses: Mapping[str, str] | None = None,
) -> bytes:
    """Return a message with one operation; `addresses` are the systems' codes, `From` and `To`."""
    root = etree.Element("Message")
    etree.SubElement(root, "Version").text = version
    etree.SubElement(root, "Token").text = token
    for end in ("From", "To"):
        address = etree.SubElement(etree.SubElement(root, end), "Address")
        etree.SubElement(address, "Sys").text = (addresses or {}).get(end, "TICP" if end == "From" else "UTCS")
        etree.SubElement(address, "SubSys")
        etree.SubElement(address, "Instance")
    etree.SubElement(root, "Type").text = kind
    etree.SubElement(root, "Seq").text = seq
    body = etree.SubElement(etree.SubElement(root, "Body"), "Operation", order="1", name=operation)
    body.append(holds)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def element(tag: str, **fields: str | Sequence[tuple[str, str]]) -> etree._Element:
    """Return an object with fields in the order given; a sequence is a list of further fields."""
    made = etree.Element(tag)
    for name, value in fields.items():
        child = etree.SubElement(made, name)
        if isinstance(value, str):
            child.text = value
        else:
            for inner, text in value:
                etree.SubElement(child, inner).text = text
    return made


def text_of(parent: etree._Element, tag: str) -> str:
    """Return a child's text, stripped; empty where there is none."""
    return (parent.findtext(tag) or "").strip()


def _parsed(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as broken:
        raise SourceMalformed(f"no GA/T 1049 message: {broken}") from broken
    if b"<!DOCTYPE" in data or root.tag != "Message" or root.find("Body") is None:
        raise SourceMalformed("no GA/T 1049 message: a root <Message> with a <Body>, and no document type, is needed")
    return root


def _taken_apart(root: etree._Element) -> Message:
    operations = [(_name(one.get("name", "")), list(one)) for one in root.iterfind("Body/*")]
    return Message(
        type=text_of(root, "Type").upper(),
        token=text_of(root, "Token"),
        seq=text_of(root, "Seq"),
        operations=operations,
    )


def _name(name: str) -> str:
    """Return an operation's name as the standard writes it; some systems send ``notify``."""
    return name[:1].upper() + name[1:]
