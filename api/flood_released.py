"""The released flood map as pages and tiles read it: what is shown is what is served."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.datums import convert

Floats = npt.NDArray[np.float64]

FRESH: Final = timedelta(minutes=20)
"""So long a reading tells what stands on the road now."""
_M_PER_DEGREE: Final = 111_195.0


@dataclass(frozen=True, kw_only=True)
class Depths:
    """A forecast at one place: ``(n_times,)`` quantiles of the depth, m; NaN: nothing can be said."""

    p10_m: Floats
    p50_m: Floats
    p90_m: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The newest good reading."""

    depth_m: float
    at: datetime
    sensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What holds, as released."""

    level: str
    basis: str
    since: datetime
    expected_end: datetime | None
    closed_to: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A road that a site's water reaches; `line` all of it and `wet` where the water stands, ``(n, 2)`` WGS-84."""

    id: str
    site: str
    street: str
    sill_m: float
    line: Floats
    wet: Floats
    observed: Observed | None
    depths: Depths | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A site; `to_flood_s` and `to_clear_s` are P10, P50, P90 from the issue on, s: inf beyond the horizon."""

    id: str
    name: str
    lonlat: tuple[float, float]
    tidal: bool | None
    observed: Observed | None
    decided: Decided | None
    order: str
    validation: str
    certificate: str
    depths: Depths | None
    method: str
    confidence: float | None
    to_flood_s: Sequence[float] | None
    to_clear_s: Sequence[float] | None


@dataclass(frozen=True, kw_only=True)
class FloodPicture:
    """A release of the flood map.

    `horizons_s` are from `issued_at`; none of either: there is no forecast. `derived` keeps what is made of it.
    """

    version: str
    issued_at: datetime | None
    horizons_s: Floats
    newest_input: datetime | None
    note: str
    limits_m: Mapping[str, float]
    segments: Sequence[Segment]
    places: Sequence[Place]
    derived: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def times(self, now: datetime) -> list[datetime]:
        """Return `now`, and the times of the forecast that lie ahead of it."""
        issued = self.issued_at
        if issued is None:
            return [now]
        return [now, *(at for at in (issued + timedelta(seconds=s) for s in self.horizons_s.tolist()) if at > now)]

    def series(self, of: Segment | Place, now: datetime, *, worst: bool = False) -> Floats:
        """Return the depth at `times(now)`, m: now as it is measured, then P50, or P90 where the `worst` is asked for.

        A reading that is not fresh tells nothing of now; NaN where nothing can be said.
        """
        passed = np.inf if self.issued_at is None else (now - self.issued_at).total_seconds()
        ahead = int((self.horizons_s > passed).sum())
        found = np.full(ahead + 1, np.nan)
        found[0] = self.depth_now(of, now, worst=worst)
        if of.depths is not None:
            told = of.depths.p90_m if worst else of.depths.p50_m
            found[1:] = told[len(told) - ahead :]
        return found

    def depth_now(self, of: Segment | Place, now: datetime, *, worst: bool = False) -> float:
        """Return the first of `series`."""
        if of.observed is not None and now - of.observed.at <= FRESH:
            return of.observed.depth_m
        return self.depth_at(of, now, worst=worst)

    def depth_at(self, of: Segment | Place, instant: datetime, *, worst: bool = False) -> float:
        """Return the depth that is forecast for an instant, m; NaN outside the forecast."""
        if of.depths is None or self.issued_at is None:
            return float("nan")
        told = of.depths.p90_m if worst else of.depths.p50_m
        second = (instant - self.issued_at).total_seconds()
        return float(np.interp(second, self.horizons_s, told, left=np.nan, right=np.nan))


def picture_of(segments: bytes, sites: bytes, version: str) -> FloodPicture:
    """Read the two documents of a release, `trafficfeed.formats.flood_map`.

    Raises
    ------
    SourceMalformed
        If they are something else.
    """
    try:
        roads, places = json.loads(segments), json.loads(sites)
        head = places["feed"]
        horizons = np.array(head.get("horizons_s", ()), dtype=np.float64)
        return FloodPicture(
            version=version,
            issued_at=_instant(head.get("issued_at")),
            horizons_s=horizons,
            newest_input=_instant(head.get("newest_input")),
            note=head.get("note", ""),
            limits_m=head["standing_water_m"],
            segments=tuple(_segment(one, head["datum"], len(horizons)) for one in roads["features"]),
            places=tuple(_place(one, head["datum"], len(horizons)) for one in places["features"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(f"the released flood map cannot be read: {error!r}; release it anew") from error


def _segment(feature: Mapping[str, Any], datum: str, n_times: int) -> Segment:
    facts = feature["properties"]
    line = _wgs84(feature["geometry"]["coordinates"], datum)
    return Segment(
        id=feature["id"],
        site=facts["site"],
        street=facts.get("street", ""),
        sill_m=facts["sill_m"],
        line=line,
        wet=_stretch(line, facts["from_m"], facts["to_m"]),
        observed=_observed(facts.get("observed")),
        depths=_depths(facts.get("forecast"), n_times),
    )


def _place(feature: Mapping[str, Any], datum: str, n_times: int) -> Place:
    facts = feature["properties"]
    forecast = facts.get("forecast") or {}
    lon, lat = _wgs84([feature["geometry"]["coordinates"]], datum)[0]
    return Place(
        id=feature["id"],
        name=facts["name"] or feature["id"],
        lonlat=(float(lon), float(lat)),
        tidal=facts.get("tidal"),
        observed=_observed(facts.get("observed")),
        decided=_decided(facts.get("decision")),
        order=facts.get("order", ""),
        validation=facts.get("validation", ""),
        certificate=facts.get("certificate", ""),
        depths=_depths(facts.get("forecast"), n_times),
        method=forecast.get("method", ""),
        confidence=forecast.get("confidence"),
        to_flood_s=_seconds(forecast.get("to_flood_s")),
        to_clear_s=_seconds(forecast.get("to_clear_s")),
    )


def _observed(facts: Mapping[str, Any] | None) -> Observed | None:
    if facts is None:
        return None
    return Observed(depth_m=facts["depth_m"], at=datetime.fromisoformat(facts["at"]), sensor=facts["sensor"])


def _decided(facts: Mapping[str, Any] | None) -> Decided | None:
    if facts is None:
        return None
    return Decided(
        level=facts["level"],
        basis=facts["basis"],
        since=datetime.fromisoformat(facts["since"]),
        expected_end=_instant(facts.get("expected_end")),
        closed_to=tuple(facts.get("closed_to", ())),
    )


def _depths(facts: Mapping[str, Any] | None, n_times: int) -> Depths | None:
    if facts is None:
        return None
    if facts.get("dry"):
        dry = np.zeros(n_times)
        return Depths(p10_m=dry, p50_m=dry, p90_m=dry)
    low, middle, high = (np.array(facts[name], dtype=np.float64) for name in ("p10_m", "p50_m", "p90_m"))
    return Depths(p10_m=low, p50_m=middle, p90_m=high)


def _seconds(told: Sequence[float | None] | None) -> Sequence[float] | None:
    return None if told is None else [np.inf if one is None else float(one) for one in told]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _wgs84(points: Sequence[Sequence[float]], datum: str) -> Floats:
    return np.asarray(convert(np.array(points, dtype=np.float64), source=datum, target="wgs84"), dtype=np.float64)


def _stretch(line: Floats, from_m: float, to_m: float) -> Floats:
    """Return the part of a line between two distances along it; all of it where they leave nothing."""
    scale = np.array([np.cos(np.radians(line[0, 1])), 1.0]) * _M_PER_DEGREE
    shape = shapely.LineString(line * scale)
    if not from_m < min(to_m, shape.length):
        return line
    cut = shapely.ops.substring(shape, from_m, min(to_m, shape.length))
    return shapely.get_coordinates(cut) / scale
