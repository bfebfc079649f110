"""Lamp states as JSON, in the body of ``POST /v1/signals/states`` or of an MQTT message."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.ingest.json_body import read_body

MOST_STATES = 20_000


class StateBody(BaseModel):
    """What one signal group shows since an instant."""

    model_config = ConfigDict(extra="forbid")

    intersection: Annotated[str, Field(min_length=1, max_length=200)]
    group: Annotated[int, Field(ge=1, le=255)]
    aspect: Aspect
    observed_at: AwareDatetime | None = Field(
        None, description="by the sender's clock; without it, the time of arrival"
    )
    sequence: int | None = None
    min_end: AwareDatetime | None = None
    likely_end: AwareDatetime | None = None
    max_end: AwareDatetime | None = None

    def announced(self) -> AnnouncedEnd | None:
        """Return what it says of the end; None where that is nothing."""
        if self.min_end is None and self.likely_end is None and self.max_end is None:
            return None
        return AnnouncedEnd(min_end=self.min_end, likely_end=self.likely_end, max_end=self.max_end)


class StatesBody(BaseModel):
    """A delivery; one without states is a heartbeat."""

    model_config = ConfigDict(extra="forbid")

    states: Annotated[list[StateBody], Field(max_length=MOST_STATES)] = []
    every_s: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        None, description="how often the sender speaks at least; it is stale half a second later"
    )

    def events(self, received_at: datetime, source: str) -> list[LampEvent]:
        """Return its states as events of a sender."""
        return [
            LampEvent(
                key=GroupKey(state.intersection, state.group),
                aspect=state.aspect,
                observed_at=state.observed_at or received_at,
                raw_observed_at=state.observed_at,
                received_at=received_at,
                source=source,
                sequence=state.sequence,
                announced=state.announced(),
            )
            for state in self.states
        ]


def take_states(intake: Intake, body: StatesBody, received_at: datetime, source: str) -> Taken:
    """Let a delivery in. `source` is the sender as it was authenticated, never a name from the body."""
    if body.every_s is not None:
        intake.staleness.expect(source, body.every_s)
    intake.heartbeat(source, received_at)
    return intake.take(body.events(received_at, source))


def read_states(data: bytes) -> StatesBody:
    """Read a body.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or not of this shape; says where.
    """
    return read_body(StatesBody, data, "lamp states")
