"""What a record carries of its certificate: delay, where the detour goes, queue risk, and who is cut off."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trafficfeed.closures.road_events import CertificateSummary, Diversion, QueueRisk
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.places import PlaceKind
from trafficfeed.simulation.certificate import Certificate, Estimate

_MOST: Final = 5
_MOST_PLACES: Final = 10
_FEW_VEHICLES: Final = 3
_SMALL_SHARE: Final = 0.1
_MOST_URGENT: Final = (PlaceKind.HOSPITAL, PlaceKind.FIRE_STATION, PlaceKind.CAR_PARK, PlaceKind.ADDRESS)
_BY_OSM_ID: Final = re.compile(r"\((node|way|relation)/\d+\)$")  # what a place without a name is called
_NAMELESS: Final = ("unnamed ", "an unnamed ")


def summary_of(certificate: Certificate, *, findings: Iterable[Finding] = (), public_url: str) -> CertificateSummary:
    """Return what a record carries of its certificate.

    Parameters
    ----------
    findings
        Of the order's instant checks; the `isolation` ones say who is cut off.
    public_url
        Root of the API; the summary links to ``/v1/certificates/<id>`` under it.
    """
    delay = certificate.metrics.get("delay_s")
    emergency = certificate.metrics.get("delay_emergency_s")
    cut_off = certificate.metrics.get("cut_off_vehicles")
    return CertificateSummary(
        certificate_id=certificate.id,
        verdict=certificate.verdict.value,
        href=f"{public_url.rstrip('/')}/v1/certificates/{certificate.id}",
        seeds=delay.pairs if delay else 0,
        delay_per_vehicle_s=_rounded(delay.mean) if delay else None,
        delay_low_s=_rounded(delay.low) if delay else None,
        delay_high_s=_rounded(delay.high) if delay else None,
        emergency_delay_s=_rounded(emergency.mean) if emergency else None,
        cut_off=round(cut_off.mean) if cut_off else 0,
        cut_off_places=cut_off_places(findings),
        diverted_to=diversions(certificate.streets),
        queue_risk=_queue_risk(certificate),
        queues_on=_queues_on(certificate),
    )


def diversions(streets: Sequence[Mapping[str, Any]]) -> tuple[Diversion, ...]:
    """Return the streets that take the traffic over, most first; those next to nothing is diverted to are left out.

    Streets without a name only where no named one takes any.
    """
    gains: dict[str, int] = {}
    for row in streets:
        gains[row["street"]] = max(round(row["flow_change"]), gains.get(row["street"], 0))
    least = max(_FEW_VEHICLES, _SMALL_SHARE * max(gains.values(), default=0))
    kept = _named_if_any([street for street, vehicles in gains.items() if vehicles >= least])
    ranked = sorted(kept, key=lambda street: (-gains[street], street))
    return tuple(Diversion(street=street, vehicles=gains[street]) for street in ranked[:_MOST])


def cut_off_places(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return names of what is cut off, the most urgent kinds first.

    Hospitals, fire stations and car parks by their own names; of addresses each while they are few, else their streets
    with the number of them: ``Mill Lane (12)``. Findings of mere notice (visitors and deliveries have to stop outside,
    who lives there may pass) say nobody is cut off.
    """
    by_kind = {f.detail.get("kind"): f.detail for f in findings if _cuts_off(f)}
    names: list[str] = []
    for kind in _MOST_URGENT:
        if kind.value in by_kind:
            names += _names_of(by_kind[kind.value], each=kind is not PlaceKind.ADDRESS)
    return tuple(dict.fromkeys(names))[:_MOST_PLACES]


def _cuts_off(finding: Finding) -> bool:
    return finding.rule.startswith("isolation.") and finding.severity is not Severity.INFO


def _names_of(detail: Mapping[str, Any], *, each: bool) -> list[str]:
    """Return the labels of the places of one finding, or their streets with the number of places in brackets."""
    labels = [label for label in detail.get("labels", ()) if not _BY_OSM_ID.search(label)]
    count = int(detail.get("count", 0))
    if labels and (each or len(labels) == count <= _MOST):
        return labels[:_MOST_PLACES]
    streets = detail.get("by_street", {})
    kept = sorted(_named_if_any(list(streets)), key=lambda street: (-streets[street], street))
    return [f"{street} ({streets[street]})" for street in kept[:_MOST]]


def _queue_risk(certificate: Certificate) -> QueueRisk:
    """Only micro has queues, and only a run that came to its end has figures."""
    more_full = certificate.metrics.get("full_stretches_change")
    if certificate.tier != "micro" or more_full is None:
        return QueueRisk.UNKNOWN
    likely = bool(_queues_on(certificate)) or _certainly_more(more_full)
    return QueueRisk.LIKELY if likely else QueueRisk.NONE


def _queues_on(certificate: Certificate) -> tuple[str, ...]:
    """Return the streets with a queue that reaches the junction before it, as the certificate ranks them."""
    if certificate.tier != "micro":
        return ()
    streets = dict.fromkeys(row["street"] for row in certificate.streets if row.get("spill_back"))
    return tuple(_named_if_any(list(streets))[:_MOST])


def _certainly_more(estimate: Estimate) -> bool:
    return math.isfinite(estimate.low) and estimate.low > 0


def _named_if_any(streets: Sequence[str]) -> list[str]:
    named = [street for street in streets if not street.startswith(_NAMELESS)]
    return named or list(streets)


def _rounded(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None
