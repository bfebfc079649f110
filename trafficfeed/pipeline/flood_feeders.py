"""Keeps a city's water sources heard: asks by HTTP, watches folders, listens to brokers; each until it is told to stop.

All of it may be stopped at any time and started again: what is taken twice does no harm.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import fsspec
import requests

from trafficfeed.errors import SourceMalformed, SourceUnavailable, TrafficFeedError
from trafficfeed.flooding.ingest.sources import WaterSource
from trafficfeed.pipeline.flood_broker import BrokerFeeder
from trafficfeed.pipeline.flood_intake import Then, take
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database

Clock = Callable[[], datetime]
Taker = Callable[[bytes, str], None]
"""Takes a payload with its topic; raises SourceMalformed, or SourceUnavailable where it is to be tried again."""

_TIMEOUT_S: Final = 20.0
_MOST_BYTES: Final = 200_000_000
_IN_FILE: Final = "file:"

_log = logging.getLogger(__name__)


class Feeders:
    """The feeders of the served city.

    Parameters
    ----------
    settings, database
        Where `take` stores.
    clock
        Returns the time, aware UTC.
    then
        Called with each intake that brings news, on the feeder's own thread.
    """

    def __init__(self, settings: Settings, database: Database, clock: Clock, then: Then | None = None) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._then = then
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._brokers: list[BrokerFeeder] = []

    def start(self) -> None:
        """Begin to hear every source that says how.

        Raises
        ------
        ScenarioInvalid, SourceUnavailable, SourceMalformed
            As `waterworks_of`.
        """
        works = waterworks_of(self._settings)
        for source in works.sources.values():
            if source.url or source.path:
                poll = HttpPoll(source) if source.url else FolderPoll(source)
                self._threads.append(self._thread(source, poll))
            if source.broker:
                name = f"trafficfeed-{works.city.name}-{source.id}"
                self._brokers.append(BrokerFeeder(source, name, self._taker(source), self._stopped))
        for thread in self._threads:
            thread.start()
        for broker in self._brokers:
            broker.start()

    def stop(self) -> None:
        """Begin nothing new, and wait a moment for what is under way."""
        self._stopped.set()
        for broker in self._brokers:
            broker.stop()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _taker(self, source: WaterSource) -> Taker:
        def taken(payload: bytes, topic: str) -> None:
            intake = take(
                self._settings, self._database, source.id, payload, self._clock(), topic=topic, then=self._then
            )
            for finding in intake.findings:
                _log.info("water source %s: %s", source.id, finding)

        return taken

    def _thread(self, source: WaterSource, poll: "HttpPoll | FolderPoll", *, after_s: float = 0.0) -> threading.Thread:
        def run() -> None:
            self._stopped.wait(after_s)
            try:
                hear()
            finally:  # a fault of ours is told in the log by the interpreter; the source is heard on all the same
                if not self._stopped.is_set():
                    another = self._thread(source, poll, after_s=source.poll_s)
                    self._threads.append(another)
                    another.start()

        def hear() -> None:
            trouble, taker = "", self._taker(source)
            while not self._stopped.is_set():
                before, trouble = trouble, ""
                try:
                    poll.look(taker)
                except TrafficFeedError as error:
                    trouble = str(error)
                if trouble and trouble != before:
                    _log.error("water source %s: %s", source.id, trouble)
                elif before and not trouble:
                    _log.warning("water source %s is heard again", source.id)
                self._stopped.wait(source.poll_s)

        return threading.Thread(target=run, name=f"water-{source.id}", daemon=True)


class HttpPoll:
    """A source that is asked by HTTP; what has not changed is not taken again."""

    def __init__(self, source: WaterSource) -> None:
        self._source = source
        self._session = requests.Session()
        self._marks: dict[str, str] = {}
        self._last = b""

    def look(self, taken: Taker) -> None:
        """Ask once, and hand over what is new.

        Raises
        ------
        SourceUnavailable
            If it does not answer, or not with 200 or 304.
        SourceMalformed
            If its answer cannot be read.
        """
        try:
            answer = self._session.get(
                self._source.url, headers=headers_of(self._source) | self._marks, timeout=_TIMEOUT_S, stream=True
            )
            with answer:
                if answer.status_code == requests.codes.not_modified:
                    return
                if answer.status_code != requests.codes.ok:
                    raise SourceUnavailable(f"{self._source.url} answers {answer.status_code}: see its source's entry")
                body = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise SourceUnavailable(f"{self._source.url} cannot be asked: {error}; it is tried again") from error
        if len(body) > _MOST_BYTES:
            raise SourceMalformed(f"{self._source.url} sends more than {_MOST_BYTES:,} bytes: ask it for less")
        if body != self._last:
            taken(body, "")
        self._last = body
        sent = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
        self._marks = {ours: answer.headers[theirs] for ours, theirs in sent.items() if theirs in answer.headers}


class FolderPoll:
    """A folder that files are dropped into; a file is taken once it has stood still between two looks."""

    def __init__(self, source: WaterSource) -> None:
        self._source = source
        self._seen: dict[str, Any] = {}
        self._taken: dict[str, Any] = {}

    def look(self, taken: Taker) -> None:
        """Take the files that are new or changed since the last look but one; the first look only learns them.

        Raises
        ------
        SourceUnavailable
            If the folder cannot be read.
        SourceMalformed
            If a file cannot be read; the others are taken all the same.
        """
        faults = []
        try:
            system, root = fsspec.core.url_to_fs(self._source.path, use_listings_cache=False)
            found = system.glob(f"{root.rstrip('/')}/{self._source.pattern}", detail=True)
            marks = {path: _mark(info) for path, info in found.items() if info.get("type") == "file"}
            still = [path for path, mark in marks.items() if self._seen.get(path) == mark != self._taken.get(path)]
            self._seen = marks
            for path in sorted(still):
                try:
                    taken(system.cat_file(path), path.rpartition("/")[2])
                except SourceMalformed as error:
                    faults.append(str(error))
                self._taken[path] = marks[path]
        except (OSError, ImportError, ValueError) as error:
            raise SourceUnavailable(f"{self._source.path} cannot be read: {error}; it is tried again") from error
        if faults:
            raise SourceMalformed("; ".join(faults))


def headers_of(source: WaterSource) -> dict[str, str]:
    """Return what is sent with a request, secrets read from their files.

    Raises
    ------
    OSError
        If such a file cannot be read.
    """
    return {
        name: Path(value.removeprefix(_IN_FILE)).read_text("utf-8").strip() if value.startswith(_IN_FILE) else value
        for name, value in source.headers.items()
    }


def _mark(info: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(info.get(name) for name in ("size", "mtime", "ETag", "LastModified"))
