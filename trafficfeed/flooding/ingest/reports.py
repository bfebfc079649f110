"""What people saw: reports of citizens and police as JSON, each laid to the site that it is near."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.json_rows import at, document_of
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, refused
from trafficfeed.flooding.observations import Report, ReportedDepth
from trafficfeed.flooding.sites import Site

REACH_M: Final = 150.0
"""How far from a site a report still speaks of it."""
_AHEAD: Final = timedelta(seconds=120)
_OLDEST: Final = timedelta(days=7)
_METRES_PER_DEGREE: Final = 111_195.0


class WrittenReport(BaseModel):
    """A report as it is sent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")]
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    observed_at: AwareDatetime
    depth: ReportedDepth
    text: Annotated[str, Field(max_length=2000), AfterValidator(lambda text: text.replace("\x00", ""))] = ""


def read_reports(payload: Payload, *, by_police: bool = False) -> Parsed:
    """Return the reports of a document: a list (at the source's `items`), or one object.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or has no list where the source says.
    """
    document = document_of(payload)
    items = at(document, payload.source.items) if payload.source.items else document
    if document is None:
        return Parsed()
    if not isinstance(items, dict | list):
        raise payload.malformed("has no list of reports", "set items to where the list is")
    reports: list[Report] = []
    findings: list[Finding] = []
    for number, item in enumerate(items if isinstance(items, list) else [items]):
        made = _report(payload, item, f"[{number}]", by_police)
        if isinstance(made, Report):
            reports.append(made)
        else:
            findings.append(made)
    return Parsed(reports=reports, findings=findings)


def _report(payload: Payload, item: Any, where: str, by_police: bool) -> Report | Finding:
    try:
        written = WrittenReport.model_validate(item)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'report'}: {one['msg']}" for one in error.errors()[:3])
        return refused("report.unread", where, faults, "send id, lon, lat, observed_at with offset, and depth")
    fault = _time_fault(written.observed_at, payload.received_at)
    if fault:
        return refused("report.time", where, f"report {written.id}: {fault}")
    return Report(
        id=f"{payload.source.id}/{written.id}",
        lon=written.lon,
        lat=written.lat,
        observed_at=written.observed_at,
        received_at=payload.received_at,
        depth=written.depth,
        by_police=by_police,
        text=written.text,
        site=nearest_site(payload.sites, written.lon, written.lat),
        source=payload.source.id,
        raw=payload.raw,
    )


def _time_fault(observed_at: datetime, received_at: datetime) -> str:
    if observed_at > received_at + _AHEAD:
        return f"{observed_at.isoformat()} is in the future"
    return f"{observed_at.isoformat()} is long past" if observed_at < received_at - _OLDEST else ""


def nearest_site(sites: Sequence[Site], lon: float, lat: float, *, reach_m: float = REACH_M) -> str:
    """Return the id of the site nearest to a place (EPSG:4326) within reach; "" where there is none."""
    per_lon = _METRES_PER_DEGREE * math.cos(math.radians(lat))
    apart = [
        (math.hypot(((site.lon - lon + 180) % 360 - 180) * per_lon, (site.lat - lat) * _METRES_PER_DEGREE), site.id)
        for site in sites
    ]
    nearest = min(apart, default=(math.inf, ""))
    return nearest[1] if nearest[0] <= reach_m else ""
