"""Commands on flooding: the places where roads flood, storms played again, parameters fitted."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Flooding: where roads flood, and storms played again.")


@app.command("places")
def places(
    city: Annotated[str, typer.Argument(help="a folder's name in sumo_scenarios/, or a path; default: your city")] = "",
    dem: Annotated[
        Path | None, typer.Option(help="elevation model, GeoTIFF or .asc; default: as city.toml says")
    ] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of an elevation model that states none: EPSG:…")] = None,
    unit: Annotated[str | None, typer.Option(help="of its heights: m, dm, cm, mm, ft or us-ft")] = None,
    fill_holes: Annotated[
        float | None, typer.Option("--fill-holes", help="fill holes of up to so many m² from round about")
    ] = None,
    open_holes: Annotated[
        bool | None, typer.Option("--open-holes", help="let larger holes be: water that reaches them is gone")
    ] = None,
    site_list: Annotated[
        Path | None, typer.Option("--list", help="known sites, TOML; default: flooding/sites.toml")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="draw hollows, sites and linked roads into this file")] = None,
) -> None:
    """Find where roads flood: from terrain and the list of known sites to the city's flooding/sites.json."""
    from trafficfeed.flooding.terrain.elevation_checks import UNITS
    from trafficfeed.pipeline.flood_places import PlacesOptions, build
    from trafficfeed.pipeline.workspace import find_city, ground_of
    from trafficfeed.running.bars import bars
    from trafficfeed.settings import settings

    if unit is not None and unit not in UNITS:
        raise typer.BadParameter(f"{unit!r} is none of {', '.join(UNITS)}")
    configured = settings()
    found = find_city(city or configured.city, configured.cities_dir)
    options = PlacesOptions(
        dem=dem, crs=crs, unit=unit, site_list=site_list, fill_holes_m2=fill_holes, open_holes=open_holes
    )
    graph = ground_of(found).graph
    with bars() as progress:
        report = build(found, graph=graph, options=options, progress=progress)
        if picture is not None:
            from trafficfeed.pipeline.flood_picture import draw_places

            progress("drawing", 0, 1)
            draw_places(report, graph, picture)
            progress("drawing", 1, 1)
    typer.echo(report.as_text())
    if picture is not None:
        typer.echo(f"  picture: {picture}")


@app.command("replay")
def replay(
    city: Annotated[str, typer.Argument(help="a folder's name in sumo_scenarios/, or a path; default: your city")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="replay what the city recorded from then on (UTC); default: a made storm")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="and until then (UTC)")] = None,
    seed: Annotated[int, typer.Option(help="of the made storm")] = 1,
    hours: Annotated[float, typer.Option(min=1, max=48, help="length of the made storm")] = 9.0,
    drive: Annotated[bool, typer.Option("--drive", help="drive it in SUMO too: followers against none")] = False,
    out: Annotated[Path, typer.Option(help="folder for the scorecard, the picture and the feeds")] = Path(
        "flood-replay"
    ),
) -> None:
    """Play a storm through the whole pipeline at speed, to a scorecard and a picture; your feeds stay as they are."""
    from trafficfeed.pipeline.flood_replaying import ReplayOptions, replay_city
    from trafficfeed.running.bars import bars
    from trafficfeed.settings import settings

    if (since is None) != (until is None):
        raise typer.BadParameter("--since and --until belong together")
    span = None if since is None or until is None else (since.replace(tzinfo=UTC), until.replace(tzinfo=UTC))
    options = ReplayOptions(span=span, seed=seed, hours=hours, drive=drive)
    with bars() as progress:
        told = replay_city(settings(), city, options, out=out, progress=progress)
    typer.echo(told)


@app.command("refit")
def refit() -> None:
    """Fit the forecast of your city anew on what its own gauges, rain forecasts and tides have recorded."""
    from trafficfeed.pipeline.flooding import refit_step

    found = refit_step()
    hour = "with" if found["nowcast"] else "without"
    typer.echo(f"fitted {found['sites']} sites on {found['floods']} floods, {hour} the next hour told from readings")
