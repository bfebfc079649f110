"""The city's buses for the records: which closures turn them off their way, where the city has a GTFS."""

import logging
from collections.abc import Sequence

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.closures.transit import transit_network_of, with_transit
from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.network.transit_network import TransitNetwork
from trafficfeed.pipeline.workspace import Ground

_log = logging.getLogger(__name__)


class Transit:
    """The public transport of one city, read again when its GTFS changes.

    A GTFS that cannot be used is logged and passed over: closures are published without it rather than not at all.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._network: TransitNetwork | None = None
        self._trouble = ""
        self.edition = 0
        """Counts the timetables read so far: what was made with another one is out of date."""

    def refresh(self) -> None:
        """Look whether there is another GTFS than before."""
        try:
            network = transit_network_of(self._ground.city, self._ground.graph)
            trouble = ""
        except (SourceUnavailable, SourceMalformed) as error:
            network, trouble = None, str(error)
        if trouble and trouble != self._trouble:
            _log.error("the feeds say nothing of buses: %s", trouble)
        if network is not self._network:
            self.edition += 1
        self._network, self._trouble = network, trouble

    def on(self, events: Sequence[RoadEvent]) -> tuple[RoadEvent, ...]:
        """Return events that hold together with the routes that they turn off their way."""
        return tuple(events) if self._network is None else with_transit(events, self._network)
