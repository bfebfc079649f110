"""What is on the road as a DATEX II record: water with its depth, or another hazard."""

from types import MappingProxyType

from trafficfeed.closures.orders import Hazard, Reason, WaterBasis
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.datex2_causes import obstruction_id
from trafficfeed.formats.datex2_location import add_location
from trafficfeed.formats.datex2_records import add_record, add_words
from trafficfeed.formats.datex2_xml import Element, add
from trafficfeed.formats.feed_info import FeedInfo

_EVEN = 0.5
_SEVERITY = ((0.50, "highest"), (0.30, "high"), (0.15, "medium"))
_TYPES = MappingProxyType(
    {
        Reason.ACCIDENT: "unprotectedAccidentArea",
        Reason.ROADWORKS: "clearanceWork",
        Reason.PUBLIC_EVENT: "peopleOnRoadway",
    }
)


def is_obstructed(event: RoadEvent) -> bool:
    """Tell whether there is something on the road that has a record of its own."""
    return event.water is not None or isinstance(event.rule, Hazard)


def add_obstruction(parent: Element, event: RoadEvent, feed: FeedInfo, country: str) -> None:
    """Append the record of the water on the road, or of the hazard.

    Source: DATEX II 3.5, DATEXII_3_Situation.xsd, EnvironmentalObstruction (depth: "the depth of flooding or of snow on
    the road", in metres; environmentalObstructionType: flooding) and GeneralObstruction.
    """
    floods = event.water is not None or event.reason is Reason.FLOODING
    class_name = "sit:EnvironmentalObstruction" if floods else "sit:GeneralObstruction"
    record = add_record(
        parent, event, class_name, obstruction_id(event), country,
        severity=_severity(event), probability=_probability(event),
    )  # fmt: skip
    add_words(record, event, feed)
    add_location(record, event)
    if not floods:
        add(record, "sit:obstructionType", _TYPES.get(event.reason, "hazardsOnTheRoad"))
        return
    depth_m = _depth_m(event)
    if depth_m is not None:
        add(record, "sit:depth", f"{depth_m:.2f}")
    add(record, "sit:environmentalObstructionType", "flooding")


def _depth_m(event: RoadEvent) -> float | None:
    """Return the depth to tell: what is there or, where nothing is yet, the deepest that is expected."""
    water = event.water
    if water is None:
        return None
    return water.p90_m if water.basis is WaterBasis.FORECAST and water.p90_m is not None else water.depth_m


def _severity(event: RoadEvent) -> str:
    depth_m = _depth_m(event)
    if depth_m is None:
        return "medium"
    return next((word for limit_m, word in _SEVERITY if depth_m >= limit_m), "low")


def _probability(event: RoadEvent) -> str:
    """Source: DATEX II 3.5, ProbabilityOfOccurrenceEnum: certain, probable (likely), riskOf (not certain)."""
    water = event.water
    if water is None or water.basis is not WaterBasis.FORECAST:
        return "certain"
    return "riskOf" if water.chance is not None and water.chance <= _EVEN else "probable"
