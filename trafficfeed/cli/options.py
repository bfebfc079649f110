"""What several commands share: options, how a time is read, how JSON is printed."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

CityName = Annotated[str, typer.Option("--city", help="a folder's name in sumo_scenarios/, or a path")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="RFC 3339 time to build for; default: now")]


def instant(text: str | None) -> datetime:
    """Return a time of the command line in UTC; None: now."""
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no RFC 3339 time such as 2026-12-05T16:00:00+02:00") from error
    if found.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: add Z or +02:00")
    return found.astimezone(UTC)


def echo_json(document: object) -> None:
    """Print a document as JSON."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
