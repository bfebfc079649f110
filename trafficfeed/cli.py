"""The command line: one command a pipeline step, none of them needs Airflow."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trafficfeed.errors import TrafficFeedError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
city_app = typer.Typer(no_args_is_help=True, help="Import cities: OSM or a SUMO network → sumo_scenarios/NAME/.")
order_app = typer.Typer(no_args_is_help=True, help="Orders: their schema, and the instant checks.")
build_app = typer.Typer(no_args_is_help=True, help="Build a feed from files, with no server running.")
certificate_app = typer.Typer(no_args_is_help=True, help="Certificates: run one again.")
app.add_typer(city_app, name="city")
app.add_typer(order_app, name="order")
app.add_typer(build_app, name="build")
app.add_typer(certificate_app, name="certificate")

CityName = Annotated[str, typer.Option("--city", help="a folder's name in sumo_scenarios/, or a path")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="RFC 3339 time to build for; default: now")]


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no RFC 3339 time such as 2026-12-05T16:00:00+02:00") from error
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: add Z or +02:00")
    return instant.astimezone(UTC)


def _echo_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@city_app.command("build")
def city_build(
    name: Annotated[str, typer.Argument(help="folder name of the city, or 'helsinki' alone for the demo city")],
    osm: Annotated[Path | None, typer.Option(help="OSM extract, PBF or XML")] = None,
    net: Annotated[Path | None, typer.Option(help="SUMO network, .net.xml or .net.xml.gz")] = None,
    sumocfg: Annotated[Path | None, typer.Option(help="SUMO configuration: its network, demand and hours")] = None,
    routes: Annotated[list[Path] | None, typer.Option(help="your own routes or trips; repeatable")] = None,
    additional: Annotated[list[Path] | None, typer.Option(help="types, stops, signal plans; repeatable")] = None,
    places: Annotated[Path | None, typer.Option(help="GeoJSON of places, for a city without OSM")] = None,
    title: Annotated[str | None, typer.Option(help="the city's name as people write it")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA zone")] = None,
    crs: Annotated[str | None, typer.Option(help="metric CRS; default: the UTM zone of its centre")] = None,
    origin: Annotated[str | None, typer.Option(help="lon,lat of a network without projection")] = None,
    licence: Annotated[str | None, typer.Option(help="licence of the source")] = None,
    attribution: Annotated[str | None, typer.Option(help="whom to name")] = None,
    language: Annotated[str | None, typer.Option(help="default language, BCP 47")] = None,
    seed: Annotated[int, typer.Option(help="seed of the demand")] = 1,
    left_hand: Annotated[bool, typer.Option("--left-hand", help="traffic drives on the left")] = False,
    begin: Annotated[float | None, typer.Option(help="first second of your routes that is simulated")] = None,
    end: Annotated[float | None, typer.Option(help="end of your routes' departures, s")] = None,
    fit: Annotated[bool, typer.Option(help="fit the mesoscopic model against micro")] = True,
    force: Annotated[bool, typer.Option("--force", help="build again though nothing changed")] = False,
) -> None:
    """Make sumo_scenarios/NAME/ from an OSM extract or a SUMO network."""
    from trafficfeed.pipeline import cities
    from trafficfeed.settings import settings

    given = {
        "title": title, "timezone": timezone, "crs": crs, "licence": licence, "attribution": attribution,
        "language": language, "begin_s": begin, "end_s": end, "places": places, "sumocfg": sumocfg,
        "origin": _lon_lat(origin) if origin else None,
        "routes": tuple(routes or ()) or None, "additional": tuple(additional or ()) or None,
    }  # fmt: skip
    options = cities.BuildOptions(
        seed=seed, left_hand=left_hand, fit=fit, force=force, **{k: v for k, v in given.items() if v is not None}
    )
    with _progress() as progress:
        report = cities.build_city(
            name, osm=osm, net=net, cities_dir=settings().cities_dir, options=options, progress=progress
        )
    typer.echo(report.as_text())


def _lon_lat(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not lon,lat") from error
    return lon, lat
