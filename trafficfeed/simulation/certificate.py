"""The certificate: what was simulated, with which network, version and seeds, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    `inputs` holds order id and version, interventions, network hash, demand hash, SUMO version and options, tier,
    seeds, thresholds. `metrics` maps a name with its unit (``delay_per_vehicle_s``) to an estimate. `accounting` maps
    "base" and "plan" to vehicles by fate, summed over seeds. `streets` lists the streets whose flow or delay changed
    most. `issued` (RFC 3339) is the only field that differs between reruns.
    """

    id: str
    verdict: Verdict
    reasons: Sequence[Reason]
    inputs: Mapping[str, Any]
    metrics: Mapping[str, Estimate]
    accounting: Mapping[str, Mapping[str, int]]
    streets: Sequence[Mapping[str, Any]]
    issued: str
