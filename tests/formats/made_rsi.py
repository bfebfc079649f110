"""Made events for RSI, and a table of event codes with numbers that mean nothing: the true ones are the deployer's."""

from dataclasses import replace

from made_events import CLOSURE, FEED

MADE_CODES = {
    "closure": 11111,
    "lanes_closed": 22222,
    "vehicles": 33333,
    "speed_limit": 44444,
    "turn_ban": 55555,
    "metering": 60000,
    "public_event.closure": 61111,
}
RSI_FEED = replace(FEED, event_codes=MADE_CODES)
AT_QUANZHOU = tuple((round(lon + 108.6, 7), round(lat - 35.0, 7)) for lon, lat in CLOSURE.coordinates)
QUANZHOU = replace(
    CLOSURE,
    title={"zh": "供水管道施工", "en": "Water main renewal"},
    street="丰泽街",
    from_street="",
    to_street="",
    coordinates=AT_QUANZHOU,
    timezone="Asia/Shanghai",
    segments=(),
    detour=None,
)
