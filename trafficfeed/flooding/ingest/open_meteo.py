"""Rain forecasts of Open-Meteo: deterministic, several models, or an ensemble with its members.

A value is the rain of the hour (or quarter) *before* its time. Times are wall time at the one offset that the answer
states, through a clock change too.

Source: open-meteo.com/en/docs and /en/docs/ensemble-api: "Total precipitation … sum of the preceding hour",
`utc_offset_seconds`, `timeformat`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.json_rows import document_of
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, refused
from trafficfeed.flooding.ingest.rain_steps import Steps, forecast_of, issue_time, missing_members
from trafficfeed.flooding.ingest.units import UnitFault, rain_mm_of
from trafficfeed.flooding.observations import RainForecast

Floats = npt.NDArray[np.float64]

_SECTIONS: Final = ("minutely_15", "hourly")
_SERIES: Final = re.compile(r"^(?:precipitation|rain)(?:_member(\d+))?(?:_([A-Za-z0-9_.-]{1,60}))?$")
_LEAST: Final = 2  # times from which a step can be told


def read_open_meteo(payload: Payload) -> Parsed:
    """Return the forecasts of an answer for one place or several, one for each model.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or holds no hourly precipitation.
    """
    document = document_of(payload)
    if document is None:
        return Parsed()
    places = document if isinstance(document, list) else [document]
    forecasts: list[RainForecast] = []
    findings: list[Finding] = []
    for number, place in enumerate(places):
        if not isinstance(place, dict):
            raise payload.malformed("is no answer of Open-Meteo", "ask for hourly=precipitation")
        if place.get("error"):
            raise payload.malformed(f"is a refusal: {place.get('reason')}", "correct the url of the source")
        for one in _place(payload, place, f"[{number}]"):
            if isinstance(one, RainForecast):
                forecasts.append(one)
            else:
                findings += one
    return Parsed(forecasts=forecasts, findings=findings)


def _place(payload: Payload, place: Mapping[str, Any], where: str) -> Iterator[RainForecast | list[Finding]]:
    section = next((name for name in _SECTIONS if _models(place.get(name))), None)
    if section is None:
        raise payload.malformed("holds no hourly precipitation", "ask for hourly=precipitation")
    values, units = place[section], place.get(f"{section}_units")
    units = units if isinstance(units, dict) else {}
    try:
        ends = _times(values.get("time"), place)
        lon, lat = float(place["longitude"]), float(place["latitude"])
    except (KeyError, TypeError, ValueError) as error:
        yield [refused("forecast.times", where, str(error), "ask for timezone=GMT")]
        return
    step_s = ends[1] - ends[0]
    if np.any(np.diff(ends) != step_s):
        yield [refused("forecast.times", where, "its times are not evenly spaced", "ask for timezone=GMT")]
        return
    for model, members in _models(values).items():
        source = payload.source.id + (f":{model}" if model else "")
        yield missing_members(sorted(members), payload.source.members, f"{where} {source}")
        try:
            names = [members[number] for number in sorted(members)]
            rain_mm = np.stack([_series(values[name], str(units.get(name, "")), len(ends)) for name in names])
        except UnitFault as error:
            yield [refused("forecast.values", f"{where} {source}", str(error))]
            continue
        gone = np.asarray(np.isnan(rain_mm).all(axis=1))
        if gone.any():
            empty = [number for number, is_empty in zip(sorted(members), gone, strict=True) if is_empty]
            message = f"members without a value: {', '.join(f'{number:02d}' for number in empty)}"
            yield [refused("forecast.members", f"{where} {source}", message, "the others are used", missing=empty)]
        if gone.all():
            continue
        steps = Steps(begin=float(ends[0] - step_s), ends=ends, rain_mm=rain_mm[~gone])
        issued_at = issue_time(None, payload.received_at, None)
        found, doubts = forecast_of(steps, source=source, issued_at=issued_at, lon=lon, lat=lat)
        yield doubts
        if found is not None:
            yield found


def _models(values: Any) -> dict[str, dict[int, str]]:
    """Return the series of each model by member; the control, or the only one, is 0. Precipitation before rain."""
    if not isinstance(values, dict):
        return {}
    for kind in ("precipitation", "rain"):
        found: dict[str, dict[int, str]] = {}
        for name in values:
            match = _SERIES.match(name)
            if match and name.startswith(kind) and not (match.group(2) or "").startswith(("probability", "hours")):
                found.setdefault(match.group(2) or "", {})[int(match.group(1) or 0)] = name
        if found:
            return found
    return {}


def _series(values: Any, unit: str, count: int) -> Floats:
    if not isinstance(values, list) or len(values) != count:
        raise UnitFault(f"a series does not have the {count} values that it has times")
    factor, rate = rain_mm_of(unit or "unknown")
    if rate:
        raise UnitFault(f"{unit!r} is a rate, not the rain of a step")
    try:
        return np.array(values, dtype=np.float64) * factor  # None becomes NaN
    except (TypeError, ValueError) as error:
        raise UnitFault(f"a series holds what is no number: {error}") from error


def _times(written: Any, place: Mapping[str, Any]) -> Floats:
    if not isinstance(written, list) or len(written) < _LEAST:
        raise ValueError("it has fewer than two times")
    if all(isinstance(one, int) and not isinstance(one, bool) for one in written):
        return np.array(written, dtype=np.float64)  # unixtime is of UTC, whatever the offset
    offset = place.get("utc_offset_seconds")
    if not isinstance(offset, int):
        raise ValueError("its times are wall time, and utc_offset_seconds is not there")
    naive = [datetime.fromisoformat(one) for one in written]
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - of the same naive wall
    return np.array([(one - epoch).total_seconds() - offset for one in naive])
