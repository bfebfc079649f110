"""Scores outlive the process: written down each minute, released, and demotions taken up by the next."""

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_accuracy import GREEN, KEY, NOON, RED, at, lamp, said

from api.deps import Services
from api.score_keeping import ScoreKeeping
from trafficfeed.pipeline.signal_scorecards import FEED
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.store.signal_scores import SignalScores


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def services(settings: Settings) -> Services:
    """The services of a process with lamps that have failed their countdowns forty times."""
    made = Services(settings, SetClock())
    made.live = with_lamps(made)
    return made


def with_lamps(services: Services) -> Any:
    """Return a live part with nothing but scores."""
    return SimpleNamespace(city=SimpleNamespace(accuracy=Accuracy(services.zone)))


def fail(accuracy: Accuracy, count: int) -> None:
    """Foretell some reds wrongly."""
    for k in range(count):
        second = 60.0 * k
        accuracy.observe(lamp(RED, second))
        accuracy.publishable(said(RED, second, second, second + 39))
        accuracy.observe(lamp(GREEN, second + 30))


def releases(services: Services) -> ReleaseStore:
    """Return the feed of scorecards."""
    return ReleaseStore(services.objects, FEED)


def test_scores_are_kept_and_released_once_an_hour(services: Services) -> None:
    keeping = ScoreKeeping(services)
    asyncio.run(keeping.keep())
    assert releases(services).newest() == 0  # nothing was scored yet
    fail(services.live.city.accuracy, 40)  # type: ignore[union-attr]
    services.clock.now = at(2500)  # type: ignore[attr-defined]
    for _ in range(2):
        asyncio.run(keeping.keep())
    assert releases(services).newest() == 1
    assert SignalScores(services.objects).tallies([NOON.date()])
    fail(services.live.city.accuracy, 50)  # type: ignore[union-attr]
    services.clock.now = at(2500) + timedelta(minutes=66)  # type: ignore[attr-defined]
    asyncio.run(keeping.keep())
    assert releases(services).newest() == 2


def test_the_next_process_takes_up_the_demotions_and_the_last_scores_are_not_lost(services: Services) -> None:
    async def a_while(keeping: ScoreKeeping) -> None:
        task = asyncio.create_task(keeping.run())
        await asyncio.sleep(0.2)
        if not fed:
            fail(services.live.city.accuracy, 40)  # type: ignore[union-attr]
            services.clock.now = at(2500)  # type: ignore[attr-defined]
            fed.append(True)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    fed: list[bool] = []
    asyncio.run(a_while(ScoreKeeping(services)))
    again = Services(services.settings, services.clock)
    again.live = with_lamps(again)
    asyncio.run(a_while(ScoreKeeping(again)))
    assert not again.live.city.accuracy.allowed(KEY)  # type: ignore[union-attr]


def test_a_store_that_cannot_be_written_stops_nothing(services: Services, settings: Settings, tmp_path: Path) -> None:
    fail(services.live.city.accuracy, 2)  # type: ignore[union-attr]
    folder = settings.state_dir / "objects"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where a folder must be", "utf-8")
    services.clock.now = at(500)  # type: ignore[attr-defined]
    asyncio.run(ScoreKeeping(services).keep())
    folder.unlink()
    asyncio.run(ScoreKeeping(services).keep())
    assert SignalScores(services.objects).tallies([NOON.date()])
