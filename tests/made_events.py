"""Road events made by hand, one of each kind that a format has to tell apart."""

from dataclasses import replace
from datetime import UTC, datetime

from trafficfeed.closures.orders import (
    Closure,
    Exemption,
    LanesClosed,
    Metering,
    Reason,
    Rule,
    SpeedLimit,
    TurnBan,
    VehicleRestriction,
)
from trafficfeed.closures.road_events import (
    CertificateSummary,
    Diversion,
    QueueRisk,
    RoadEvent,
    RoadSegment,
    Validation,
)
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

PUBLISHED = datetime(2026, 11, 22, 12, tzinfo=UTC)
CERTIFICATE = CertificateSummary(
    certificate_id="c0ffee",
    verdict="publish",
    href="https://traffic.example.org/v1/certificates/c0ffee",
    seeds=5,
    delay_per_vehicle_s=3.2,
    delay_low_s=1.1,
    delay_high_s=5.3,
    emergency_delay_s=0.4,
    diverted_to=(Diversion(street="East Street", vehicles=120), Diversion(street="Ring Road", vehicles=95)),
    queue_risk=QueueRisk.NONE,
)
FEED = FeedInfo(
    publisher="Example City",
    contact_name="Traffic desk",
    contact_email="traffic@example.org",
    licence="CC0-1.0",
    attribution="© OpenStreetMap contributors",
    language="en",
    timezone="Europe/Oslo",
    public_url="https://traffic.example.org/v1/feeds/closures",
    bounds=(9.99, 59.89, 10.02, 59.92),
)
CLOSURE = RoadEvent(
    id="order-1.closure.high-street-northbound.p1",
    order_id="order-1",
    order_version=2,
    measure_id="closure",
    title={"en": "Water main renewal", "nb": "Ny vannledning"},
    description={"en": "The street is dug up.", "nb": "Gata graves opp."},
    reason=Reason.ROADWORKS,
    rule=Closure(),
    exceptions=(Exemption.EMERGENCY, Exemption.RESIDENTS),
    street="High Street",
    from_street="Abbey Row",
    to_street="Ring Road",
    compass="northbound",
    coordinates=((10.0028141, 59.9000012), (10.0028003, 59.9014021), (10.0028141, 59.9028033)),
    lanes_total=3,
    lanes_closed=(1, 2, 3),
    window=Window(start=datetime(2026, 12, 5, 6, tzinfo=UTC), end=datetime(2026, 12, 5, 17, tzinfo=UTC)),
    end_is_estimate=False,
    authority="Example City",
    contact_name="Traffic desk",
    contact_email="traffic@example.org",
    timezone="Europe/Oslo",
    created=datetime(2026, 11, 20, 8, tzinfo=UTC),
    updated=datetime(2026, 11, 21, 9, tzinfo=UTC),
    match_confidence=0.98,
    validation=Validation.PASSED,
    certificate=CERTIFICATE,
    detour=((10.0028141, 59.9000012), (10.0054019, 59.9000012), (10.0054019, 59.9028033), (10.0028141, 59.9028033)),
    detour_streets=("Abbey Row", "East Street", "Ring Road"),
    osm_ways=((123456789, True), (987654321, False)),
    segments=(
        RoadSegment(
            key="n11-n12",
            coordinates=((10.0028141, 59.9000012), (10.0028003, 59.9014021)),
            street="High Street",
            from_street="Abbey Row",
            to_street="Mill Lane",
            length_m=156.1,
            osm_ways=((123456789, True),),
        ),
        RoadSegment(
            key="n12-n13",
            coordinates=((10.0028003, 59.9014021), (10.0028141, 59.9028033)),
            street="High Street",
            from_street="Mill Lane",
            to_street="Ring Road",
            length_m=156.1,
            osm_ways=((987654321, False),),
        ),
    ),
)


def ruled(name: str, rule: Rule, **changes: object) -> RoadEvent:
    """Return the roadworks without a detour, under another rule and id."""
    changes = {"lanes_closed": (), "detour": None, "detour_streets": (), "exceptions": (), **changes}
    return replace(CLOSURE, id=f"order-1.{name}.high-street-northbound.p1", measure_id=name, rule=rule, **changes)  # type: ignore[arg-type]


KERB_LANE = ruled("kerb-lane", LanesClosed(lanes=(1,)), lanes_closed=(1,))
LOW_BRIDGE = ruled("low-bridge", VehicleRestriction(max_height_m=3.5, max_weight_t=7.5))
BUS_STREET = ruled("bus-street", VehicleRestriction(only=(VehicleClass.BUS,)))
NO_TRUCKS = ruled("no-trucks", VehicleRestriction(banned=(VehicleClass.TRUCK,)))
SLOW = ruled("slow", SpeedLimit(limit_kmh=30))
DRIP = ruled("drip", Metering(flow_vph=300))
TURN = ruled("turn", TurnBan(), to_street="East Street")
CONCERT = replace(
    CLOSURE,
    id="order-2.ring.market-square-eastbound.p1b",
    order_id="order-2",
    reason=Reason.PUBLIC_EVENT,
    end_is_estimate=True,
    until={"en": "until the crowd has left"},
    validation=Validation.PENDING,
    certificate=None,
    street="",
    from_street="",
    to_street="",
    compass="eastbound",
    coordinates=((10.0000111, 59.9013861), (10.0027222, 59.9013899)),
    detour=None,
    detour_streets=(),
    osm_ways=(),
    segments=(
        RoadSegment(
            key="s1", coordinates=((10.0000111, 59.9013861), (10.0027222, 59.9013899)), street="", length_m=151.2
        ),
    ),
    areas=(((10.0, 59.901), (10.003, 59.901), (10.003, 59.902), (10.0, 59.902), (10.0, 59.901)),),
)
CANCELLED = replace(
    CLOSURE,
    id="order-3.closure.high-street-northbound.p1",
    order_id="order-3",
    cancelled=True,
    validation=Validation.PENDING,
    certificate=None,
)
EVENTS = (CLOSURE, KERB_LANE, LOW_BRIDGE, BUS_STREET, NO_TRUCKS, SLOW, DRIP, TURN, CONCERT, CANCELLED)
