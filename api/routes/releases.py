"""The releases: what was published when, what differs between two, and an officer's way back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.deps import Actor, Now, Services, ServicesDep, actor
from api.problems import Problem
from api.publication import publish
from api.release_schemas import DiffOut, ReleaseList, ReleaseOut, ReleaseWhole, Resumption, Rollback
from api.routes.orders import REFUSALS
from api.schemas import ProblemOut, Responses
from trafficfeed.errors import PublishFailed
from trafficfeed.formats.native import FILE_NAME
from trafficfeed.pipeline.rollback import roll_back
from trafficfeed.publishing import rollback
from trafficfeed.publishing.differences import Differences, differences
from trafficfeed.publishing.documents import Manifest

router = APIRouter(prefix="/v1/releases", tags=["releases"])

Version = Annotated[str, Path(min_length=1, max_length=64, description="a version or a number", examples=["412"])]
_UNKNOWN: Responses = {404: {"model": ProblemOut, "description": "There is no such release"}}
_CONFLICT: Responses = {409: {"model": ProblemOut, "description": "It cannot be done as things stand"}}


@router.get("", summary="The releases, newest first")
def releases(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, description="only releases of lower numbers")] = None,
) -> ReleaseList:
    """List the releases page by page."""
    found = services.releases.manifests(before=before, limit=limit)
    more = bool(found) and found[-1].number > 1
    return ReleaseList(
        releases=[ReleaseOut.of(manifest) for manifest in found],
        next=f"/v1/releases?limit={limit}&before={found[-1].number}" if more else None,
    )


@router.get("/{version}", summary="One release", responses=_UNKNOWN)
def release(version: Version, services: ServicesDep) -> ReleaseWhole:
    """Return a release's documents by their hashes, and the orders with the certificates that they rest on."""
    return ReleaseWhole.of(found(services, version))


@router.get("/{before}/diff/{after}", summary="What differs between two releases", responses=_UNKNOWN)
def diff(before: Version, after: Version, services: ServicesDep) -> DiffOut:
    """Return the records added, removed and changed from one release to another, and the fields that differ."""
    old, new = found(services, before), found(services, after)
    return DiffOut.of(old, new, compared(services, old, new))


@router.post(
    "/{version}/rollback",
    summary="Serve an older release again",
    dependencies=[Depends(actor)],
    responses={**REFUSALS, **_UNKNOWN},
)
def rolled_back(version: Version, body: Rollback, services: ServicesDep, officer: Actor, now: Now) -> ReleaseOut:
    """Serve the content of an older release again, as a new release that says why.

    Nothing else is published until the rollback is taken back by ``POST /v1/releases/resume``, emergencies neither.
    """
    target = found(services, version)
    held = roll_back(services.settings, target.version, actor=officer, reason=body.reason, as_of=now)
    services.feeds.refresh()
    return ReleaseOut.of(held.manifest)


@router.post(
    "/resume",
    summary="Take a rollback back",
    dependencies=[Depends(actor)],
    responses={**REFUSALS, **_CONFLICT},
)
def resume(services: ServicesDep, officer: Actor, now: Now, body: Resumption | None = None) -> ReleaseOut:
    """Let the feed go on: what the orders say now is released at once."""
    try:
        resumed = rollback.resume(services.releases, by=officer, reason=body.reason if body else "", as_of=now)
    except PublishFailed as error:
        raise Problem(409, "not-rolled-back", str(error)) from error
    publish(services, now)
    served = services.feeds.board.release or resumed
    return ReleaseOut.of(served.manifest)


def found(services: Services, version: str) -> Manifest:
    """Return the release of a version or number.

    Raises
    ------
    Problem
        404 where there is none.
    """
    manifest = services.releases.find(version)
    if manifest is None:
        raise Problem(404, "unknown-release", f"There is no release {version}.")
    return manifest


def compared(services: Services, old: Manifest, new: Manifest) -> Differences:
    """Return what differs between the native documents of two releases."""
    documents = [services.releases.document(manifest, FILE_NAME).data for manifest in (old, new)]
    return differences(documents[0], documents[1])
