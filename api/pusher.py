"""Pushes in the API process: a thread that looks for releases to tell partners of, and for what waits to be sent."""

import logging
import threading
from datetime import datetime, timedelta
from typing import Final

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.pushing import RECEIPTS_KEPT, Pusher
from trafficfeed.store.push_outbox import PushOutbox

LOOK_S: Final = 1.0
_PAUSE_S: Final = 10.0  # after trouble of our own
_SWEEP: Final = timedelta(hours=6)

_log = logging.getLogger(__name__)


class PushThread:
    """Tells partners; several processes may, since each message is given to one of them at a time."""

    def __init__(self, services: Services, look_s: float = LOOK_S) -> None:
        self._services = services
        self._look_s = look_s
        self._stopped = threading.Event()
        self._swept: datetime | None = None
        self._pusher: Pusher | None = None
        self._thread = threading.Thread(target=self._run, name="pushes", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new; what is under way is finished, or sent again after the next start."""
        self._stopped.set()
        self._thread.join(timeout=1.0)

    def round(self) -> None:
        """Look once; raises TrafficFeedError."""
        services = self._services
        takers = [partner for partner in services.partners.values() if partner.push_url]
        if not takers:
            return
        if self._pusher is None:
            self._pusher = Pusher(services.database, services.releases, public_url=services.settings.public_url)
        now = services.clock()
        self._pusher.queue(takers, as_of=now)
        done = self._pusher.send(takers, as_of=now)
        if done.dead:
            _log.error("%d pushes were given up: GET /v1/pushes?state=dead lists them", done.dead)
        if self._swept is None or now - self._swept > _SWEEP:
            self._swept = now
            PushOutbox(services.database, as_of=now).forget(now - RECEIPTS_KEPT)

    def _run(self) -> None:
        pause_s = self._look_s
        while not self._stopped.wait(pause_s):
            try:
                self.round()
                pause_s = self._look_s
            except TrafficFeedError as error:
                _log.error("pushes wait: %s", error)
                pause_s = _PAUSE_S
