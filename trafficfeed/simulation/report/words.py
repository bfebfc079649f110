"""What a certificate says, in words: its verdict in a sentence, the fates of vehicles, what went in."""

from collections.abc import Mapping
from typing import Any

from trafficfeed.simulation.certificate import Certificate, Estimate, Reason, Verdict
from trafficfeed.simulation.results import Fate

_FATES = {
    Fate.ARRIVED: "arrived",
    Fate.TELEPORTED: "arrived, but moved by the simulator on the way",
    Fate.ENDED_SHORT: "began or ended at the nearest open street (cut off)",
    Fate.UNFINISHED: "still under way at the end",
    Fate.NEVER_DEPARTED: "never got onto the street",
    Fate.DROPPED: "refused: no way to drive",
}
_OPENING = {
    Verdict.PUBLISH: "It can be published.",
    Verdict.HOLD: "It is held back.",
    Verdict.INCONCLUSIVE: "The simulation does not decide it; a person has to.",
}


def title_of(certificate: Certificate) -> str:
    """Return the order's title, in its first language where it has several, else its id."""
    subject = certificate.inputs.get("subject", {})
    title = subject.get("title", "")
    if isinstance(title, Mapping):
        title = title.get("en") or next(iter(title.values()), "")
    return str(title or subject.get("id") or f"Certificate {certificate.id}")


def sentence_of(certificate: Certificate) -> str:
    """Return the verdict in a sentence or two, with the figures that decided it."""
    failed = [reason for reason in certificate.reasons if reason.decided and not reason.passed]
    undecided = [reason for reason in certificate.reasons if not reason.decided]
    said = [_OPENING[certificate.verdict]]
    if certificate.verdict is Verdict.PUBLISH:
        said.append(_effect(certificate.metrics))
    said += [_complaint(reason) for reason in failed]
    if certificate.verdict is Verdict.INCONCLUSIVE:
        said += [f"{reason.gate.capitalize()} could not be settled: {_measured(reason)}." for reason in undecided]
    return " ".join(part for part in said if part)


def stretch_of(street: Mapping[str, Any]) -> str:
    """Return which stretch of a street a row speaks of: ``westbound, Unioninkatu to Fabianinkatu``."""
    ends = " to ".join(name for name in (street["from_street"], street["to_street"]) if name)
    if street["from_street"] and street["from_street"] == street["to_street"]:
        ends = f"at {street['from_street']}"
    elif street["from_street"] and not street["to_street"]:
        ends = f"from {street['from_street']}"
    elif street["to_street"] and not street["from_street"]:
        ends = f"to {street['to_street']}"
    return ", ".join(part for part in (street["compass"], ends) if part)


def fates_of(certificate: Certificate) -> list[dict[str, Any]]:
    """Return the rows of the fates table, the sum last."""
    base, plan = certificate.accounting.get("base", {}), certificate.accounting.get("plan", {})
    rows = [{"label": label, "base": base.get(f.value, 0), "plan": plan.get(f.value, 0)} for f, label in _FATES.items()]
    total = {"label": "all vehicles of the demand", "base": base.get("demand", 0), "plan": plan.get("demand", 0)}
    return [*rows, total]


def inputs_of(certificate: Certificate) -> list[tuple[str, str]]:
    """Return what went into the certificate as (label, text) for a person."""
    inputs = certificate.inputs
    sumo, simulation = inputs.get("sumo", {}), inputs.get("clock", {})
    seeds = "; ".join(f"{tier}: {', '.join(map(str, seeds))}" for tier, seeds in certificate.seeds.items())
    rows = [
        ("Interventions", _interventions(inputs.get("interventions", ()))),
        (
            "Drivers who know beforehand",
            f"{100 * inputs['informed_share']:.0f} %" if "informed_share" in inputs else "",
        ),
        ("Simulated", _clock(simulation)),
        ("Model that decided", {"meso": "mesoscopic", "micro": "microscopic"}.get(certificate.tier, certificate.tier)),
        ("Confirmation", str(inputs.get("confirmation", {}).get("rule", ""))),
        ("Seeds", seeds),
        ("SUMO", str(sumo.get("version", ""))),
        ("Network (sha256)", str(inputs.get("network_sha256", ""))),
        ("Demand (sha256)", ", ".join(str(digest)[:16] for digest in inputs.get("demand_sha256", ()))),
        ("Issued", certificate.issued),
        ("Certificate", certificate.id),
    ]
    return [(label, text) for label, text in rows if text]


def _effect(metrics: Mapping[str, Estimate]) -> str:
    if "delay_s" not in metrics:
        return ""
    parts = [f"A trip takes {_longer(metrics['delay_s'])} on average"]
    if "delay_emergency_s" in metrics:
        parts.append(f"an emergency trip {_longer(metrics['delay_emergency_s'])}")
    return ", ".join(parts) + "."


def _longer(delay: Estimate) -> str:
    if abs(delay.mean) < 0.5:
        return "as long as before"
    return f"{abs(delay.mean):.0f} s {'longer' if delay.mean > 0 else 'less'}"


def _complaint(reason: Reason) -> str:
    limit = reason.threshold.partition(" (")[0]
    return f"{reason.gate.capitalize()}: {reason.measured.partition(' (')[0]}, allowed is {limit}."


def _measured(reason: Reason) -> str:
    return reason.measured.rstrip(".") if reason.gate in ("simulation", "coverage") else reason.measured


def _clock(clock: Mapping[str, Any]) -> str:
    if "begin_s" not in clock or "until_s" not in clock:
        return ""
    return f"{_hms(clock['begin_s'])} to {_hms(clock['until_s'])} on the demand's own clock"


def _hms(seconds: float) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) % 3600 // 60:02d}"


def _interventions(interventions: Any) -> str:
    words = {
        "EdgeClosure": "closed",
        "LaneClosure": "with lanes closed",
        "SpeedChange": "with a speed limit",
        "TurnClosure": "turns banned",
        "FlowMetering": "metered",
    }
    counts: dict[str, int] = {}
    for item in interventions:
        n = len(item.get("edges", item.get("turns", ("",))))
        counts[item.get("kind", "")] = counts.get(item.get("kind", ""), 0) + n
    return "stretches of road: " + ", ".join(f"{n} {words.get(kind, kind)}" for kind, n in counts.items())
