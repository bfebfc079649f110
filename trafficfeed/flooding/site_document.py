"""Sites on disk: one JSON document, sorted and rounded, so that the same sites give the same bytes."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.flooding.sites import PastFlood, Site, SiteRoad, SiteSource, StageVolume

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SitesNote:
    """What the sites were made from.

    `terrain_label` must be shown wherever the sites or their water are, "" for nothing; `terrain` names the model;
    `network_hash` is of the network that the edges belong to, `inputs_hash` of everything that went in.
    """

    city: str = ""
    network_hash: str = ""
    inputs_hash: str = ""
    terrain: str = ""
    terrain_label: str = ""
    synthetic: bool = False


def write_sites(sites: Iterable[Site], path: Path, note: SitesNote | None = None) -> None:
    """Write `sites` to `path` whole or not at all; what is there stays until then."""
    about = note or SitesNote()
    document = {
        "format": FORMAT,
        "city": about.city,
        "network_hash": about.network_hash,
        "inputs_hash": about.inputs_hash,
        "terrain": {"source": about.terrain, "label": about.terrain_label, "synthetic": about.synthetic},
        "sites": [site_document(site) for site in sorted(sites, key=lambda site: site.id)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    draft.replace(path)


def read_sites(path: Path, *, network_hash: str | None = None) -> tuple[Site, ...]:
    """Read the sites at `path`, by id.

    Parameters
    ----------
    path
        A city's ``flooding/sites.json``.
    network_hash
        Of the road graph that the edges have to belong to; None: any.

    Raises
    ------
    SourceUnavailable
        If they have not been built.
    SourceMalformed
        If the file is damaged.
    ScenarioInvalid
        If they were built for another network, or by another version.
    """
    document = _document(path)
    if network_hash is not None and document.get("network_hash") not in ("", network_hash):
        raise ScenarioInvalid(f"{path} was built for another network: run `trafficfeed flooding places` again")
    try:
        return tuple(site_of(entry) for entry in document["sites"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceMalformed(f"{path} is damaged ({error!r}): run `trafficfeed flooding places` again") from error


def read_note(path: Path) -> SitesNote:
    """Read what the sites at `path` were made from; raises as `read_sites`."""
    document = _document(path)
    try:
        terrain: Mapping[str, Any] = document["terrain"]
        return SitesNote(
            city=document["city"],
            network_hash=document["network_hash"],
            inputs_hash=document["inputs_hash"],
            terrain=terrain["source"],
            terrain_label=terrain["label"],
            synthetic=terrain["synthetic"],
        )
    except (KeyError, TypeError) as error:
        raise SourceMalformed(f"{path} is damaged ({error!r}): run `trafficfeed flooding places` again") from error


def site_document(site: Site) -> dict[str, Any]:
    """Return a site as JSON-able values: positions to 6 decimals, metres and curves to 4, areas and volumes to 3."""
    return {
        "id": site.id,
        "name": site.name,
        "lon": round(site.lon, 6),
        "lat": round(site.lat, 6),
        "source": site.source.value,
        "elevation_m": _rounded(site.elevation_m, 3),
        "bowl": None if site.bowl is None else _bowl_document(site.bowl),
        "catchment_m2": _rounded(site.catchment_m2, 1),
        "drain_m3ps": _rounded(site.drain_m3ps, 6),
        "outfall_level_m": _rounded(site.outfall_level_m, 3),
        "tidal": site.tidal,
        "roads": [_road_document(road) for road in sorted(site.roads, key=lambda road: (road.edge, road.from_m))],
        "history": [
            {"started_at": _text(past.started_at), "ended_at": _text(past.ended_at), "max_depth_m": past.max_depth_m}
            for past in sorted(site.history, key=lambda past: past.started_at)
        ],
        "sensors": sorted(site.sensors),
    }


def site_of(document: Mapping[str, Any]) -> Site:
    """Return the site that `site_document` wrote; KeyError, TypeError or ValueError where it is none."""
    bowl = document["bowl"]
    return Site(
        id=document["id"],
        name=document["name"],
        lon=document["lon"],
        lat=document["lat"],
        source=SiteSource(document["source"]),
        elevation_m=document["elevation_m"],
        bowl=None if bowl is None else StageVolume(depth_m=tuple(bowl["depth_m"]), volume_m3=tuple(bowl["volume_m3"])),
        catchment_m2=document["catchment_m2"],
        drain_m3ps=document["drain_m3ps"],
        outfall_level_m=document["outfall_level_m"],
        tidal=document["tidal"],
        roads=tuple(SiteRoad(**road) for road in document["roads"]),
        history=tuple(
            PastFlood(
                started_at=datetime.fromisoformat(past["started_at"]),
                ended_at=datetime.fromisoformat(past["ended_at"]),
                max_depth_m=past["max_depth_m"],
            )
            for past in document["history"]
        ),
        sensors=tuple(document["sensors"]),
    )


def _document(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: build it with `trafficfeed flooding places`")
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SourceMalformed(f"{path} is damaged ({error}): run `trafficfeed flooding places` again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ScenarioInvalid(f"{path} was built by another version: run `trafficfeed flooding places` again")
    return document


def _bowl_document(bowl: StageVolume) -> dict[str, Sequence[float]]:
    return {
        "depth_m": [round(float(depth), 4) for depth in bowl.depth_m],
        "volume_m3": [round(float(volume), 3) for volume in bowl.volume_m3],
    }


def _road_document(road: SiteRoad) -> dict[str, Any]:
    return {
        "edge": road.edge,
        "sill_m": round(road.sill_m, 3),
        "from_m": _rounded(road.from_m, 1),
        "to_m": _rounded(road.to_m, 1),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits) + 0.0  # no -0.0


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
