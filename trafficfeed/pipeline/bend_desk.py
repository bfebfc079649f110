"""The desk of bends: those of the city that is served, found and given, and what detectors say of them."""

import threading
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trafficfeed.errors import OrderNotFound, ScenarioInvalid
from trafficfeed.network.city import City
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.settings import Settings
from trafficfeed.signals.bend_finding import GivenBend, find_bends
from trafficfeed.signals.bend_presence import BendWarning, PresenceBoard
from trafficfeed.signals.bends import Bend, BendThresholds

FILE_NAME: Final = "bends.toml"


class _Entry(BaseModel):
    """One ``[[bend]]`` table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    at: tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
    sight_m: Annotated[float, Field(gt=0, le=1000)] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bend: tuple[_Entry, ...] = ()


def given_bends(city: City) -> tuple[GivenBend, ...]:
    """Return the bends in the city's `bends.toml`; none where there is no such file.

    Raises
    ------
    ScenarioInvalid
        If it cannot be used.
    """
    path = city.folder / FILE_NAME
    if not path.is_file():
        return ()
    try:
        entries = _File.model_validate(tomllib.loads(path.read_text("utf-8"))).bend
    except OSError as error:
        raise ScenarioInvalid(f"{path} cannot be read: {error.strerror}; mend the path or the file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioInvalid(f"{path}, {where}: {first['msg']}; see docs/signals.md, Companions") from error
    return tuple(GivenBend(id=one.id, title=one.title, lonlat=one.at, sight_m=one.sight_m) for one in entries)


class BendDesk:
    """The bends of the city of the settings; safe for use by several threads. Presence is of this process alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._board: tuple[object, PresenceBoard] | None = None

    def bends(self) -> dict[str, Bend]:
        """Return the bends by id, found anew when the city or its file changes.

        Raises
        ------
        SourceUnavailable, ScenarioInvalid
            If the city or its file cannot be used.
        """
        return dict(self._presence().bends)

    def report(
        self,
        bend: str,
        detector: str,
        *,
        as_of: datetime,
        observed_at: datetime | None = None,
        approach: int | None = None,
        kind: str = "vehicle",
        lasts: timedelta | None = None,
    ) -> BendWarning | None:
        """Take what a detector saw, now unless it says when; return the warning that holds for the bend.

        Raises
        ------
        OrderNotFound
            If there is no such bend.
        OrderInvalid
            As `PresenceBoard.report`.
        """
        board = self._known(bend)
        with self._lock:
            board.report(
                bend,
                detector,
                observed_at=observed_at or as_of,
                as_of=as_of,
                approach=approach,
                kind=kind,
                **({} if lasts is None else {"lasts": lasts}),
            )
            return next((one for one in board.warnings(as_of) if one.bend.id == bend), None)

    def withdraw(self, bend: str, detector: str) -> None:
        """Take that a detector sees nobody any more; raises OrderNotFound."""
        board = self._known(bend)
        with self._lock:
            board.withdraw(bend, detector)

    def warnings(self, as_of: datetime) -> tuple[BendWarning, ...]:
        """Return the warnings that hold at an instant (aware); raises as `bends`."""
        board = self._presence()
        with self._lock:
            return board.warnings(as_of)

    def _known(self, bend: str) -> PresenceBoard:
        board = self._presence()
        if bend not in board.bends:
            raise OrderNotFound(f"there is no bend {bend!r}: list them at /v1/bends")
        return board

    def _presence(self) -> PresenceBoard:
        city = find_city(self._settings.city, self._settings.cities_dir)
        ground = ground_of(city)
        stamp = (ground, _modified(city.folder / FILE_NAME))
        with self._lock:
            if self._board is None or self._board[0] != stamp:
                limits = BendThresholds(**self._settings.bends.model_dump())
                self._board = (stamp, PresenceBoard(find_bends(ground.graph, limits, given_bends(city))))
            return self._board[1]


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0
