"""Virtual signals: a junction that the police directs; officers say go and stop, apps get it as advisory."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import Actor, Now, Services, ServicesDep, actor
from api.live import topology_of
from api.routes.order_bodies import IfMatch, revision_in
from api.schemas import ProblemOut, Responses
from trafficfeed.formats.signals_json import value_of
from trafficfeed.pipeline.virtual_signals_desk import find_junction
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.virtual import LONGEST, Say, VirtualSignal, made, state_of

_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "An officer's token is needed"},
    404: {"model": ProblemOut, "description": "No such virtual signal"},
    409: {"model": ProblemOut, "description": "The id was used, it has ended, or somebody was first: read it again"},
    422: {"model": ProblemOut, "description": "Refused; `findings` says why: crossing approaches that both go, no end"},
}
router = APIRouter(prefix="/v1/virtual-signals", tags=["signals"], dependencies=[Depends(actor)], responses=_REFUSALS)

SignalId = Annotated[str, Path(max_length=63, examples=["concert-north-gate"])]
_Says = Annotated[
    dict[int, Say],
    Field(description="what is said to each approach; those left out are told nothing: unavailable", max_length=64),
]
_Expiry = Annotated[
    AwareDatetime, Field(description=f"when it ends by itself, {LONGEST.total_seconds() / 3600:g} h from now at most")
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class At(_In):
    """Any junction, EPSG:4326."""

    lon: float = Field(ge=-180, le=180, examples=[24.94137])
    lat: float = Field(ge=-90, le=90, examples=[60.16952])


class NewVirtualSignal(_In):
    """A junction to be directed."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["concert-north-gate"])
    authority: str = Field(min_length=1, max_length=200, examples=["Police, traffic unit 3"])
    reason: str = Field(min_length=1, max_length=2000, examples=["The lamps are dark"])
    junction: Annotated[str, Field(max_length=200)] | At = Field(
        description="the id of a signalised intersection, whose lamps it takes the place of; or any place"
    )
    expires_at: _Expiry
    approaches: _Says = Field(default_factory=dict)


class Statement(_In):
    """What the officer says now; it takes the place of all that was said before."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"approaches": {"1": "go", "2": "stop", "3": "go"}}]}
    )
    approaches: _Says
    expires_at: _Expiry | None = None


class ApproachOut(BaseModel):
    """An arm of the junction: `says` is null where nothing is said; it must not go with those in `crosses`."""

    id: int
    name: str
    groups: list[int]
    stop_line: tuple[float, float] | None
    crosses: list[int]
    says: Say | None
    since: datetime | None


class VirtualSignalOut(BaseModel):
    """A virtual signal; `state` is what apps are given, by the public id `intersection`."""

    id: str = Field(examples=["concert-north-gate"])
    version: int
    advisory: bool
    live: bool
    authority: str
    reason: str
    intersection: str
    junction: str
    lonlat: tuple[float, float]
    made_at: datetime
    changed_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    approaches: list[ApproachOut]
    state: dict[str, Any]

    @classmethod
    def of(cls, signal: VirtualSignal, now: datetime) -> "VirtualSignalOut":
        """Return it as the API shows it."""
        place = signal.junction.intersection
        return cls(
            id=signal.id,
            version=signal.version,
            advisory=signal.advisory,
            live=signal.is_live(now),
            authority=signal.authority,
            reason=signal.reason,
            intersection=place.id,
            junction=place.name,
            lonlat=place.lonlat,
            made_at=signal.made_at,
            changed_at=signal.changed_at,
            expires_at=signal.expires_at,
            ended_at=signal.ended_at,
            approaches=_approaches(signal),
            state=value_of(state_of(signal, as_of=now), at=now),
        )


class VirtualSignalList(BaseModel):
    """Those that hold now, by intersection."""

    virtual_signals: list[VirtualSignalOut] = Field(examples=[[]])


class StepOut(BaseModel):
    """A step in the life of a virtual signal, and who took it."""

    version: int
    action: str
    actor: str
    at: datetime
    approaches: dict[int, Say]
    expires_at: datetime


class Steps(BaseModel):
    """All steps, oldest first; none of them ever changes."""

    steps: list[StepOut] = Field(
        examples=[
            [
                {
                    "version": 2,
                    "action": "tell",
                    "actor": "ann",
                    "at": "2026-12-05T12:00:00Z",
                    "approaches": {"1": "go", "2": "stop"},
                    "expires_at": "2026-12-05T14:00:00Z",
                }
            ]
        ]
    )


class Desk:
    """An officer at the desk, and what it takes to answer him."""

    def __init__(
        self, services: ServicesDep, officer: Actor, now: Now, response: Response, after: BackgroundTasks
    ) -> None:
        self.services = services
        self.officer = officer
        self.now = now
        self._response = response
        self._after = after

    def shown(self, signal: VirtualSignal, *, changed: bool = True) -> VirtualSignalOut:
        """Return the answer; what has changed is published when it is sent."""
        if changed and self.services.live is not None:
            self._after.add_task(self.services.live.advisories.look)
        self._response.headers["ETag"] = f'"{signal.id}.{signal.version}"'
        self._response.headers["Cache-Control"] = "no-store"
        return VirtualSignalOut.of(signal, self.now)


AtDesk = Annotated[Desk, Depends()]


@router.post("", status_code=201, summary="Direct a junction")
def make(body: NewVirtualSignal, desk: AtDesk, response: Response) -> VirtualSignalOut:
    """Make a virtual signal; its approaches, numbered clockwise from north, are in the answer."""
    services = desk.services
    at = body.junction
    junction = find_junction(
        body.id,
        at if isinstance(at, str) else (at.lon, at.lat),
        graph=services.graph,
        topology=_topology(services),
    )
    signal = made(
        body.id,
        junction,
        authority=body.authority,
        reason=body.reason,
        as_of=desk.now,
        expires_at=body.expires_at,
        says=body.approaches,
    )
    services.virtual_signals.make(signal, actor=desk.officer, as_of=desk.now)
    response.headers["Location"] = f"/v1/virtual-signals/{signal.id}"
    return desk.shown(signal)


@router.get("", summary="The junctions that are directed now")
def holding(services: ServicesDep, now: Now, response: Response) -> VirtualSignalList:
    """Return the virtual signals that hold."""
    response.headers["Cache-Control"] = "no-store"
    found = services.virtual_signals.holding(now)
    return VirtualSignalList(virtual_signals=[VirtualSignalOut.of(one, now) for _, one in sorted(found.items())])


@router.get("/{id}", summary="One virtual signal")
def one(id: SignalId, desk: AtDesk) -> VirtualSignalOut:
    """Return the newest version, over or not."""
    return desk.shown(desk.services.virtual_signals.get(id), changed=False)


@router.get("/{id}/steps", summary="What was said, by whom, when")
def steps(id: SignalId, services: ServicesDep) -> Steps:
    """Return the audit log of a virtual signal."""
    return Steps(
        steps=[
            StepOut(
                version=entry.signal.version,
                action=entry.action,
                actor=entry.actor,
                at=entry.at,
                approaches={approach: said.say for approach, said in entry.signal.said.items()},
                expires_at=entry.signal.over_at,
            )
            for entry in services.virtual_signals.history(id)
        ]
    )


@router.put("/{id}/state", summary="Say go and stop")
def say(id: SignalId, body: Statement, desk: AtDesk, if_match: IfMatch = None) -> VirtualSignalOut:
    """Say what holds from now on; approaches that cross never go together. With `If-Match` only on what was read."""
    told = desk.services.virtual_signals.tell(
        id,
        body.approaches,
        actor=desk.officer,
        as_of=desk.now,
        expires_at=body.expires_at,
        expected_version=revision_in(if_match, id),
    )
    return desk.shown(told)


@router.delete("/{id}", summary="End it")
def end(id: SignalId, desk: AtDesk) -> VirtualSignalOut:
    """Hand the junction back to its lamps, or to nobody: then it is unavailable."""
    return desk.shown(desk.services.virtual_signals.end(id, actor=desk.officer, as_of=desk.now))


def _topology(services: Services) -> Topology | None:
    return services.live.topology if services.live is not None else topology_of(services)


def _approaches(signal: VirtualSignal) -> list[ApproachOut]:
    stop_lines = {group.id: group.stop_line for group in signal.junction.intersection.groups}
    found = []
    for approach in signal.junction.approaches:
        said = signal.said.get(approach.id)
        crosses = [a + b - approach.id for a, b in signal.junction.conflicts if approach.id in (a, b)]
        found.append(
            ApproachOut(
                id=approach.id,
                name=approach.name,
                groups=list(approach.groups),
                stop_line=stop_lines.get(approach.groups[0]),
                crosses=sorted(crosses),
                says=said and said.say,
                since=said and said.since,
            )
        )
    return found
