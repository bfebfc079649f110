"""The weekly hours of a recurring closure, as Waze CIFS writes them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trafficfeed.closures.road_events import RoadEvent

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MIDNIGHT: Final = "23:59"  # the last minute that the hours of a day can name
_EMPTY: Final = ("00:00-00:00", "23:59-23:59")


def schedule_of(event: RoadEvent, zone: ZoneInfo) -> Mapping[str, str] | None:
    """Return the hours of one occurrence by weekday, Monday first; what runs over midnight is cut there.

    None where they would say something else than start and end: for what does not recur, has an estimated end, lasts
    a day or longer, does not keep to whole minutes, or meets a change of the clocks.

    Source: cifsv2.xsd, ``schedule`` (a sequence: the days stand in the order of the week).
    """
    start, end = event.window.start.astimezone(zone), event.window.end.astimezone(zone)
    in_minutes = not (start.second or start.microsecond or end.second or end.microsecond)
    if not event.recurring or event.end_is_estimate or event.window.length >= timedelta(days=1) or not in_minutes:
        return None
    if start.utcoffset() != end.utcoffset():
        return None
    if start.date() == end.date():
        hours = {DAYS[start.weekday()]: f"{start:%H:%M}-{end:%H:%M}"}
    else:
        hours = {DAYS[start.weekday()]: f"{start:%H:%M}-{_MIDNIGHT}", DAYS[end.weekday()]: f"00:00-{end:%H:%M}"}
    return {day: hours[day] for day in DAYS if day in hours and hours[day] not in _EMPTY}
