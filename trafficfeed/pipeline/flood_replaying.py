"""A replay for a person: an installation of its own in a folder, a storm, a scorecard, a picture, and SUMO if asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.made_storm import StormShape, made_storm
from trafficfeed.flooding.sites import Site
from trafficfeed.flooding.storms import Storm
from trafficfeed.pipeline.flood_fitting import fitted_on_made_past
from trafficfeed.pipeline.flood_forecasting import keep_parameters, parameters_of
from trafficfeed.pipeline.flood_gate import closings_of, flood_question
from trafficfeed.pipeline.flood_orders import rule_of
from trafficfeed.pipeline.flood_places import sites_of
from trafficfeed.pipeline.flood_replay import Replayed, replay, storm_of_record
from trafficfeed.pipeline.flood_replay_picture import draw_replay
from trafficfeed.pipeline.flooding import scorecard_document
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.progress import Progress, silent
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import to_json
from trafficfeed.simulation.drive_scenario import city_drive
from trafficfeed.simulation.flood_trial import FloodReport, run_trial
from trafficfeed.store.database import open_database
from trafficfeed.store.objects import ObjectStore

_MADE_AT: Final = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
_LAG: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What is played: what the city recorded in `span` (aware), or a made storm; `drive`: in SUMO too."""

    span: tuple[datetime, datetime] | None = None
    seed: int = 1
    hours: float = 9.0
    drive: bool = False


def replay_city(
    settings: Settings, name: str, options: ReplayOptions, *, out: Path, progress: Progress = silent
) -> str:
    """Play a storm in an installation of its own under `out`, write what came of it there, and say it in some lines.

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        If the city has no flood sites, or something cannot be read.
    SimulationFailed
        If SUMO cannot finish a run.
    """
    city = find_city(name or settings.city, settings.cities_dir)
    sites = sites_of(city, graph=ground_of(city).graph, progress=progress)
    own = settings.model_copy(update={"city": city.name, "state_dir": out / "state", "database": "", "objects": ""})
    storm = _storm(settings, sites, options)
    parameters = parameters_of(ObjectStore(settings.objects_url), city.name)
    if options.span is None and parameters.fitted_until is None:
        progress("fit on a made past", 0, 1)
        parameters = fitted_on_made_past(sites, storm)
        progress("fit on a made past", 1, 1)
    keep_parameters(ObjectStore(own.objects_url), city.name, parameters)
    played = replay(storm, own, open_database(own.database_url), progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    (out / "scorecard.json").write_bytes(scorecard_document(played.scorecard, city.name, storm.ends))
    draw_replay(played, rule_of(own), out / "storm.png")
    report = None
    if options.drive:
        scenario = city_drive(city, folder=settings.state_dir / "runs" / "prepared")
        question = flood_question(scenario, storm, sites, closings_of(played.closed, storm.ends, lag=_LAG))
        report = run_trial(question, folder=out / "runs", workers=settings.simulation.workers, progress=progress)
        (out / "certificate.json").write_text(to_json(report.certificate(storm.ends)), "utf-8")
    return as_text(played, report, out)


def as_text(played: Replayed, report: FloodReport | None, out: Path) -> str:
    """Say what a replay came to."""
    storm, card = played.storm, played.scorecard
    names = {site.id: site.name or site.id for site in played.sites}
    lines = [f"{storm.title}, {storm.begins:%Y-%m-%d %H:%M} to {storm.ends:%H:%M} UTC"]
    lines += [f"  {storm.note}"] if storm.note else []
    lines += [
        f"  {names[one.site]:<36} deepest {100 * one.deepest_m:3.0f} cm   closed {one.closures}× for {one.real} real   "
        f"warned {_minutes(one.warnings_s)} before 15 cm   open in 30 cm for {one.exposed_s / 60:.0f} min"
        for one in card.sites
        if one.site in names
    ]
    lines += [
        f"  {card.clears_above} cleared above 15 cm; {played.releases} releases of the road feeds, "
        f"{played.map_releases} of the map; {len(played.troubles)} troubles",
    ]
    if report is not None:
        lines += [f"  SUMO: {report.verdict}", *(f"    {one.gate}: {one.measured}" for one in report.reasons)]
    return "\n".join([*lines, f"  → {out}/scorecard.json, {out}/storm.png, feeds in {out}/state"])


def _storm(settings: Settings, sites: Sequence[Site], options: ReplayOptions) -> Storm:
    if options.span is None:
        return made_storm(sites, _MADE_AT, StormShape(hours=options.hours, seed=options.seed))
    storm = storm_of_record(settings, open_database(settings.database_url), *options.span)
    if not storm.readings:
        begins, ends = options.span
        raise ScenarioInvalid(
            f"the city recorded nothing from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC: "
            "choose another time, or leave --since out for a made storm"
        )
    return storm


def _minutes(seconds: Sequence[float]) -> str:
    return f"{np.median(seconds) / 60:.0f} min" if seconds else "no"
