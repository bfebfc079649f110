"""The certificate: what was simulated, with which network, version and seeds, and what came out."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from trafficfeed.errors import SourceMalformed

_DIGITS = 6


class Verdict(StrEnum):
    """What a certificate says of its plan."""

    PUBLISH = "publish"
    HOLD = "hold"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seed pairs with its two-sided 95 % interval (Student's t, paired)."""

    mean: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the verdict: one gate, what was measured, the threshold, and whether it was passed."""

    gate: str
    passed: bool
    decided: bool
    measured: str
    threshold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A verdict with everything needed to obtain it again.

    `id` is the hash of all that goes in (`inputs`): the same inputs give the same certificate id and the same results.
    `inputs` holds order id and version, interventions, network hash, demand hash, SUMO version and options, seed rule,
    thresholds; and `failure` where a run did not come to its end, so that a later certificate has another id. `metrics`
    maps a name with its unit (``delay_per_vehicle_s``) to an estimate, of the tier that decided. `accounting` maps
    "base" and "plan" to vehicles by fate, summed over seeds. `streets` lists the streets whose flow or delay changed
    most. `issued` (RFC 3339) is the only field that differs between reruns.

    `tier` decided ("micro" wherever it was driven); `seeds` are those driven by tier; `first_look` holds the
    mesoscopic metrics where micro decided; `notes` are statements for a person (what was not covered, and why).
    """

    id: str
    verdict: Verdict
    reasons: Sequence[Reason]
    inputs: Mapping[str, Any]
    metrics: Mapping[str, Estimate]
    accounting: Mapping[str, Mapping[str, int]]
    streets: Sequence[Mapping[str, Any]]
    issued: str
    tier: str = "meso"
    seeds: Mapping[str, Sequence[int]] = field(default_factory=dict)
    first_look: Mapping[str, Estimate] = field(default_factory=dict)
    notes: Sequence[str] = ()


def verdict_of_reasons(reasons: Sequence[Reason]) -> Verdict:
    """Return publish where every gate is passed, hold where one failed, inconclusive where more seeds would tell."""
    if any(reason.decided and not reason.passed for reason in reasons):
        return Verdict.HOLD
    return Verdict.PUBLISH if all(reason.passed for reason in reasons) else Verdict.INCONCLUSIVE


def issued_text(as_of: datetime) -> str:
    """Return when a certificate is issued (aware), as it is written: RFC 3339 in UTC, to the second."""
    return as_of.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def certificate_id(inputs: Mapping[str, Any]) -> str:
    """Return the id of a certificate with these `inputs`: 20 hex digits of the sha256 of their canonical JSON."""
    canonical = json.dumps(plain(inputs), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:20]


def to_json(certificate: Certificate) -> str:
    """Return the certificate as JSON: keys sorted, floats to six significant digits, ending in a newline."""
    return json.dumps(as_document(certificate), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def as_document(certificate: Certificate) -> dict[str, Any]:
    """Return the certificate as plain JSON values; what `from_document` reads."""
    document: dict[str, Any] = plain(asdict(certificate), digits=_DIGITS)
    return document | {"inputs": plain(certificate.inputs)}


def from_json(text: str | bytes) -> Certificate:
    """Read a certificate written by `to_json`.

    Raises
    ------
    SourceMalformed
        If it is not JSON, or lacks what a certificate has.
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SourceMalformed(f"the certificate is not JSON: {error}") from error
    return from_document(document)


def from_document(document: Mapping[str, Any]) -> Certificate:
    """Make a certificate of plain JSON values.

    Raises
    ------
    SourceMalformed
        If a field is missing, unknown or of the wrong kind.
    """
    try:
        fields = dict(document)
        fields["verdict"] = Verdict(fields["verdict"])
        fields["reasons"] = tuple(Reason(**reason) for reason in fields["reasons"])
        fields["metrics"] = _estimates(fields["metrics"])
        fields["first_look"] = _estimates(fields.get("first_look", {}))
        return Certificate(**fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceMalformed(f"this is not a certificate of trafficfeed: {error!r}") from error


def plain(value: Any, *, digits: int | None = None) -> Any:
    """Return `value` as plain JSON values: infinities as None, enums as text, sets sorted.

    With `digits` floats are rounded to so many significant digits.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, digits=digits) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item, digits=digits) for item in value]
    if isinstance(value, float):
        return _number(value, digits)
    return str(value) if isinstance(value, StrEnum) else value


def _number(value: float, digits: int | None) -> float | None:
    if not math.isfinite(value):
        return None
    return value if digits is None else float(f"{value:.{digits}g}") + 0.0  # no negative zero


def _estimates(document: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    return {
        name: Estimate(
            mean=float(item["mean"]),
            low=-math.inf if item["low"] is None else float(item["low"]),
            high=math.inf if item["high"] is None else float(item["high"]),
            pairs=int(item["pairs"]),
        )
        for name, item in document.items()
    }
