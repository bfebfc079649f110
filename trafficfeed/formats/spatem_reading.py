"""SPATEM and SPAT read: what each intersection's message says, its TimeMarks as moments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trafficfeed.formats.its_asn1 import decode
from trafficfeed.formats.signal_facts import GroupFacts, SignalFacts
from trafficfeed.formats.signal_times import moment_in_year, moment_of
from trafficfeed.formats.spatem import SIMULATED
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd

_MANUAL, _NO_VALID_SPAT = 1 << 15, 1 << 2
_NOT_VALID = 1 << 7 | _NO_VALID_SPAT  # failure mode, or said to be invalid


def read_spatem(data: bytes, *, near: datetime) -> tuple[SignalFacts, ...]:
    """Return the intersections of a SPATEM (with its ITS header).

    Parameters
    ----------
    data
        UPER.
    near
        When it came, aware: its minute of the year has no year, its TimeMarks no hour.

    Raises
    ------
    SourceMalformed
        If it is cut short or no SPATEM.
    """
    return facts_of_spat(decode("SPATEM", data)["spat"], near=near)


def facts_of_spat(spat: Mapping[str, Any], *, near: datetime) -> tuple[SignalFacts, ...]:
    """Return the intersections of a decoded SPAT; `near` as in `read_spatem`."""
    whole = spat.get("timeStamp")
    return tuple(_intersection(one, whole, near) for one in spat["intersections"])


def _intersection(one: Mapping[str, Any], minute: int | None, near: datetime) -> SignalFacts:
    observed_at = moment_in_year(one.get("moy", minute), one.get("timeStamp"), near)
    status = one["status"][0]
    name = one.get("name", "")
    simulated = name.startswith(SIMULATED)
    groups = [_group(movement, observed_at or near, simulated=simulated) for movement in one["states"]]
    return SignalFacts(
        number=one["id"]["id"],
        region=one["id"].get("region", 0),
        revision=one["revision"],
        observed_at=observed_at,
        groups=tuple(sorted(groups, key=lambda group: group.group)),
        name=name,
        simulated=simulated,
        advisory=bool(status & _MANUAL),
        valid=not status & _NOT_VALID,
    )


def _group(movement: Mapping[str, Any], at: datetime, *, simulated: bool) -> GroupFacts:
    event = movement["state-time-speed"][0]  # the first is now, those after it are plans
    timing = event.get("timing")
    announced = _announced(timing, at) if timing else None
    return GroupFacts(
        group=movement["signalGroup"],
        aspect=Aspect(event["eventState"]),
        announced=announced,
        confidence=timing.get("confidence") if timing else None,
        countdown=announced is not None and announced.likely_end is not None,
        stale=event["eventState"] == Aspect.UNAVAILABLE.value,
        simulated=simulated,
        name=movement.get("movementName", ""),
    )


def _announced(timing: Mapping[str, int], at: datetime) -> AnnouncedEnd | None:
    """Return the ends that a message gives; senders that know none often write 0 in every field."""
    marks = [timing.get(key) for key in ("minEndTime", "likelyTime", "maxEndTime")]
    if all(mark in (0, None) for mark in marks):
        return None
    least, likely, most = (moment_of(mark, at) for mark in marks)
    if least is None and likely is None and most is None:
        return None
    return AnnouncedEnd(min_end=least, likely_end=likely, max_end=most)
