"""The crew: several components started, watched, started again when one dies, and ended together."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from trafficfeed.errors import SourceUnavailable
from trafficfeed.running.processes import Component, end_descendants, restart
from trafficfeed.running.progress import Note, Teller

_POLL_S = 0.25
_MOST_RESTARTS = 3
_RESTARTS_WITHIN_S = 300.0


class Crew:
    """The components of one run; all calls come from the thread that made it."""

    def __init__(self, components: Sequence[Component], *, teller: Teller) -> None:
        self._components = tuple(components)
        self._teller = teller

    @contextmanager
    def running(self, *, grace_s: float) -> Iterator[None]:
        """Start every component; end them and everything below this process when the block is left."""
        try:
            for component in self._components:
                component.start()
            yield
        finally:
            with self._teller.step("Stopping"):
                end_descendants(grace_s=grace_s)

    def wait(self, missing: Callable[[], str], *, limit_s: float, note: Note) -> None:
        """Wait until `missing` returns nothing, telling what it returns ("waiting for …"), and keep the crew alive.

        Raises
        ------
        SourceUnavailable
            Something is still missing after `limit_s`, or a component keeps dying.
        """
        deadline = time.monotonic() + limit_s
        while what := missing():
            if time.monotonic() > deadline:
                logs = self._components[0].log.parent
                raise SourceUnavailable(f"after {limit_s:.0f} s still {what}: look at the logs in {logs}")
            note(what)
            self.look_after()
            time.sleep(_POLL_S)

    def keep_up(self) -> None:
        """Keep the crew alive until somebody stops us."""
        while True:
            self.look_after()
            time.sleep(_POLL_S)

    def look_after(self) -> None:
        """Start every component again that has died.

        Raises
        ------
        SourceUnavailable
            One has died too often; the message has the end of its log.
        """
        for component in self._components:
            if component.exit_code is None:
                continue
            recent = [at for at in component.restarts if at > time.monotonic() - _RESTARTS_WITHIN_S]
            if len(recent) >= _MOST_RESTARTS:
                raise SourceUnavailable(
                    f"{component.name} has died {len(recent) + 1} times (exit {component.exit_code}); "
                    f"its log is {component.log} and ends:\n{component.last_lines()}"
                )
            self._teller.say(f"! {component.name} died (exit {component.exit_code}): starting it again", style="yellow")
            restart(component, others=self._components)
