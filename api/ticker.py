"""Time passing in the API process: orders begin, end and are released on their minute, whether or not Airflow runs."""

import gc
import logging
import threading
import time
from typing import Final

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.street_time import Look, StreetTime

_SETTLE_S: Final = 0.5  # after being woken: several changes in a row are looked at once
_log = logging.getLogger(__name__)


class Ticker:
    """A thread that sleeps until the next instant that is due, and looks now and then for what others changed.

    Its first look drafts everything, so that an officer's first release after a start finds all but his order ready.

    Parameters
    ----------
    services
        Of this API process; their clock is asked.
    longest_s
        Longest sleep, s: how soon the changes of other processes are seen.
    """

    def __init__(self, services: Services, longest_s: float) -> None:
        self._services = services
        self._longest_s = longest_s
        self._time = StreetTime(services.settings)
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="street-time", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what is being done is done first."""
        self._stopped = True
        self._woken.set()
        self._thread.join()

    def wake(self) -> None:
        """Look at once: something was changed here."""
        self._woken.set()

    def tick(self) -> Look:
        """Look once, and serve what was released."""
        services = self._services
        look = self._time.look(services.database, services.clock())
        if look.released is not None:
            services.feeds.refresh()
        return look

    def _run(self) -> None:
        pause_s = self._pause_s()
        # What is drafted now stays: looking through it for garbage would halt every request for a third of a second.
        gc.freeze()
        while not self._stopped:
            if self._woken.wait(pause_s) and not self._stopped:
                time.sleep(min(_SETTLE_S, pause_s))
            self._woken.clear()
            pause_s = self._pause_s()

    def _pause_s(self) -> float:
        """Look, and return how long to sleep, s."""
        try:
            due = self.tick().next_due
        except TrafficFeedError as error:
            _log.error("what is due cannot be done, the last release is still served: %s", error)
            return self._longest_s
        if due is None:
            return self._longest_s
        return min(max((due - self._services.clock()).total_seconds(), 0.0), self._longest_s)
