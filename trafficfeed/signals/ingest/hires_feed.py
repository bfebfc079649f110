"""Controllers' logs live: rows as JSON → lamps through the door, and calls, gap-outs and walks to the predictor."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.ingest.controllers import Controllers, groups_by_intersection
from trafficfeed.signals.ingest.hires import LONGEST_PAUSE_S, HiresLamps, event_of
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.ingest.json_body import read_body

MOST_ROWS = 20_000
Hear = Callable[[Sequence[ControllerEvent]], None]


class RowBody(BaseModel):
    """One row of a controller's log, by the Indiana enumeration."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(min_length=1, max_length=200, coerce_numbers_to_str=True)]
    at: AwareDatetime = Field(description="by the controller's clock, with its zone")
    code: Annotated[int, Field(ge=0, le=65535)]
    parameter: Annotated[int, Field(ge=0, le=65535)]


class RowsBody(BaseModel):
    """A delivery of rows, any number of devices mixed; one of a device without rows is a heartbeat."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[RowBody], Field(max_length=MOST_ROWS)] = []
    alive: Annotated[list[str], Field(max_length=MOST_ROWS)] = Field([], description="devices without news")
    every_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        LONGEST_PAUSE_S, description="how often each device is heard of at least; it is stale half a second later"
    )


class HiresSource:
    """Takes deliveries of rows. Each device is a source of its own, so that one that falls silent is flagged alone."""

    def __init__(self, intake: Intake, hear: Hear, controllers: Controllers | None = None) -> None:
        """Take the door, and what hears of the rest, on our clock, after the door has taken the lamps."""
        self._intake = intake
        self._hear = hear
        self._controllers = controllers or {}
        self._lamps = HiresLamps(groups_by_intersection(self._controllers))
        self._heard: dict[str, tuple[datetime, set[tuple[int, int]]]] = {}

    def take(self, data: bytes, received_at: datetime, source: str) -> Taken | None:
        """Take a body as JSON; None where it could not be read, which is counted."""
        try:
            body = read_rows(data)
        except SourceMalformed as broken:
            self._intake.malformed(source, received_at, str(broken))
            return None
        return self.take_rows(body, received_at, source)

    def take_rows(self, body: RowsBody, received_at: datetime, source: str) -> Taken:
        """Take a delivery. `source` is the sender as it was authenticated, never a name from the body."""
        for device in dict.fromkeys([*(row.device for row in body.rows), *body.alive]):
            name = f"{source}/{device}"
            self._intake.staleness.expect(name, body.every_s)
            self._intake.heartbeat(name, received_at)
        events = [self._event(row, received_at, source) for row in sorted(body.rows, key=lambda row: row.at)]
        taken = self._intake.take(self._lamps.lamps(events))
        self._hear([timed for event in events if (timed := self._on_our_clock(event)) is not None])
        return taken

    def _event(self, row: RowBody, received_at: datetime, source: str) -> ControllerEvent:
        known = self._controllers.get(row.device)
        return event_of(
            known.intersection if known else row.device,
            row.at,
            row.code,
            row.parameter,
            received_at=received_at,
            source=f"{source}/{row.device}",
        )

    def _on_our_clock(self, event: ControllerEvent) -> ControllerEvent | None:
        """Return an event that is new, of the source that is shown, by a clock that is known; else None."""
        at = self._intake.on_our_clock(event.source, event.intersection, event.observed_at, event.received_at)
        if at is None:
            return None
        newest, said = self._heard.get(event.source, (event.observed_at, set[tuple[int, int]]()))
        what = (event.code, event.parameter)
        if event.observed_at < newest or (event.observed_at == newest and what in said):
            return None
        said = said if event.observed_at == newest else set()
        self._heard[event.source] = (event.observed_at, said | {what})
        return replace(event, observed_at=at)


def read_rows(data: bytes) -> RowsBody:
    """Read a body.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or not of this shape; says where.
    """
    return read_body(RowsBody, data, "rows of controllers")
