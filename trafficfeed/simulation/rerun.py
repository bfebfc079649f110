"""A certificate run again by anybody: the same question to the city as it is now, and what came out differently."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.progress import Progress, silent
from trafficfeed.settings import Settings, SimulationSettings, Thresholds
from trafficfeed.simulation.certificate import Certificate, as_document, certificate_id
from trafficfeed.simulation.evaluate import Question, conclude
from trafficfeed.simulation.intervention_document import read_interventions

_SHOWN = 60


def question_of(certificate: Certificate, city: City, *, settings: Settings) -> Question:
    """Return the question that `certificate` answers, put to `city`.

    `settings` gives only what does not change the outcome: how many processes and their time limit.

    Raises
    ------
    SourceMalformed
        If the certificate's inputs cannot be read, or it is about another city.
    """
    inputs = certificate.inputs
    try:
        if inputs["city"]["name"] != city.name:
            raise SourceMalformed(
                f"certificate {certificate.id} is about the city {inputs['city']['name']!r}, not {city.name!r}"
            )
        ways = {"workers": settings.simulation.workers, "time_limit_s": settings.simulation.time_limit_s}
        as_then = settings.model_copy(
            update={
                "thresholds": Thresholds.model_validate(inputs["thresholds"]),
                "simulation": SimulationSettings.model_validate({**inputs["simulation"], **ways}),
            }
        )
        return Question(
            city=city,
            interventions=read_interventions(inputs["interventions"]),
            standing=read_interventions(inputs["standing"]),
            settings=as_then,
            subject=inputs["subject"],
            informed_share=inputs["informed_share"],
            confirm=inputs["confirmation"]["asked"],
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise SourceMalformed(f"the inputs of certificate {certificate.id} cannot be read: {error!r}") from error


def rerun(
    certificate: Certificate,
    city: City,
    *,
    graph: RoadGraph,
    settings: Settings,
    as_of: datetime,
    runs: Path | None = None,
    progress: Progress = silent,
) -> tuple[Certificate, tuple[str, ...]]:
    """Drive `certificate` again, and tell what differs; nothing does where city, demand and SUMO are the same.

    Parameters
    ----------
    runs
        Folder of cached runs; none: all is driven anew in a temporary folder.

    Returns
    -------
    Certificate
        The new one.
    tuple of str
        One line a difference, first those of what went in (``network_sha256: a1b2… → c3d4…``), then those of what came
        out.

    Raises
    ------
    SourceMalformed
        If the certificate's inputs cannot be read or its id is not theirs, or it is about another city.
    ScenarioInvalid, SourceUnavailable
        If the city's files cannot be used.
    """
    if certificate_id(certificate.inputs) != certificate.id:
        raise SourceMalformed(
            f"certificate {certificate.id} has been changed: its inputs give {certificate_id(certificate.inputs)}"
        )
    question = question_of(certificate, city, settings=settings)
    with TemporaryDirectory(prefix="trafficfeed-rerun-") as folder:
        again = conclude(question, graph=graph, runs=runs or Path(folder), as_of=as_of, progress=progress)
    return again, differences(certificate, again)


def differences(before: Certificate, after: Certificate) -> tuple[str, ...]:
    """Return what differs between two certificates, but for when they were issued; inputs first."""
    old, new = as_document(before), as_document(after)
    del old["issued"], new["issued"]
    inputs = _differences(old.pop("inputs"), new.pop("inputs"), "")
    return (*inputs, *_differences(old, new, ""))


def _differences(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, Sequence) and isinstance(new, Sequence) and not isinstance(old, str) and len(old) == len(new):
        for number, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _differences(a, b, f"{path}[{number}]")
    elif old != new:
        yield f"{path}: {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
