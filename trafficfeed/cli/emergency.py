"""`trafficfeed emergency`: an order from a file into the served feed, now."""

from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer


def emergency(
    file: Annotated[Path, typer.Argument(help="the order, YAML or JSON")],
    reason: Annotated[str, typer.Option("--reason", help="why it is published before its simulation; it is logged")],
    by: Annotated[str, typer.Option("--by", help="who decides it; default: the user at the keyboard")] = "",
) -> None:
    """Check, store and release an order at once, its simulation to follow; exit status 1 where it is refused."""
    from trafficfeed.closures.document import parse_order
    from trafficfeed.errors import SourceUnavailable
    from trafficfeed.pipeline.emergency import publish_emergency
    from trafficfeed.settings import settings
    from trafficfeed.store.database import open_database

    try:
        order = parse_order(file.read_bytes(), name=file.name)
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}; give the path of an order file") from error
    database = open_database(settings().database_url)
    done = publish_emergency(
        database, order, settings=settings(), actor=by or getuser(), as_of=datetime.now(UTC), reason=reason
    )
    if done.released is None or not done.record_ids:
        typer.echo(f"{order.id}: stored and {done.stored.state}, not released yet: {done.trouble}")
        return
    typer.echo(f"{order.id}: {done.stored.state}, in release {done.released.manifest.number}, validation pending")
    for record_id in done.record_ids:
        typer.echo(f"  {record_id}")
