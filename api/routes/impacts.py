"""What a record does to traffic, by its id and version: for readers of formats that have no place for it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.deps import Services, ServicesDep
from api.feeds import FEED
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.formats.impact import FILE_NAME
from trafficfeed.publishing.documents import Manifest
from trafficfeed.publishing.releases import ReleaseStore

router = APIRouter(prefix="/v1/impacts", tags=["feeds"])

RecordId = Annotated[str, Path(min_length=1, max_length=300, examples=["works-7.closure.high-street-eastbound.p1"])]
_UNKNOWN: Responses = {404: {"model": ProblemOut, "description": "No such record, or it never had this version"}}
_EXAMPLE = {
    "id": "works-7.closure.high-street-eastbound.p1",
    "version": 2,
    "order": "works-7",
    "validation": "passed",
    "cancelled": False,
    "certificate": {"certificate_id": "0f3a9c21d4e85b7706aa", "verdict": "publish", "delay_per_vehicle_s": 3.2},
    "text": {"en": "Delay 3.2 s per vehicle (1.1 s to 5.3 s)."},
    "ids": {"native": ["works-7.closure.high-street-eastbound.p1"]},
}
_MOST_LOOKED_AT = 2000


@router.get(
    "/{record_id}",
    summary="The impact of a record",
    responses={200: {"content": {"application/json": {"example": _EXAMPLE}}}, **_UNKNOWN},
)
def impact(
    record_id: RecordId,
    services: ServicesDep,
    response: Response,
    version: Annotated[int | None, Query(ge=1, description="of the order; default: what is served now")] = None,
) -> dict[str, Any]:
    """Return the certificate's summary, the same in words, and the record's ids in the other formats.

    Without `version` of what is served now; with it of the last release in which the record had that version.
    """
    response.headers["Cache-Control"] = "public, max-age=15"
    response.headers["Access-Control-Allow-Origin"] = "*"
    found = _now(services, record_id)
    if found is None or version not in (None, found["version"]):
        found = None if version is None else _then(services, record_id, version)
    if found is None:
        what = f"version {version} of record {record_id}" if version else f"record {record_id} in the current release"
        raise Problem(404, "unknown-record", f"There is no {what}.")
    return found


def _now(services: Services, record_id: str) -> dict[str, Any] | None:
    release = services.feeds.board.release
    document = release.documents.get(FILE_NAME) if release else None
    return None if document is None else _record(document.data, record_id)


def _then(services: Services, record_id: str, version: int) -> dict[str, Any] | None:
    """Look through the releases, newest first, and read only those that had this version of the record's order."""
    store = ReleaseStore(services.objects, FEED)
    before: int | None = None
    looked_at = 0
    while looked_at < _MOST_LOOKED_AT and (page := store.manifests(before=before)):
        for manifest in page:
            if _may_hold(manifest, record_id, version):
                found = _record(store.document(manifest, FILE_NAME).data, record_id)
                if found is not None and found["version"] == version:
                    return found
        before, looked_at = page[-1].number, looked_at + len(page)
    return None


def _may_hold(manifest: Manifest, record_id: str, version: int) -> bool:
    orders = manifest.facts.get("orders", {})
    return FILE_NAME in manifest.documents and any(
        record_id.startswith(f"{order}.") and facts.get("version") == version for order, facts in orders.items()
    )


def _record(document: bytes, record_id: str) -> dict[str, Any] | None:
    impacts: list[dict[str, Any]] = json.loads(document)["impacts"]
    return next((one for one in impacts if one["id"] == record_id), None)
