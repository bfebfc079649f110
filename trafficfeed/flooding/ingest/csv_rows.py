"""Rows of a CSV as people and loggers write them: any byte order mark, delimiter and line end; a bad row is told."""

import csv
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
    delimiter = _delimiter(payload, text)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    header = [name.strip() for name in _cells(lines[0][1], delimiter) or ()]
    place = _place(payload, header)
    rows, findings = [], []
    for number, line in lines[1:]:
        made = _row(payload, place, header, _cells(line, delimiter), f"line {number}")
        if isinstance(made, Row):
            rows.append(made)
        elif made is not None:
            findings.append(made)
    return rows, findings


def _cells(line: str, delimiter: str) -> list[str] | None:
    """Return the cells of one line: line by line, so that a quote left open loses no row but its own."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return None


def _place(payload: Payload, header: Sequence[str]) -> dict[str, int]:
    """Return where each declared column is; raises SourceMalformed where one is not, or is twice."""
    named = payload.source.columns.model_dump() | ({"sensor": ""} if payload.source.kind == "tide" else {})
    wanted = {part: name for part, name in named.items() if name}
    wrong = [name for name in wanted.values() if header.count(name) != 1]
    if wrong:
        raise payload.malformed(
            f"does not have one column {', '.join(map(repr, wrong))}",
            f"it has {', '.join(map(repr, header))}; name its columns in {payload.source.id}'s entry",
        )
    return {part: header.index(name) for part, name in wanted.items()}


def _row(
    payload: Payload, place: dict[str, int], header: Sequence[str], cells: Sequence[str] | None, where: str
) -> Row | Finding | None:
    if cells is None:
        return refused("csv.cells", where, "it is no line of a CSV", "send the whole row again")
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(header):
        return refused(
            "csv.cells", where, f"{len(cells)} cells under {len(header)} columns", "send the whole row again"
        )
    value = {part: cells[at].strip() for part, at in place.items()}
    if not value["value"]:
        return refused("value.missing", where, f"sensor {value.get('sensor', '')} tells nothing")
    if value.get("sensor") == "":
        return refused("sensor.missing", where, "does not say its sensor")
    return Row(
        where=where,
        sensor=value.get("sensor", payload.source.id),
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
