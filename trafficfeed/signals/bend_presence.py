"""Who is behind a bend just now: told by detectors, believed for a second or two, then gone by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.signals.bends import Bend

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(seconds=2)
_AHEAD: Final = timedelta(seconds=1)  # a detector's clock may be so far ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a detector saw.

    `approach` is the one that it comes by, None where that is not known; `kind` in a word ("bicycle", "queue").
    `observed_at` and `expires_at` are aware UTC.
    """

    bend: str
    detector: str
    observed_at: datetime
    expires_at: datetime
    approach: int | None = None
    kind: str = "vehicle"


@dataclass(frozen=True, slots=True, kw_only=True)
class BendWarning:
    """A bend with somebody behind it: `warned` are the approaches that are to be told, until `expires_at`."""

    bend: Bend
    warned: tuple[int, ...]
    since: datetime
    expires_at: datetime
    kinds: tuple[str, ...]


class PresenceBoard:
    """What detectors said of bends lately. Reads no clock; not safe for several threads at once."""

    def __init__(self, bends: Mapping[str, Bend]) -> None:
        self.bends = bends
        self._seen: dict[tuple[str, str, int | None], Presence] = {}
        self._since: dict[str, datetime] = {}

    def report(
        self,
        bend: str,
        detector: str,
        *,
        observed_at: datetime,
        as_of: datetime,
        approach: int | None = None,
        kind: str = "vehicle",
        lasts: timedelta = LONGEST,
    ) -> Presence | None:
        """Take what a detector saw; None where it is older than what it said before, or was over when it came.

        Parameters
        ----------
        bend, detector
            Ids; the bend is a known one.
        observed_at, as_of
            Aware: when it was seen, and now.
        approach
            By which it comes; the others are warned. None: all are.
        kind
            What it is.
        lasts
            How long it is believed; brought within 1 to 2 s.

        Raises
        ------
        OrderInvalid
            If the bend has no such approach, or it was seen in the future.
        """
        known = [own.id for own in self.bends[bend].approaches]
        if approach is not None and approach not in known:
            raise _refused("approach", f"bend {bend} has no approach {approach}", f"use one of {known}, or none")
        if observed_at > as_of + _AHEAD:
            raise _refused("observed_at", f"{observed_at.isoformat()} is in the future", "set the detector's clock")
        expires_at = min(observed_at, as_of) + min(max(lasts, SHORTEST), LONGEST)
        key = (bend, detector, approach)
        before = self._seen.get(key)
        if expires_at <= as_of or (before is not None and before.observed_at > observed_at):
            return None
        if not self._live(bend, as_of):
            self._since[bend] = as_of
        found = Presence(
            bend=bend, detector=detector, observed_at=observed_at, expires_at=expires_at, approach=approach, kind=kind
        )
        self._seen[key] = found
        return found

    def withdraw(self, bend: str, detector: str) -> None:
        """Take that a detector sees nobody any more."""
        for key in [key for key in self._seen if key[:2] == (bend, detector)]:
            del self._seen[key]

    def warnings(self, as_of: datetime) -> tuple[BendWarning, ...]:
        """Return the warnings that hold at an instant (aware), by bend."""
        for key in [key for key, one in self._seen.items() if one.expires_at <= as_of]:
            del self._seen[key]
        return tuple(self._warning(bend, as_of) for bend in sorted({key[0] for key in self._seen}))

    def _warning(self, id: str, as_of: datetime) -> BendWarning:
        live = self._live(id, as_of)
        bend = self.bends[id]
        all_of_them = {own.id for own in bend.approaches}
        warned = set().union(*(all_of_them - {one.approach} or all_of_them for one in live))
        return BendWarning(
            bend=bend,
            warned=tuple(sorted(warned)),
            since=self._since[id],
            expires_at=max(one.expires_at for one in live),
            kinds=tuple(sorted({one.kind for one in live})),
        )

    def _live(self, bend: str, as_of: datetime) -> list[Presence]:
        return [one for key, one in self._seen.items() if key[0] == bend and one.expires_at > as_of]


def _refused(field: str, message: str, mend: str) -> OrderInvalid:
    finding = Finding(rule=f"presence.{field}", severity=Severity.ERROR, message=message, where=field, mend=mend)
    return OrderInvalid(f"{message}; {mend}", [finding])
