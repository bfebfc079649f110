"""Flooding step by step, as Airflow's tasks and the command line call them: plain values out; never a reading's path.

Each step reads the settings, the clock and the store itself, and may run twice.

    due_step → ingest_step → forecast_step → decide_step → simulate_step → score_step;   refit_step
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from trafficfeed.errors import TrafficFeedError
from trafficfeed.flooding.decisions import Level
from trafficfeed.flooding.forecast import THRESHOLDS_M, CityForecast
from trafficfeed.flooding.observations import Quality
from trafficfeed.flooding.scorecard import Scorecard, scored
from trafficfeed.flooding.storms import Storm, TrueWater
from trafficfeed.pipeline.flood_feeders import FolderPoll, HttpPoll
from trafficfeed.pipeline.flood_fitting import refit
from trafficfeed.pipeline.flood_forecasting import forecast_city
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_gate import Closing, closed_edges, flood_question
from trafficfeed.pipeline.flood_intake import take
from trafficfeed.pipeline.flood_orders import rule_of
from trafficfeed.pipeline.flood_places import ensured_sites
from trafficfeed.pipeline.flood_release import decide_and_release
from trafficfeed.pipeline.flood_replay import storm_of_record
from trafficfeed.pipeline.flood_sources import Waterworks, waterworks_of
from trafficfeed.pipeline.workspace import find_city
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings, settings
from trafficfeed.simulation.certificate import certificate_id, from_json, to_json
from trafficfeed.simulation.drive_scenario import city_drive
from trafficfeed.simulation.flood_trial import run_trial
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.water import Water

SCORES: Final = "flooding-accuracy"
"""The feed of the scorecard."""

_CALM: Final = timedelta(minutes=55)
_WET_M: Final = 0.03
_LIKELY: Final = 0.05
_SOON_S: Final = 6 * 3600.0
_SCORED: Final = timedelta(days=7)
_FOLLOWING: Final = (0.5,)
_DRIVEN: Final = timedelta(hours=6)


def now() -> datetime:
    """Return the time, aware and in UTC: the one place where the steps read the clock."""
    return datetime.now(UTC)


def due_step() -> dict[str, Any]:
    """Tell whether to assess now: in a storm always, else once an hour. No sites: never. Sites are built if need be."""
    configured = settings()
    ensured_sites(find_city(configured.city, configured.cities_dir))
    _, database, works = _open()
    if not works.sites:
        return {"due": False, "why": "the city has no flood sites"}
    as_of = now()
    newest = FloodForecasts(ObjectStore(configured.objects_url), works.city.name).newest(as_of, not_older_than=_CALM)
    why = storm_signs(database, works, newest, as_of)
    return {"due": newest is None or bool(why), "why": why or "hourly" if newest is None else why}


def storm_signs(database: Database, works: Waterworks, forecast: CityForecast | None, as_of: datetime) -> str:
    """Return why it counts as a storm, "" where it does not: a site not clear, water at a gauge, or rain to come."""
    city = works.city.name
    with database.reading() as connection:
        held = [one.site for one in FloodDecisions(connection, city).latest().values() if one.level is not Level.CLEAR]
        readings = Water(connection, city).readings(since=as_of - timedelta(hours=1), known_at=as_of)
    if held:
        return f"{len(held)} sites are not clear"
    wet = [sensor for sensor, its in readings.items() if any(_is_wet(one.depth_m, one.quality) for one in its)]
    if wet:
        return f"water at {', '.join(sorted(wet)[:3])}"
    if forecast is not None:
        step = int(np.searchsorted(forecast.horizons_s, _SOON_S))
        chance = float(np.nanmax(forecast.within[0, :, step], initial=0.0))
        if chance >= _LIKELY:
            return f"{chance:.0%} chance of {100 * THRESHOLDS_M[0]:.0f} cm somewhere within 6 h"
    return ""


def ingest_step() -> dict[str, Any]:
    """Ask every source once that can be asked; what was heard already does no harm. A silent source harms no other."""
    configured, database, works = _open()
    news, troubles = 0, []

    for source in works.sources.values():

        def taken(payload: bytes, topic: str, source_id: str = source.id) -> None:
            nonlocal news
            news += take(configured, database, source_id, payload, now(), topic=topic).has_news

        try:
            if source.url:
                HttpPoll(source).look(taken)
            elif source.path:
                folder = FolderPoll(source)
                folder.look(taken)
                folder.look(taken)  # what stands still between two looks is whole
        except TrafficFeedError as trouble:
            troubles.append(f"{source.id}: {trouble}")
    return {"news": news, "troubles": troubles}


def forecast_step() -> dict[str, Any]:
    """Make and keep the forecast."""
    configured, database, _ = _open()
    made = forecast_city(configured, database, now())
    counts = {str(method): list(made.method).count(method) for method in sorted(set(made.method))}
    return {"issued_at": made.issued_at.isoformat(), "sites": len(made.sites), "methods": counts}


def decide_step() -> dict[str, Any]:
    """Decide for all sites on the newest forecast and readings; bring orders and feeds to it."""
    configured, database, _ = _open()
    done = decide_and_release(configured, database, now())
    levels = [str(one.level) for one in done.decisions]
    return {
        "levels": {level: levels.count(level) for level in sorted(set(levels))},
        "changed": [f"{one.action} {one.order_id}" for one in done.applied if one.changed],
        "released": done.released is not None,
        "troubles": list(done.troubles),
    }


def simulate_step() -> dict[str, Any]:
    """Drive through water as deep as P90 foretells, with the closures that hold, against nobody following; keep it.

    The orders have certificates of their own, as any closure; this one says what drivers gain by the feed as a whole.
    A verdict on the same question is found, not driven anew.
    """
    configured, database, works = _open()
    as_of, objects = now(), ObjectStore(configured.objects_url)
    forecast = FloodForecasts(objects, works.city.name).newest(as_of, not_older_than=timedelta(hours=1))
    end = as_of + _DRIVEN
    closings = [Closing(edge=edge, start=as_of, end=end) for edge in sorted(closed_edges(database, works.city.name))]
    if forecast is None or not closings:
        return {"driven": False, "why": "no fresh forecast" if forecast is None else "nothing is closed"}
    storm = _foretold_storm(works, forecast)
    shut = {one.edge for one in closings}
    sites = [site.id for site in works.sites if any(road.edge in shut for road in site.roads)]
    question = flood_question(
        city_drive(works.city, folder=configured.state_dir / "runs" / "prepared"),
        storm,
        works.sites,
        closings,
        following=_FOLLOWING,
        subject={"kind": "flood feed", "closed": sites},
    )
    path = _certificate_path(works.city.name, certificate_id(question.inputs))
    data = objects.read(path)
    if data is None:
        with TemporaryDirectory(prefix="flood-trial-") as folder:
            report = run_trial(question, folder=Path(folder), workers=configured.simulation.workers)
        data = to_json(report.certificate(as_of)).encode()
        objects.write(path, data)
    kept = from_json(data)
    objects.write(_certificate_path(works.city.name, "newest"), data)
    reasons = [f"{reason.gate}: {reason.measured} (needed: {reason.threshold})" for reason in kept.reasons]
    return {"driven": True, "certificate": kept.id, "verdict": str(kept.verdict), "reasons": reasons}


def score_step() -> dict[str, Any]:
    """Release the scorecard of the last week's decisions against what the gauges then measured."""
    configured, database, works = _open()
    as_of = now()
    card = week_scored(configured, database, as_of)
    document = Document(data=scorecard_document(card, works.city.name, as_of), media_type="application/json")
    store = ReleaseStore(ObjectStore(configured.objects_url), SCORES)
    released = store.publish_gathered(
        lambda: ({"scorecard.json": document}, {"city": works.city.name, "sites": len(card.sites)}), as_of=as_of
    )
    return {"release": released.manifest.number, "sites": len(card.sites), "clears_above_15cm": card.clears_above}


def refit_step() -> dict[str, Any]:
    """Fit the forecast's parameters on the city's own record; they count from the next forecast."""
    configured, database, _ = _open()
    made = refit(configured, database, now())
    return {"floods": made.floods, "sites": len(made.sites), "nowcast": made.nowcast is not None}


def week_scored(configured: Settings, database: Database, as_of: datetime) -> Scorecard:
    """Score the decisions of the last week; what is not over yet is scored as far as it is known."""
    works = waterworks_of(configured)
    storm = storm_of_record(configured, database, as_of - _SCORED, as_of)
    with database.reading() as connection:
        entries = FloodDecisions(connection, works.city.name).between(as_of - _SCORED, as_of)
    return scored([entry.decision for entry in entries], storm.truth, rule_of(configured))


def scorecard_document(card: Scorecard, city: str, as_of: datetime) -> bytes:
    """Return a scorecard as JSON; figures that do not apply are null."""
    day = as_of.astimezone(UTC).date()
    document = {
        "city": city,
        "from": (day - _SCORED).isoformat(),
        "to": day.isoformat(),
        "closures_per_real": _finite(card.closures_per_real),
        "clears_above_15cm": card.clears_above,
        "median_warning_s": _finite(card.median_warning_s),
        "false_alarm_ratio": _finite(card.false_alarm_ratio),
        "sites": [
            asdict(one) | {"clears_above": [at.isoformat() for at in one.clears_above]}
            for one in card.sites
            if one.real or one.closures or one.warnings
        ],
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _open() -> tuple[Settings, Database, Waterworks]:
    configured = settings()
    return configured, open_database(configured.database_url), waterworks_of(configured)


def _is_wet(depth_m: float, quality: Quality) -> bool:
    return depth_m >= _WET_M and quality in {Quality.GOOD, Quality.UNCHECKED}


def _foretold_storm(works: Waterworks, forecast: CityForecast) -> Storm:
    """Return the water of the next hours as P90 has it: worse than what the feed shows as likely."""
    times = forecast.issued_at.timestamp() + forecast.horizons_s
    truth = {
        site: TrueWater(site=site, times=times, depth_m=np.nan_to_num(row))
        for site, row in zip(forecast.sites, forecast.p90_m, strict=True)
    }
    return Storm(
        name=f"p90-{forecast.issued_at:%Y%m%dT%H%M}",
        title="The water that P90 foretells",
        begins=forecast.issued_at,
        ends=forecast.issued_at + timedelta(hours=6),
        synthetic=works.city.flooding.synthetic,
        note="The water driven through is the forecast's P90.",
        truth=truth,
        readings=(),
    )


def _certificate_path(city: str, name: str) -> str:
    return f"flooding/{city}/trials/{name}.json"


def _finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
