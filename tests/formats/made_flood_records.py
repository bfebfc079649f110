"""Road events of a flood: a street warned of, one closed for all but emergency vehicles, one foretold."""

from dataclasses import replace
from datetime import UTC, datetime

from made_events import CLOSURE

from trafficfeed.closures.orders import Closure, Exemption, Hazard, Reason, Wader, Water, WaterBasis
from trafficfeed.closures.road_events import Validation
from trafficfeed.windows import Window

BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENDS = datetime(2026, 11, 22, 14, tzinfo=UTC)
AREA = ((10.0, 59.9), (10.004, 59.9), (10.004, 59.903), (10.0, 59.903), (10.0, 59.9))
SHALLOW = Water(
    basis=WaterBasis.OBSERVED, valid_from=BEGAN, valid_until=ENDS, depth_m=0.17, p10_m=0.12, p90_m=0.26, chance=0.05,
    speed_kmh=19.0, passable=tuple(Wader), site="underpass", method="observed", note="synthetic terrain", area=AREA,
)  # fmt: skip
DEEP = replace(
    SHALLOW, depth_m=0.47, p10_m=0.4, p90_m=0.55, chance=0.97, speed_kmh=0.0, passable=(),
    closed_to=(Wader.SMALL, Wader.LARGE, Wader.FOUR_WHEEL_DRIVE),
)  # fmt: skip
FORETOLD = replace(
    DEEP, basis=WaterBasis.FORECAST, depth_m=0.02, p10_m=0.1, p90_m=0.41, chance=0.45, method="reservoir"
)
HAZARD = replace(
    CLOSURE,
    id="underpass-1.water.high-street-northbound.p1",
    order_id="underpass-1",
    order_version=1,
    measure_id="water",
    title={"en": "Water on the road: Underpass", "zh": "道路积水：地道"},
    description={"en": "About 17 cm of water.", "zh": "积水约17厘米。"},
    reason=Reason.FLOODING,
    rule=Hazard(),
    exceptions=(),
    lanes_closed=(),
    window=Window(start=BEGAN, end=ENDS),
    end_is_estimate=True,
    created=BEGAN,
    updated=BEGAN,
    validation=Validation.PENDING,
    certificate=None,
    detour=None,
    detour_streets=(),
    areas=(AREA,),
    water=SHALLOW,
)
CLOSED = replace(
    HAZARD,
    order_version=2,
    rule=Closure(),
    exceptions=(Exemption.EMERGENCY,),
    lanes_closed=(1, 2, 3),
    detour=CLOSURE.detour,
    detour_streets=CLOSURE.detour_streets,
    water=DEEP,
)
EXPECTED = replace(CLOSED, water=FORETOLD)
