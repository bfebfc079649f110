"""Certificates: what was simulated and what came out, with the report that a person looks at."""

import mimetypes
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api import examples
from api.deps import Services, ServicesDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.simulation.certificate import as_document
from trafficfeed.store.certificates import Certificates, StoredCertificate

router = APIRouter(prefix="/v1/certificates", tags=["certificates"])

CertificateId = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["0f3a9c21d4e85b7706aa"])
]
_UNKNOWN: Responses = {404: {"model": ProblemOut, "description": "No such certificate, or no such file in its report"}}
_FOREVER = "public, max-age=86400, immutable"
_REPORT_HEADERS = {
    "Cache-Control": _FOREVER,
    # the report is self-contained: its style and pictures stand in the page
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}


@router.get(
    "/{certificate_id}",
    summary="A certificate",
    responses={200: {"content": {"application/json": {"example": examples.CERTIFICATE}}}, **_UNKNOWN},
)
def certificate(certificate_id: CertificateId, services: ServicesDep, response: Response) -> dict[str, Any]:
    """Return the whole certificate: inputs, seeds, thresholds, accounting, results; rerun it with `trafficfeed`."""
    stored = _stored(services, certificate_id)
    response.headers["Cache-Control"] = _FOREVER
    links = {"order": f"/closures/{stored.order_id}", "report": f"/v1/certificates/{certificate_id}/report"}
    return {**as_document(stored.certificate), "links": links}


@router.get(
    "/{certificate_id}/report",
    summary="The report of a certificate",
    response_class=Response,
    responses={200: {"description": "A page for people", "content": {"text/html": {}}}, **_UNKNOWN},
)
def report(certificate_id: CertificateId, services: ServicesDep) -> Response:
    """Return the report: maps of the change of flow and delay by street, plots, tables."""
    stored = _stored(services, certificate_id)
    return _file(services, stored, _page_of(stored).name)


@router.get(
    "/{certificate_id}/report/{name}",
    summary="A picture of a report",
    response_class=Response,
    responses={200: {"description": "The file", "content": {"image/png": {}, "image/svg+xml": {}}}, **_UNKNOWN},
)
def asset(
    certificate_id: CertificateId, name: Annotated[str, Path(examples=["flow.png"])], services: ServicesDep
) -> Response:
    """Return one of the files beside the report: `flow.png`, `delay.png`, `pairs.svg` and so on."""
    return _file(services, _stored(services, certificate_id), name)


def _stored(services: Services, certificate_id: str) -> StoredCertificate:
    with services.database.reading() as connection:
        stored = Certificates(connection).get(certificate_id)
    if stored is None:
        raise Problem(404, "unknown-certificate", f"There is no certificate {certificate_id}.")
    return stored


def _page_of(stored: StoredCertificate) -> PurePosixPath:
    path = PurePosixPath(stored.report)
    return path if path.suffix == ".html" else path / "report.html"


def _file(services: Services, stored: StoredCertificate, name: str) -> Response:
    """Return a file of the report's own folder, named exactly as the store lists it."""
    folder = _page_of(stored).parent
    path = str(folder / name)
    data = None
    if "/" not in name and path in services.objects.list(str(folder)):
        data = services.objects.read(path)
    if data is None:
        raise Problem(404, "unknown-file", f"The report of certificate {stored.certificate.id} has no file {name!r}.")
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=media_type, headers=_REPORT_HEADERS)
