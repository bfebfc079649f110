"""Commands on releases: what was published when, what differs, and an officer's way back."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trafficfeed.cli.options import echo_json, instant

if TYPE_CHECKING:
    from trafficfeed.publishing.differences import RecordChange
    from trafficfeed.publishing.documents import Manifest
    from trafficfeed.publishing.releases import ReleaseStore

app = typer.Typer(no_args_is_help=True, help="Releases: what was published when, what differs, and the way back.")

Version = Annotated[str, typer.Argument(help="a version or a number")]
Actor = Annotated[str, typer.Option("--by", help="who decides it; default: your login name")]


@app.command("list")
def release_list(
    limit: Annotated[int, typer.Option(help="how many, newest first", min=1)] = 20,
    before: Annotated[int | None, typer.Option(help="only lower numbers")] = None,
) -> None:
    """List the releases, newest first."""
    found = _store().manifests(before=before, limit=limit)
    for manifest in found:
        orders = manifest.facts.get("orders", {})
        records = sum(int(facts.get("records", 0)) for facts in orders.values())
        held = manifest.rolled_back
        note = f"  rolled back to {held.to} by {held.by}: {held.reason}" if held else ""
        typer.echo(
            f"{manifest.number:>7}  {manifest.version[:12]}  {manifest.published_at:%Y-%m-%d %H:%M:%S}Z  "
            f"{len(orders):>5} orders {records:>6} records{note}"
        )
    if not found:
        typer.echo("nothing has been released yet")


@app.command("show")
def release_show(
    version: Annotated[str, typer.Argument(help="a version or a number; default: the newest")] = "",
    as_of: Annotated[str | None, typer.Option("--as-of", help="RFC 3339 time: what was served then")] = None,
    document: Annotated[str, typer.Option(help="write this document's bytes: closures.geojson")] = "",
    out: Annotated[Path | None, typer.Option(help="file to write the document to; default: standard output")] = None,
) -> None:
    """Show a release: its documents and orders; or write one document, byte for byte as it was served."""
    store = _store()
    manifest = store.manifest_as_of(instant(as_of)) if as_of or not version else _found(store, version)
    if manifest is None:
        typer.echo("nothing had been released by then", err=True)
        raise typer.Exit(1)
    if document:
        _write(store, manifest, document, out)
        return
    typer.echo(f"release {manifest.number}, published {manifest.published_at.isoformat()}")
    typer.echo(f"version {manifest.version}")
    if held := manifest.rolled_back:
        typer.echo(f"rolled back to release {held.to} by {held.by} at {held.at.isoformat()}: {held.reason}")
    for name, entry in manifest.documents.items():
        typer.echo(f"  {name:40} {entry.size:>10,} bytes  {entry.sha256[:12]}  since {entry.modified:%Y-%m-%d %H:%M}Z")
    for order, facts in sorted(manifest.facts.get("orders", {}).items()):
        typer.echo(f"  order {order} version {facts.get('version')}, {facts.get('records', 0)} records")


@app.command("diff")
def release_diff(
    before: Version,
    after: Annotated[str, typer.Argument(help="a version or a number; default: the newest")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show what differs between two releases: records added, removed and changed, field by field."""
    from dataclasses import asdict

    from trafficfeed.formats.native import FILE_NAME
    from trafficfeed.publishing.differences import differences, in_words

    store = _store()
    old, new = _found(store, before), _found(store, after or str(store.newest()))
    found = differences(store.document(old, FILE_NAME).data, store.document(new, FILE_NAME).data)
    if as_json:
        echo_json({"before": old.version, "after": new.version, **asdict(found)})
        return
    typer.echo(f"release {old.number} ({old.published_at:%Y-%m-%d %H:%M}Z) → {new.number} ({new.published_at:%H:%M}Z)")
    _echo_records("+", found.added, "green")
    _echo_records("-", found.removed, "red")
    for change in found.changed:
        _echo_records("~", [change], "yellow")
        for one in change.fields:
            typer.echo(f"      {one.field}: {in_words(one.before)} → {in_words(one.after)}")
    typer.echo(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed, {found.same} the same"
    )


@app.command("rollback")
def release_rollback(
    version: Version,
    reason: Annotated[str, typer.Option("--reason", help="why; it is kept for ever and shown on the page")],
    by: Actor = "",
) -> None:
    """Serve an older release again; nothing else is published until `resume`, emergencies neither."""
    from trafficfeed.pipeline.rollback import roll_back
    from trafficfeed.settings import settings

    held = roll_back(settings(), version, actor=by or getpass.getuser(), reason=reason, as_of=instant(None))
    said = held.manifest.rolled_back
    typer.echo(f"release {held.manifest.number} serves the content of release {said.to if said else version} again")
    typer.echo("nothing else is published until `trafficfeed releases resume`")


@app.command("resume")
def release_resume(
    reason: Annotated[str, typer.Option("--reason", help="why the feed may go on")] = "", by: Actor = ""
) -> None:
    """Take a rollback back, and release what the orders say now."""
    from trafficfeed.pipeline.rollback import resume
    from trafficfeed.settings import settings
    from trafficfeed.store.database import open_database

    configured = settings()
    database = open_database(configured.database_url)
    actor = by or getpass.getuser()
    released = resume(configured, database=database, actor=actor, reason=reason, as_of=instant(None))
    typer.echo(f"release {released.manifest.number} is served: what the orders say now")


def _store() -> "ReleaseStore":
    from trafficfeed.pipeline.rollback import releases_of
    from trafficfeed.settings import settings

    return releases_of(settings())


def _found(store: "ReleaseStore", version: str) -> "Manifest":
    manifest = store.find(version)
    if manifest is None:
        raise typer.BadParameter(f"there is no release {version}: `trafficfeed releases list` names those there are")
    return manifest


def _write(store: "ReleaseStore", manifest: "Manifest", name: str, out: Path | None) -> None:
    if name not in manifest.documents:
        raise typer.BadParameter(f"release {manifest.number} has no {name}: it has {', '.join(manifest.documents)}")
    data = store.document(manifest, name).data
    if out is None:
        typer.echo(data, nl=False)
    else:
        out.write_bytes(data)
        typer.echo(f"{out}: {name} of release {manifest.number}, {len(data):,} bytes")


def _echo_records(sign: str, changes: Sequence["RecordChange"], colour: str) -> None:
    for change in changes:
        facts = change.facts
        what = f"{facts.get('street') or 'unnamed street'}, {facts.get('start', '')} to {facts.get('end', '')}"
        reason = f" ({change.reason})" if change.reason else ""
        typer.secho(f"  {sign} {change.id}{reason}", fg=colour)
        typer.echo(f"      {what}")
