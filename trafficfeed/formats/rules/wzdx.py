"""WZDx: what a work zone says of its lanes is what it says of vehicles."""

from collections import Counter
from collections.abc import Iterator

from trafficfeed.formats.records import LaneState
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule

_BESIDE = frozenset({"shoulder", "sidewalk", "bike-lane", "parking", "median"})


@rule("wzdx.impact", "wzdx", mend="derive vehicle_impact and lanes from the same facts")
def impact_agrees_with_the_lanes(yard: Yardstick) -> Iterator[Fault]:
    """All lanes closed, some or none: ``vehicle_impact`` and the status of the lanes for vehicles say the same.

    Source: WZDx 4.2, VehicleImpact and LaneStatus.
    """
    for record in yard.feed.records:
        lanes = [lane for lane in record.lanes if lane.kind not in _BESIDE]
        fault = _contradiction(record.impact, lanes)
        if fault:
            yield Fault(record.path, f"says {record.impact}, but {fault}")


@rule("wzdx.lanes", "wzdx", mend="count lanes from 1 at the left edge, each once")
def lanes_are_counted_once(yard: Yardstick) -> Iterator[Fault]:
    """Lanes are numbered from 1 at the left, and no two have the same number.

    Source: WZDx 4.2, Lane.order.
    """
    for record in yard.feed.records:
        counts = Counter(lane.number for lane in record.lanes if _is_count(lane.number))
        for lane in record.lanes:
            if not _is_count(lane.number) or counts[lane.number] > 1:
                yield Fault(lane.path, f"{lane.number!r} does not place the lane among {len(record.lanes)}")


RULES = (impact_agrees_with_the_lanes, lanes_are_counted_once)


def _contradiction(impact: str, lanes: list[LaneState]) -> str:
    if not lanes:
        return ""
    closed = sum(lane.closed for lane in lanes)
    if impact == "all-lanes-closed" and closed < len(lanes):
        return f"{len(lanes) - closed} of {len(lanes)} lanes are not closed"
    if impact.startswith("some-lanes-closed") and closed in (0, len(lanes)):
        return f"{closed} of {len(lanes)} lanes are closed"
    if impact.startswith("all-lanes-open") and closed:
        return f"{closed} of {len(lanes)} lanes are closed"
    return ""


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
