"""`trafficfeed validate`: any document, ours or a partner's, against the rules that no schema checks."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trafficfeed.cli.options import echo_json, instant

if TYPE_CHECKING:
    from trafficfeed.findings import Finding
    from trafficfeed.pipeline.validating import Validated

_SHOWN = 3
_WIDE = 140
_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def validate(
    standard: Annotated[str, typer.Argument(help="native, wzdx, cifs, cifs-json, datex2 or cap")],
    place: Annotated[str, typer.Argument(metavar="FILE|URL", help="the document; may be gzipped")],
    city: Annotated[str, typer.Option("--city", help="whose roads; default: a built city they lie on")] = "",
    roads: Annotated[bool, typer.Option(help="compare lines with the roads of a built city")] = True,
    previous: Annotated[str | None, typer.Option("--previous", help="file or URL of the document before it")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="RFC 3339 time to look at it; default: now")] = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="folder of official schemas (docs/rules.md)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="findings as JSON")] = False,
) -> None:
    """Check a feed as its readers would, beyond its schema: exit status 1 where it has errors."""
    from trafficfeed.formats.semantics import readable
    from trafficfeed.pipeline import validating
    from trafficfeed.pipeline.whose_roads import built_grounds
    from trafficfeed.pipeline.workspace import find_city, ground_of
    from trafficfeed.settings import settings

    if standard not in readable():
        raise typer.BadParameter(f"{standard!r} is none of {', '.join(readable())}", param_hint="STANDARD")
    cities = settings().cities_dir
    found = validating.validate(
        standard,
        place,
        ground=ground_of(find_city(city, cities)) if city else None,
        grounds=built_grounds(cities) if roads and not city else (),
        previous=previous,
        as_of=instant(as_of),
        schemas=schema,
    )
    if as_json:
        echo_json(_cleaned(found.as_document()))
    else:
        _show(found)
    if not found.sound:
        raise typer.Exit(1)


def _show(found: "Validated") -> None:
    """Print a table of the rules that are broken, each with its first places, and a line that sums up."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console = console if console.is_terminal else Console(width=_WIDE)
    if found.findings:
        table = Table(expand=False, show_lines=True)
        for title in ("rule", "what", "where", "mend"):
            table.add_column(title, overflow="fold")
        for severity, rule, faults in _by_rule(found.findings):
            told = "\n".join(dict.fromkeys(printable(fault.message) for fault in faults[:_SHOWN]))
            head = Text(f"{severity}\n{rule}\n×{len(faults)}", style=_COLOURS[severity])
            table.add_row(head, Text(told), Text("\n".join(_places(faults))), Text(printable(faults[0].mend)))
        console.print(table)
    console.print(Text(_summary(found)))


def _by_rule(findings: "tuple[Finding, ...]") -> "Iterator[tuple[str, str, list[Finding]]]":
    weights = list(_COLOURS)
    ordered = sorted(findings, key=lambda finding: (weights.index(finding.severity.value), finding.rule))
    for (severity, rule), faults in groupby(ordered, key=lambda finding: (finding.severity.value, finding.rule)):
        yield severity, rule, list(faults)


def _places(faults: "list[Finding]") -> Iterator[str]:
    yield from (printable(fault.where) for fault in faults[:_SHOWN])
    if len(faults) > _SHOWN:
        yield f"… and {len(faults) - _SHOWN} more"


def _summary(found: "Validated") -> str:
    counts = {name: sum(finding.severity.value == name for finding in found.findings) for name in _COLOURS}
    said = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in counts.items() if count)
    against = ["the official schema"] if found.schema else []
    against += ["the rules", *([f"the roads of {found.city}"] if found.city else [])]
    records = f"{found.records} record{'s' if found.records != 1 else ''}"
    said = said or "nothing to mend"
    return f"{printable(found.place)}: {found.standard}, {records}, {said}; held against {', '.join(against)}"


def printable(text: str) -> str:
    """Return a stranger's text without what could steer a terminal (control characters) or not be encoded."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _cleaned(value: object) -> object:
    """Return JSON values whose texts can be encoded: half characters are written as escapes."""
    if isinstance(value, dict):
        return {str(_cleaned(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
