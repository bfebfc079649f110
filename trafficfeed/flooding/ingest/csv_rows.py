"""Rows of a CSV as people and loggers write them: any byte order mark, delimiter and line end; a bad row is told."""

import csv
import io
from collections.abc import Sequence

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.parsed import Payload, Row, refused

_DELIMITERS = (";", "\t", "|", ",")


def csv_rows(payload: Payload) -> tuple[list[Row], list[Finding]]:
    """Return the rows of a CSV by the columns that its source declares; none of an empty file.

    Raises
    ------
    SourceMalformed
        If it is no text, or a declared column is not in its first line.
    """
    text = _text(payload)
    if not text.strip():
        return [], []
    columns = payload.source.columns
    # blank lines before the header are no header
    reader = csv.reader(io.StringIO(text.lstrip("\r\n")), delimiter=_delimiter(payload, text))
    header = [name.strip() for name in next(reader)]
    named = columns.model_dump() | ({"sensor": ""} if payload.source.kind == "tide" else {})
    wanted = {part: name for part, name in named.items() if name}
    missing = [name for name in wanted.values() if name not in header]
    if missing:
        raise payload.malformed(
            f"has no column {', '.join(map(repr, missing))}",
            f"it has {', '.join(map(repr, header))}; name its columns in {payload.source.id}'s entry",
        )
    place = {part: header.index(name) for part, name in wanted.items()}
    rows, findings = [], []
    try:
        for cells in reader:
            made = _row(payload, place, header, cells, f"line {reader.line_num}")
            if isinstance(made, Row):
                rows.append(made)
            elif made is not None:
                findings.append(made)
    except csv.Error as error:
        findings.append(refused("csv.broken", f"line {reader.line_num}", f"the rest cannot be read: {error}"))
    return rows, findings


def _row(
    payload: Payload, place: dict[str, int], header: Sequence[str], cells: Sequence[str], where: str
) -> Row | Finding | None:
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(header):
        return refused(
            "csv.cells", where, f"{len(cells)} cells under {len(header)} columns", "send the whole row again"
        )
    value = {part: cells[at].strip() for part, at in place.items()}
    if not value["value"]:
        return refused("value.missing", where, f"sensor {value.get('sensor', '')} tells nothing")
    return Row(
        where=where,
        sensor=value.get("sensor") or payload.source.id,
        time=value["time"],
        start=value.get("start"),
        value=value["value"],
        unit=value.get("unit", ""),
    )


def _text(payload: Payload) -> str:
    encoding = "utf-16" if payload.data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return payload.data.decode(encoding).replace("\x00", "").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise payload.malformed(f"is no text: {error}", "send UTF-8") from error


def _delimiter(payload: Payload, text: str) -> str:
    if payload.source.delimiter:
        return payload.source.delimiter
    first = text.lstrip("\r\n").splitlines()[0]
    return max(_DELIMITERS, key=first.count)
