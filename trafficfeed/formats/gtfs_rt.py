"""GTFS-Realtime: alerts of the bus routes that closures turn off their way, and their detours."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any, Final

from trafficfeed.closures.orders import Reason
from trafficfeed.closures.road_events import RoadEvent, TransitImpact
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.gtfs_rt_reading import encoded_polyline, read_message
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.standard import Fragment, Standard
from trafficfeed.formats.texts import in_language, plain

FILE_NAME = "gtfs-rt.pb"

_CAUSES: Final = {
    Reason.ROADWORKS: "CONSTRUCTION",
    Reason.PUBLIC_EVENT: "SPECIAL_EVENT",
    Reason.SPORT: "SPECIAL_EVENT",
    Reason.ACCIDENT: "ACCIDENT",
    Reason.FLOODING: "WEATHER",
    Reason.SECURITY: "POLICE_ACTIVITY",
}


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the entities of `event`, nothing where it turns no bus off its way or is cancelled.

    An alert for the routes; one for the stops that are not served; for each pattern of stops that has a way around,
    the new shape and the modified trips, which refer to the alert. They are one fragment: the message of GTFS-Realtime
    is made so that partial messages one after another are one message.

    Raises
    ------
    FeedNonConformant
        If the coordinates are not WGS-84, which GTFS demands.

    Source: GTFS Realtime reference 2.0: Alert, Shape, TripModifications (experimental there).
    """
    if not event.transit or event.cancelled:
        return ()
    if feed.datum != "wgs84":
        message, mend = f"GTFS takes WGS-84 coordinates, these are {feed.datum}", "convert them before this step"
        finding = Finding(rule="gtfs-rt.datum", severity=Severity.ERROR, message=message, mend=mend)
        raise FeedNonConformant(f"{message}: {mend}", [finding])
    message = _pb().FeedMessage()
    _add_alert(message, event)
    _add_stops(message, event)
    for number, impact in zip(count(1), (i for i in event.transit if i.new_shape)):
        _add_detour(message, event, impact, f"{event.id}.{impact.shape_id}.{number}")
    return (Fragment.of(event, message.SerializePartialToString(deterministic=True)),)


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the whole FeedMessage of `fragments`; `publication_time` becomes the header's timestamp.

    A trip is modified once a day: of two events on its way the first by id gives the detour, and both an alert.
    """
    message = _pb().FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = _pb().FeedHeader.FULL_DATASET
    message.header.timestamp = int(publication_time.timestamp())
    for fragment in fragments:
        message.MergeFromString(fragment.data)
    _keep_trips_once(message)
    data: bytes = message.SerializeToString(deterministic=True)
    return data


STANDARD = Standard(
    name="gtfs-rt",
    title="GTFS-Realtime: alerts and detours of buses",
    file_name=FILE_NAME,
    media_type="application/x-protobuf",
    fragments=fragments,
    assemble=assemble,
    read=read_message,
)
encode = STANDARD.encode


@cache
def _pb() -> Any:
    """Return the bindings: imported where first used, for they take a while."""
    from google.transit import gtfs_realtime_pb2

    return gtfs_realtime_pb2


def _add_alert(message: Any, event: RoadEvent) -> None:
    entity = message.entity.add(id=event.id)
    alert = entity.alert
    for route_id, direction_id in _directions(event.transit):
        selector = alert.informed_entity.add(route_id=route_id)
        if direction_id is not None:
            selector.direction_id = direction_id
    effect = "DETOUR" if all(impact.detour for impact in event.transit) else "REDUCED_SERVICE"
    _say(alert, event, effect, {i.route_name for i in event.transit})


def _add_stops(message: Any, event: RoadEvent) -> None:
    """Say which stops a route does not serve; other routes may come by another way."""
    pairs = sorted({(impact.route_id, stop) for impact in event.transit for stop in impact.stops})
    if not pairs:
        return
    alert = message.entity.add(id=f"{event.id}.stops").alert
    for route_id, stop_id in pairs:
        alert.informed_entity.add(route_id=route_id, stop_id=stop_id)
    _say(alert, event, "NO_SERVICE", {i.route_name for i in event.transit if i.stops})


def _say(alert: Any, event: RoadEvent, effect: str, routes: Iterable[str]) -> None:
    pb = _pb()
    period = alert.active_period.add()
    period.start, period.end = (int(bound.timestamp()) for bound in (event.window.start, event.window.end))
    alert.cause = pb.Alert.Cause.Value(_CAUSES.get(event.reason, "OTHER_CAUSE"))
    alert.effect = pb.Alert.Effect.Value(effect)
    alert.severity_level = pb.Alert.SeverityLevel.Value("WARNING")
    names = ", ".join(sorted(routes))
    _translate(alert.header_text, {language: f"{names}: {text}" for language, text in event.title.items()})
    languages = sorted({*event.title, *event.description})
    _translate(alert.description_text, {language: _description(event, language) for language in languages})
    if event.certificate is not None:
        alert.url.translation.add(text=event.certificate.href)


def _description(event: RoadEvent, language: str) -> str:
    streets = " – ".join(filter(None, (event.from_street, event.to_street)))
    place = f"{event.street} ({streets})" if event.street and streets else event.street
    said = [
        in_language(event.description, language),
        place,
        in_language(event.until, language) if event.until else "",
        impact_text(event, language),
    ]
    return " ".join(plain(text) if text[-1] in ".!?。" else f"{plain(text)}." for text in said if text)


def _translate(field: Any, texts: Mapping[str, str]) -> None:
    for language, text in sorted(texts.items()):
        field.translation.add(text=plain(text), language=language)


def _directions(impacts: Sequence[TransitImpact]) -> list[tuple[str, int | None]]:
    return sorted({(i.route_id, i.direction_id) for i in impacts}, key=lambda pair: (pair[0], pair[1] or 0))


def _add_detour(message: Any, event: RoadEvent, impact: TransitImpact, name: str) -> None:
    """Add the trips that go another way on some days, and their new shape.

    Without a stop left out, the selector is the next call, and there is no end selector.
    """
    if impact.stop_span is None or not impact.new_shape:
        return
    shape = message.entity.add(id=f"{name}.shape").shape
    shape.shape_id, shape.encoded_polyline = f"{name}.shape", encoded_polyline(impact.new_shape)
    changed = message.entity.add(id=f"{name}.trips").trip_modifications
    changed.selected_trips.add(trip_ids=list(impact.trip_ids), shape_id=shape.shape_id)
    changed.service_dates.extend(impact.service_dates)
    first, last = impact.stop_span
    modification = changed.modifications.add(service_alert_id=event.id, propagated_modification_delay=impact.delay_s)
    modification.last_modified_time = int(event.updated.timestamp())
    modification.start_stop_selector.stop_sequence = first
    if last is not None:
        modification.end_stop_selector.stop_sequence = last


def _keep_trips_once(message: Any) -> None:
    """Source: GTFS Realtime reference, TripModifications: on a service date a trip must not be in more than one."""
    taken: set[tuple[str, str]] = set()
    dropped: set[str] = set()
    for entity in [e for e in message.entity if e.HasField("trip_modifications")]:
        changed = entity.trip_modifications
        selected = changed.selected_trips[0]
        kept = [trip for trip in selected.trip_ids if not any((trip, day) in taken for day in changed.service_dates)]
        taken.update((trip, day) for trip in kept for day in changed.service_dates)
        del selected.trip_ids[:]
        selected.trip_ids.extend(kept)
        if not kept:
            dropped |= {entity.id, selected.shape_id}
    for number in reversed(range(len(message.entity))):
        if message.entity[number].id in dropped:
            del message.entity[number]
