"""A document from a file or a URL, held against its schema, our rules and roads: what `trafficfeed validate` does."""

import gzip
import io
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests

from trafficfeed.errors import FeedNonConformant, SourceMalformed, SourceUnavailable
from trafficfeed.findings import Finding, errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.structure import structure_findings
from trafficfeed.pipeline.schema_checks import schema_findings
from trafficfeed.pipeline.whose_roads import city_of
from trafficfeed.pipeline.workspace import Ground

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a document, unpacked."""
_CONNECT_S = 10.0
_WHOLE_S = 120.0
_CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What a document came to.

    `city` is whose roads its lines were compared with, "" for none; `schema` says whether an official schema was looked
    at, too.
    """

    place: str
    standard: str
    records: int
    city: str
    schema: bool
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether it has no errors."""
        return not errors_in(self.findings)

    def as_document(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        return {
            "document": self.place,
            "standard": self.standard,
            "records": self.records,
            "city": self.city or None,
            "schema_checked": self.schema,
            "sound": self.sound,
            "findings": [asdict(finding) for finding in self.findings],
        }


def validate(
    standard: str,
    place: str,
    *,
    ground: Ground | None = None,
    grounds: Sequence[Ground] = (),
    previous: str | None = None,
    as_of: datetime,
    schemas: Path | None = None,
) -> Validated:
    """Hold a document against the rules, and against the official schema where `schemas` has it.

    Parameters
    ----------
    standard
        One of ``semantics.readable()``.
    place, previous
        Path or http(s) URL of the document, and of the one published before it.
    ground
        The city whose roads its lines are on.
    grounds
        Where that is not known: cities to choose from. The first is taken on whose roads half of the document's points
        lie, whichever way round its axes are; what others drew on other maps is compared with no roads.
    as_of
        Aware; when records count as in force or over.
    schemas
        Folder of official schemas, see `schema_findings`.

    Raises
    ------
    SourceUnavailable
        If a document cannot be fetched, or is too large; or the schemas cannot be read.
    SourceMalformed
        If one is packed and cannot be unpacked.
    FeedNonConformant
        If the previous document cannot be read: nothing can be said of what changed.
    """
    data = fetch(place)
    before = fetch(previous) if previous is not None else None
    by_schema = schema_findings(standard, data, schemas) if schemas is not None else None
    records = 0
    try:
        feed = semantics.read(standard, data)
    except FeedNonConformant as error:
        found = tuple(error.findings)
    else:
        records = len(feed.records)
        ground = ground or city_of(feed, grounds)
        graph = ground.graph if ground else None
        checked = semantics.check(standard, data, graph=graph, previous=before, as_of=as_of)
        found = (*structure_findings(standard, data), *checked)
    unlike = tuple(finding for finding in by_schema or () if finding not in found)
    return Validated(
        place=place,
        standard=standard,
        records=records,
        city=ground.city.name if ground else "",
        schema=by_schema is not None,
        findings=(*unlike, *found),
    )


def fetch(place: str) -> bytes:
    """Return the bytes at a path or an http(s) URL, unpacked where they are gzip.

    Raises
    ------
    SourceUnavailable
        If there is nothing, it takes longer than two minutes, or it is larger than 256 MB.
    SourceMalformed
        If it is packed and cannot be unpacked.
    """
    data = _download(place) if place.lower().startswith(("http://", "https://")) else _read(Path(place))
    return _unpacked(data, place) if data.startswith(_GZIP) else data


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}; give a file or an http(s) URL") from error
    return _small_enough(data, str(path))


def _download(url: str) -> bytes:
    until = time.monotonic() + _WHOLE_S
    headers = {"Accept-Encoding": "gzip", "User-Agent": "trafficfeed-validate"}
    try:
        with requests.get(url, stream=True, timeout=(_CONNECT_S, _CONNECT_S), headers=headers) as answer:
            answer.raise_for_status()
            return b"".join(_chunks(answer, url, until))
    except (requests.RequestException, ValueError) as error:
        raise SourceUnavailable(f"{url} cannot be fetched: {error}") from error


def _chunks(answer: requests.Response, url: str, until: float) -> Iterator[bytes]:
    size = 0
    for chunk in answer.iter_content(_CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise SourceUnavailable(f"{url} is larger than {LARGEST >> 20} MB: give a smaller document")
        if time.monotonic() > until:
            raise SourceUnavailable(f"{url} was not complete after {_WHOLE_S:.0f} s: try again, or save it first")
        yield chunk


def _unpacked(data: bytes, place: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return _small_enough(packed.read(LARGEST + 1), place)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceMalformed(
            f"{place} is packed with gzip and cannot be unpacked ({error}): fetch it again"
        ) from error


def _small_enough(data: bytes, place: str) -> bytes:
    if len(data) > LARGEST:
        raise SourceUnavailable(f"{place} is larger than {LARGEST >> 20} MB: give a smaller document")
    return data
