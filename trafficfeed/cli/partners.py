"""Commands on partners: who takes the feeds, and what they would do with an order's records."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trafficfeed.cli.options import AsOf, CityName, echo_json, instant

if TYPE_CHECKING:
    from trafficfeed.pipeline.dry_run import DryRun

app = typer.Typer(no_args_is_help=True, help="Partners: who takes the feeds, and a dry run of an order.")


@app.command("list")
def partner_list(city: CityName = "") -> None:
    """List the city's partners, from its partners.toml."""
    from trafficfeed.pipeline.workspace import find_city
    from trafficfeed.publishing.partners import FILE_NAME, load_partners
    from trafficfeed.settings import settings

    configured = settings()
    found = find_city(city or configured.city, configured.cities_dir)
    partners = load_partners(found)
    for partner in partners:
        door = "token" if partner.token_sha256 else "open"
        typer.echo(
            f"{partner.id:20} {partner.title} ({partner.profile}; {partner.datum}; "
            f"{', '.join(partner.formats)}; {partner.language or found.file.language}; {door})"
        )
    if not partners:
        typer.echo(f"{found.name} has no partners: write {found.folder / FILE_NAME} (docs/feeds.md)")


@app.command("dry-run")
def partner_dry_run(
    file: Annotated[Path, typer.Argument(help="order file, YAML or JSON")],
    partner: Annotated[str, typer.Option("--partner", help="ask this one alone, by id")] = "",
    city: CityName = "",
    as_of: AsOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="outcomes as JSON")] = False,
) -> None:
    """Say which partner would take which record of an order, and why not: exit status 1 where one is refused."""
    from trafficfeed.pipeline.dry_run import dry_run_file
    from trafficfeed.settings import settings

    found = dry_run_file(file, city=city, partner=partner, settings=settings(), as_of=instant(as_of))
    if as_json:
        echo_json(found.as_document())
    else:
        typer.echo("\n".join(_lines(found)))
    if not found.sound:
        raise typer.Exit(1)


def _lines(found: "DryRun") -> Iterator[str]:
    """Yield a table of records by partners, then each reason once, with how many records it is about."""
    yield found.order_id
    for finding in found.findings:
        yield f"  {finding}"
    rows = _rows(found)
    width = max(map(len, ("record", *(name for name, _ in rows))))
    columns = [max(len(partner.id), len("no effect")) for partner in found.partners]
    for name, cells in (("record", [partner.id for partner in found.partners]), *rows):
        padded = (cell.ljust(size) for cell, size in zip(cells, columns, strict=True))
        yield "  ".join([name.ljust(width), *padded]).rstrip()
    yield from _reasons(found)


def _rows(found: "DryRun") -> list[tuple[str, list[str]]]:
    """Return a row for each record; periods of one stretch that fare alike share a row."""
    cells: dict[str, list[str]] = {}
    for outcome in found.outcomes:
        cells.setdefault(outcome.record, []).append(outcome.word)
    alike: dict[tuple[str, ...], list[str]] = {}
    for record, words in cells.items():
        alike.setdefault((record.rpartition(".")[0], *words), []).append(record)
    return [
        (records[0] if len(records) == 1 else f"{stretch}.* ({len(records)} periods)", list(words))
        for (stretch, *words), records in alike.items()
    ]


def _reasons(found: "DryRun") -> Iterator[str]:
    reasons = Counter(
        (outcome.partner, finding.severity.value, finding.rule, finding.message, finding.mend)
        for outcome in found.outcomes
        for finding in outcome.findings
    )
    of_partner = Counter(outcome.partner for outcome in found.outcomes)
    for (partner, severity, rule, message, mend), count in reasons.items():
        share = "all records" if count == of_partner[partner] else f"{count} of {of_partner[partner]} records"
        yield f"{partner}: {severity} [{rule}], {share}: {message}" + (f" → {mend}" if mend else "")
