"""The report's one page: HTML that needs nothing else, with the pictures written beside it as well."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.simulation.certificate import Certificate, Reason, as_document, to_json
from trafficfeed.simulation.evidence import Evidence
from trafficfeed.simulation.report.map import Extent, change_map
from trafficfeed.simulation.report.plots import distribution_plot, pairs_plot
from trafficfeed.simulation.report.words import fates_of, inputs_of, sentence_of, stretch_of, title_of

_LEAST_VEHICLES = 1.0
_LEAST_DELAY_H = 0.02
_MEDIA = {".png": "image/png", ".svg": "image/svg+xml"}
_TABLE_ROWS = 15


def write_report(certificate: Certificate, evidence: Evidence | None, graph: RoadGraph, out: Path) -> Path:
    """Write the report of a certificate into the folder `out` and return the page's path.

    Writes ``report.html`` (self-contained, no JavaScript), ``certificate.json`` and the pictures that the page holds:
    ``flow.png``, ``delay.png``, ``pairs.svg``, ``distribution.svg``. The same certificate gives the same bytes.

    Parameters
    ----------
    evidence
        What `evaluate` saved beside the runs; None where nothing was driven, then the page has no pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = _pictures(certificate, evidence, graph) if evidence is not None else {}
    for name, content in pictures.items():
        (out / name).write_bytes(content)
    (out / "certificate.json").write_text(to_json(certificate), "utf-8")
    page = out / "report.html"
    page.write_text(_page(certificate, pictures), "utf-8")
    return page


def _pictures(certificate: Certificate, evidence: Evidence, graph: RoadGraph) -> dict[str, bytes]:
    left_hand = bool(certificate.inputs.get("city", {}).get("left_hand", False))
    changes = (
        ("flow.png", evidence.flow_plan - evidence.flow_base, "vehicles, plan − base", _LEAST_VEHICLES),
        ("delay.png", evidence.delay_plan_h - evidence.delay_base_h, "vehicle-hours lost", _LEAST_DELAY_H),
    )
    extent = Extent.around(graph, evidence.closed, [change for _, change, _, _ in changes])
    pictures = {
        name: change_map(
            graph,
            change,
            extent=extent,
            closed=evidence.closed,
            streets=certificate.streets,
            unit=unit,
            least=least,
            left_hand=left_hand,
        )
        for name, change, unit, least in changes
    }
    pictures["pairs.svg"] = pairs_plot(evidence.pairs, _limits(certificate), certificate.metrics)
    pictures["distribution.svg"] = distribution_plot(evidence.delay_counts)
    return {name: content for name, content in pictures.items() if content}


def _limits(certificate: Certificate) -> list[tuple[str, str, float]]:
    limits = certificate.inputs["thresholds"]
    base_emergency = certificate.metrics.get("base_trip_emergency_s")
    emergency = max(
        limits["max_emergency_delay_s"],
        limits["max_emergency_delay_share"] * (base_emergency.mean if base_emergency else 0.0),
    )
    return [
        ("all", "delay_s", limits["max_delay_per_vehicle_s"]),
        ("emergency", "delay_emergency_s", emergency),
        ("bus", "delay_bus_s", limits["max_bus_delay_s"]),
    ]


def _page(certificate: Certificate, pictures: Mapping[str, bytes]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    title, sentence = title_of(certificate), sentence_of(certificate)
    return environment.get_template("report.html.j2").render(
        certificate=as_document(certificate),
        headline=f"{certificate.verdict.upper()}: {title}",
        kicker=_kicker(certificate),
        title=title,
        sentence=sentence,
        stopping=certificate.inputs.get("seeds", {}).get("rule", ""),
        maps=_shown(pictures, _MAPS),
        plots=_shown(pictures, _PLOTS),
        streets=certificate.streets[:_TABLE_ROWS],
        fates=fates_of(certificate),
        inputs=inputs_of(certificate),
        rerun=f"trafficfeed certificate rerun certificate.json   # {certificate.id}",
        state=_state,
        stretch=stretch_of,
    )


_MAPS = (
    ("flow.png", "Map of the change of flow by street", "Change of flow: orange streets carry more, purple ones less."),
    (
        "delay.png",
        "Map of the change of delay by street",
        "Change of delay: vehicle-hours lost on each stretch, against free flow.",
    ),
)
_PLOTS = (
    (
        "pairs.svg",
        "Extra time per trip by seed pair, with limits",
        "Each dot is one seed pair, the diamond their mean, the band its 95 % interval.",
    ),
    ("distribution.svg", "Distribution of extra time per trip by vehicle class", "How the extra time spreads."),
)


def _shown(pictures: Mapping[str, bytes], texts: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [
        {"src": _data_uri(name, pictures[name]), "alt": alt, "caption": caption}
        for name, alt, caption in texts
        if name in pictures
    ]


def _data_uri(name: str, content: bytes) -> str:
    return f"data:{_MEDIA[Path(name).suffix]};base64,{base64.b64encode(content).decode('ascii')}"


def _kicker(certificate: Certificate) -> str:
    subject, city = certificate.inputs.get("subject", {}), certificate.inputs.get("city", {})
    version = f"order {subject['id']}, version {subject.get('version', '?')}" if "id" in subject else ""
    return " · ".join(part for part in (str(city.get("title", "")), version, f"certificate {certificate.id}") if part)


def _state(reason: Mapping[str, Any] | Reason) -> str:
    passed, decided = (
        (reason.passed, reason.decided) if isinstance(reason, Reason) else (reason["passed"], reason["decided"])
    )
    return "pass" if passed else "fail" if decided else "open"
