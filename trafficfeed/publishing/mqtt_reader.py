"""Live signals read from the broker that another process publishes to: the retained state of each intersection."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from trafficfeed.errors import SourceMalformed
from trafficfeed.formats.signals_json_states import read_state
from trafficfeed.publishing.bus import Batch, Bus, Fragments, Update
from trafficfeed.publishing.mqtt_bus import topic_level
from trafficfeed.publishing.mqtt_sender import broker_address
from trafficfeed.signals.live import HEARTBEAT_S, Change, Reason
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.timer_wheel import TimerWheel

SILENT: Final = timedelta(seconds=HEARTBEAT_S + 2.0)
"""All is told at least once in a heartbeat: what has not been for longer is stale, whoever has failed on the way."""

_AT_ONCE: Final = 2000  # intersections that are read between two looks at the rest of the event loop

_log = logging.getLogger(__name__)


class MqttReader:
    """The other end of an `MqttBus`: for the processes of an API that take no lamp states in themselves.

    What the broker had retained is shown without forecasts until it has been told anew, as nobody knows how old it is.
    """

    def __init__(self, address: str, city: str, bus: Bus, clock: Callable[[], datetime], *, pace_s: float) -> None:
        """Make it; `bus` is given what comes, in batches of `pace_s`.

        Raises
        ------
        ScenarioInvalid
            If the address is none of a broker.
        """
        self._broker = broker_address(address)
        self._topic = f"signals/{topic_level(city)}/+"
        self._bus = bus
        self._clock = clock
        self._pace_s = pace_s
        self._lock = threading.Lock()
        self._came: dict[str, tuple[bytes, bool]] = {}
        self._shown: dict[str, tuple[IntersectionState, datetime]] = {}
        self._looks: TimerWheel[str] = TimerWheel()
        self._fragments = Fragments()

    async def run(self) -> None:
        """Show what comes until cancelled; call it on the event loop that the bus is used on."""
        with self.listening():
            while True:
                await asyncio.sleep(self._pace_s)
                self.beat()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Be subscribed, again and again if need be, until the block is left."""
        client = self._client()
        client.connect_async(self._broker.host, self._broker.port)
        client.loop_start()
        try:
            yield
        finally:
            client.disconnect()
            client.loop_stop()

    def beat(self) -> None:
        """Show what has come by now, and what has not come for too long as stale."""
        now = self._clock()
        with self._lock:
            taken = {topic: self._came.pop(topic) for topic in list(self._came)[:_AT_ONCE]}
        updates = [
            update for data, retained in taken.values() if data and (update := self._read(data, retained, now))
        ] + [update for id in self._looks.due(now) if (update := self._look(id, now))]
        newest = {update.id: update for update in updates}
        if newest:
            self._bus.publish(Batch(made_at=now, updates=list(newest.values())))

    def _client(self) -> Any:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        def connected(client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
            if reason.is_failure:
                _log.warning("the broker at %s refuses us: %s", self._broker.host, reason)
            else:
                client.subscribe(self._topic)

        def came(_client: object, _data: object, message: Any) -> None:
            with self._lock:
                self._came[message.topic] = (message.payload, message.retain)

        client = Client(CallbackAPIVersion.VERSION2)
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        client.reconnect_delay_set(min_delay=1, max_delay=10)
        client.on_connect, client.on_message = connected, came
        return client

    def _read(self, data: bytes, retained: bool, now: datetime) -> Update | None:
        try:
            state = read_state(data)
        except SourceMalformed as broken:
            _log.warning("%s of the broker at %s: %s", self._topic, self._broker.host, broken)
            return None
        if retained:
            state = replace(state, groups=tuple(replace(group, forecast=None) for group in state.groups))
        if state.intersection not in self._shown:
            self._looks.set(state.intersection, now + SILENT)
        return self._show(state, now, heard_at=now)

    def _look(self, id: str, now: datetime) -> Update | None:
        state, heard_at = self._shown[id]
        if now - heard_at < SILENT:
            self._looks.set(id, heard_at + SILENT)
            return None
        self._looks.set(id, now + SILENT)
        if state.stale:
            return None
        silent = tuple(replace(group, stale=True, forecast=None) for group in state.groups)
        return self._show(replace(state, groups=silent), now, heard_at=heard_at)

    def _show(self, state: IntersectionState, now: datetime, *, heard_at: datetime) -> Update:
        shown = self._shown.get(state.intersection)
        before = {group.group: group for group in shown[0].groups} if shown else {}
        groups = tuple(_same(before.get(group.group), group) for group in state.groups)
        state = replace(state, groups=groups)
        new = tuple(group.group for group in groups if before.get(group.group) is not group)
        self._shown[state.intersection] = (state, heard_at)
        change = Change(
            state=state,
            groups=new or tuple(group.group for group in groups),
            reason=Reason.CHANGE if new else Reason.HEARTBEAT,
        )
        return Update(change, now, self._fragments)


def _same(before: GroupState | None, now: GroupState) -> GroupState:
    """Return the object that was there before where nothing is new: it need not be written again."""
    aligned = now
    if before is not None and before.forecast is not None and now.forecast is not None:
        said = replace(now.forecast, made_at=before.forecast.made_at, since=before.forecast.since)
        aligned = replace(now, forecast=said)
    return before if before is not None and aligned == before else now
