"""Flood forecasts kept in the object store, one object an issue: the newest is what decisions and maps go by."""

import io
import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecast import CityForecast, Method
from trafficfeed.store.objects import ObjectStore

_NAME: Final = "%Y%m%dT%H%M%S"
_ARRAYS: Final = tuple(
    one.name for one in fields(CityForecast) if one.name not in {"issued_at", "sites", "method", "inputs"}
)


class FloodForecasts:
    """The forecasts of one city."""

    def __init__(self, objects: ObjectStore, city: str) -> None:
        self._objects = objects
        self._folder = f"flooding/{city}/forecasts"

    def keep(self, forecast: CityForecast) -> str:
        """Write a forecast, and return its path; one of the same second takes its place.

        Raises
        ------
        SourceUnavailable
            If the object store refuses.
        """
        path = f"{self._folder}/{forecast.issued_at.astimezone(UTC):{_NAME}}.npz"
        self._objects.write(path, _packed(forecast))
        return path

    def newest(self, as_of: datetime, *, not_older_than: timedelta | None = None) -> CityForecast | None:
        """Return the newest forecast that was issued by `as_of` (aware); None where there is none so young.

        Raises
        ------
        SourceUnavailable, SourceMalformed
            If the object store cannot be read, or holds something else.
        """
        names = self._issued(as_of)
        if not names or (not_older_than is not None and names[-1] < _name(as_of - not_older_than)):
            return None
        return self._read(names[-1])

    def between(self, start: datetime, end: datetime) -> Sequence[datetime]:
        """Return when forecasts were issued in ``[start, end)``, oldest first."""
        first, last = _name(start), _name(end)
        return [_instant(name) for name in self._names() if first <= name < last]

    def _issued(self, as_of: datetime) -> list[str]:
        last = _name(as_of)
        return [name for name in self._names() if name <= last]

    def _names(self) -> list[str]:
        return [path.rpartition("/")[2].removesuffix(".npz") for path in self._objects.list(self._folder)]

    def _read(self, name: str) -> CityForecast:
        path = f"{self._folder}/{name}.npz"
        data = self._objects.read(path)
        try:
            return _unpacked(data or b"")
        except (ValueError, KeyError, OSError, BadZipFile, EOFError) as error:
            raise SourceMalformed(f"{self._objects.address(path)} is not a flood forecast: {error}") from error


def _name(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):{_NAME}}"


def _instant(name: str) -> datetime:
    return datetime.strptime(name, _NAME).replace(tzinfo=UTC)


def _packed(forecast: CityForecast) -> bytes:
    meta = {
        "issued_at": forecast.issued_at.isoformat(),
        "sites": list(forecast.sites),
        "method": [str(one) for one in forecast.method],
        "inputs": forecast.inputs,
    }
    out = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(forecast, name) for name in _ARRAYS}
    np.savez_compressed(out, meta=np.array(json.dumps(meta)), **arrays)
    return out.getvalue()


def _unpacked(data: bytes) -> CityForecast:
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        meta = json.loads(str(found["meta"]))
        arrays: dict[str, Any] = {name: found[name] for name in _ARRAYS}
    return CityForecast(
        issued_at=datetime.fromisoformat(meta["issued_at"]),
        sites=tuple(meta["sites"]),
        method=tuple(map(Method, meta["method"])),
        inputs=meta["inputs"],
        **arrays,
    )
