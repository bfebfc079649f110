"""The command line: one command a pipeline step, none of them needs Airflow."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from trafficfeed.cli import flooding, partners, releases
from trafficfeed.cli.emergency import emergency
from trafficfeed.cli.options import AsOf, CityName
from trafficfeed.cli.options import echo_json as _echo_json
from trafficfeed.cli.options import instant as _instant
from trafficfeed.cli.validate import validate
from trafficfeed.errors import TrafficFeedError
from trafficfeed.progress import Progress

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
city_app = typer.Typer(no_args_is_help=True, help="Import cities: OSM or a SUMO network → sumo_scenarios/NAME/.")
order_app = typer.Typer(no_args_is_help=True, help="Orders: their schema, and the instant checks.")
build_app = typer.Typer(no_args_is_help=True, help="Build a feed from files, with no server running.")
certificate_app = typer.Typer(no_args_is_help=True, help="Certificates: run one again.")
app.add_typer(city_app, name="city")
app.add_typer(order_app, name="order")
app.add_typer(build_app, name="build")
app.add_typer(certificate_app, name="certificate")
app.add_typer(partners.app, name="partner")
app.add_typer(releases.app, name="releases")
app.add_typer(flooding.app, name="flooding")
app.command()(emergency)
app.command()(validate)


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
    speeds: Annotated[
        Literal["urban", "rural"] | None, typer.Option(help="limits of OSM roads that state none: urban or rural")
    ] = None,
    datum: Annotated[Literal["wgs84", "gcj02", "bd09"] | None, typer.Option(help="the city's map datum")] = None,
    seed: Annotated[int, typer.Option(help="seed of the demand")] = 1,
    left_hand: Annotated[bool, typer.Option("--left-hand", help="traffic drives on the left")] = False,
    begin: Annotated[float | None, typer.Option(help="first second of your routes that is simulated")] = None,
    end: Annotated[float | None, typer.Option(help="end of your routes' departures, s")] = None,
    fit: Annotated[bool, typer.Option(help="fit the mesoscopic model against micro")] = True,
    force: Annotated[bool, typer.Option("--force", help="build again though nothing changed")] = False,
) -> None:
    """Make sumo_scenarios/NAME/ from an OSM extract or a SUMO network."""
    from trafficfeed.pipeline.cities import BuildOptions, build_city
    from trafficfeed.settings import settings

    given: dict[str, Any] = {
        "title": title, "timezone": timezone, "crs": crs, "licence": licence, "attribution": attribution,
        "language": language, "begin_s": begin, "end_s": end, "places": places, "sumocfg": sumocfg,
        "speeds": speeds, "map_datum": datum,
        "origin": _lon_lat(origin) if origin else None,
        "routes": tuple(routes or ()) or None, "additional": tuple(additional or ()) or None,
    }  # fmt: skip
    options = BuildOptions(
        seed=seed, left_hand=left_hand, fit=fit, force=force, **{k: v for k, v in given.items() if v is not None}
    )
    with _progress() as progress:
        report = build_city(
            name, osm=osm, net=net, cities_dir=settings().cities_dir, options=options, progress=progress
        )
    typer.echo(report.as_text())


@city_app.command("list")
def city_list() -> None:
    """List the cities that have been built."""
    from trafficfeed.network.city import City
    from trafficfeed.settings import settings

    for path in sorted(settings().cities_dir.glob("*/city.toml")):
        city = City.load(path.parent)
        typer.echo(f"{city.name:20} {city.file.title} ({city.file.timezone}; {city.file.attribution})")


@order_app.command("schema")
def order_schema() -> None:
    """Print the JSON Schema of an order: of files, API bodies and store rows alike."""
    from trafficfeed.closures.document import order_schema as schema

    _echo_json(schema())


@order_app.command("check")
def order_check(
    files: Annotated[list[Path], typer.Argument(help="order files, YAML or JSON")],
    city: CityName = "",
    as_of: AsOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="findings as JSON")] = False,
) -> None:
    """Check orders on the city's graph: exit status 1 where one has errors."""
    from trafficfeed.pipeline.order_files import check_files
    from trafficfeed.settings import settings

    reports = check_files(files, city=city, settings=settings(), as_of=_instant(as_of))
    if as_json:
        _echo_json([report.as_document() for report in reports])
    else:
        for report in reports:
            typer.echo(report.as_text())
    if not all(report.sound for report in reports):
        raise typer.Exit(1)


@build_app.command("closures")
def build_closures(
    orders: Annotated[list[Path], typer.Option("--orders", help="order files, YAML or JSON")],
    out: Annotated[Path, typer.Option("--out", help="folder for the feeds, the certificates and the report")],
    more: Annotated[list[Path] | None, typer.Argument(help="more order files")] = None,
    city: CityName = "",
    as_of: AsOf = None,
) -> None:
    """Check, simulate and certify orders; write closures.geojson, wzdx.geojson, certificate.json and the report."""
    from trafficfeed.pipeline.building import build
    from trafficfeed.settings import settings

    files = [*orders, *(more or ())]
    with _progress() as progress:
        built = build(files, city=city, out=out, settings=settings(), as_of=_instant(as_of), progress=progress)
    typer.echo(built.as_text())
    if built.refused:
        raise typer.Exit(1)


@certificate_app.command("rerun")
def certificate_rerun(
    file: Annotated[Path, typer.Argument(help="certificate.json")],
    city: CityName = "",
) -> None:
    """Run a certificate's simulation again: exit status 1 where anything but the time of issue differs."""
    from trafficfeed.pipeline.building import rerun
    from trafficfeed.settings import settings

    with _progress() as progress:
        outcomes = rerun(file, city=city, settings=settings(), as_of=_instant(None), progress=progress)
    for outcome in outcomes:
        typer.echo(outcome.as_text())
    if not all(outcome.identical for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="load and submit the city's own orders")] = True,
    once: Annotated[bool, typer.Option("--once", help="stop after the first release")] = False,
) -> None:
    """Run everything on this machine: Airflow, the API, the demo orders; Ctrl-C stops all of it."""
    from trafficfeed.running.up import up as run
    from trafficfeed.settings import settings

    raise typer.Exit(run(settings(), demo_orders=demo, once=once))


@app.command()
def release() -> None:
    """Release the closures feed from the store, as of now, without Airflow."""
    from trafficfeed.pipeline.closures import release_step

    _echo_json(release_step())


@app.command()
def reconcile() -> None:
    """Catch up as the minute-by-minute DAG does: lost triggers, activation and ending, release."""
    from trafficfeed.pipeline.closures import reconcile_step

    _echo_json(reconcile_step())


@app.command("validate-order")
def validate_order(
    order_id: Annotated[str, typer.Argument(help="a submitted order in the store")],
    version: Annotated[int, typer.Argument(help="its version")],
) -> None:
    """Check, simulate, judge and release one order version, as the DAG does but without Airflow."""
    from trafficfeed.pipeline import closures

    with _progress() as progress:
        _echo_json(closures.validate(order_id, version, progress=progress))


@app.command()
def serve() -> None:
    """Serve the API alone."""
    from trafficfeed.running.serving import serve as run
    from trafficfeed.settings import settings

    run(settings())


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show progress bars in a terminal, and a line now and then elsewhere."""
    from trafficfeed.running.bars import bars

    with bars() as progress:
        yield progress


def main() -> None:
    """Run the command line; what is raised on purpose becomes one clear message and exit status 1."""
    gc.set_threshold(100_000)  # what the imports make is not garbage: looking for some is a twentieth of `order check`
    try:
        app()
    except TrafficFeedError as error:
        typer.echo(f"trafficfeed: {error}", err=True)
        for finding in getattr(error, "findings", ()):
            typer.echo(f"  {finding}", err=True)
        sys.exit(1)


def _lon_lat(text: str) -> tuple[float, float]:
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not lon,lat") from error
    return lon, lat
