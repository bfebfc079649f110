"""Lanes that a record lists lie within those it has."""

from collections.abc import Iterator
from typing import Any

from trafficfeed.formats.rules.rule import Fault, Yardstick, rule


@rule("lanes.count", "native", "datex2", mend="count from the side the standard counts from, up to the number of lanes")
def lanes_lie_within_the_count(yard: Yardstick) -> Iterator[Fault]:
    """A lane's number is between 1 and the number of lanes, and no lane is listed twice.

    Source: DATEX II 3.5, laneNumber and originalNumberOfLanes; native, lanes.
    """
    for record in yard.feed.records:
        seen: set[int] = set()
        for lane in record.lanes:
            number = _number(lane.number)
            if number is None or number < 1 or (record.lanes_total is not None and number > record.lanes_total):
                of = f" of {record.lanes_total}" if record.lanes_total is not None else ""
                yield Fault(lane.path, f"there is no lane {lane.number!r}{of}")
            elif number in seen:
                yield Fault(lane.path, f"lane {number} is listed twice")
            else:
                seen.add(number)


RULES = (lanes_lie_within_the_count,)


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
