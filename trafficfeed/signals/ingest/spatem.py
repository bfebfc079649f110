"""SPATEM, whatever brings it: UPER → what is new in it, through the door."""

from collections.abc import Mapping
from datetime import datetime

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.ingest.told_states import StateEvents, StateReader


class SpatemSource:
    """Takes SPATEMs, or with another reader any message that tells whole states.

    The reader is given, for formats lie above signals: `formats.spatem_reading.read_spatem`.
    """

    def __init__(
        self, intake: Intake, read: StateReader, intersections: Mapping[tuple[int, int], str] | None = None
    ) -> None:
        self._intake = intake
        self._read = read
        self._events = StateEvents(intersections)

    def take(self, data: bytes, received_at: datetime, source: str) -> Taken | None:
        """Take one message of a sender; None where it could not be read, which is counted."""
        try:
            states = self._read(data, near=received_at)
        except SourceMalformed as broken:
            self._intake.malformed(source, received_at, str(broken))
            return None
        self._intake.heartbeat(source, received_at)
        return self._intake.take(self._events.events(states, received_at, source))
