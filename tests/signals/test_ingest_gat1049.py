"""GA/T 1049: lamp states from a signal system over a real socket, and no command ever back to it."""

import asyncio
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import LampEvent
from trafficfeed.signals.ingest.gat1049 import GREEN_IS_22, GREEN_IS_23, Gat1049Lamps, lamps
from trafficfeed.signals.ingest.gat1049_client import Gat1049Client, Gat1049Server
from trafficfeed.signals.ingest.gat1049_wire import (
    MAY_BE_SENT,
    CommandForbidden,
    Framing,
    ReadOnlyWriter,
    element,
    read_message,
    write_message,
)
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.refusals import Rule
from trafficfeed.signals.ingest.staleness import Staleness

ZONE = ZoneInfo("Asia/Shanghai")
SAMPLES = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared")) / "conformance/china"
SENT = datetime(2024, 3, 16, 10, 0, 1, 250000, tzinfo=UTC)


def sample(name: str) -> bytes:
    if not SAMPLES.is_dir():
        pytest.skip(f"the sample messages are not at {SAMPLES}")
    return (SAMPLES / name).read_bytes()


def events_of(data: bytes, lamps: Gat1049Lamps, received_at: datetime = SENT) -> list[LampEvent]:
    return list(lamps.events(read_message(data), received_at, "test"))


def status(lamp: str, remaining: int = 0, at: str = "2024-03-16 18:00:01.250") -> bytes:
    group = element("SignalGroupStatus", SignalGroupNo="1", LampStatus=lamp, RemainTime=str(remaining))
    told = element("CrossSignalGroupStatus", CrossID="7", LampStatusTime=at)
    etree.SubElement(told, "SignalGroupStatusList").append(group)
    return write_message("PUSH", "Notify", told, seq="20240316180001000001")


def test_the_second_edition_is_read_with_its_own_time() -> None:
    events = events_of(sample("v2_CrossSignalGroupStatus.xml"), Gat1049Lamps(zone=ZONE))

    assert [(event.key, event.aspect) for event in events] == [
        (("35058280001234", 1), Aspect.PROTECTED_GREEN),
        (("35058280001234", 2), Aspect.STOP_AND_REMAIN),
    ]
    assert {event.raw_observed_at for event in events} == {SENT}
    assert [event.announced for event in events] == [None, None], "the mode is not known, so what remains is not either"


def test_the_first_edition_has_the_time_of_arrival() -> None:
    (event,) = events_of(sample("2013_CrossPhaseLampStatus.xml"), Gat1049Lamps(zone=ZONE, crossings={"12": "north"}))

    assert (event.key, event.aspect) == (("north", 1), Aspect.STOP_AND_REMAIN)
    assert (event.observed_at, event.raw_observed_at) == (SENT, None)


@pytest.mark.parametrize("code", ["22", "23"])
def test_a_code_that_vendors_use_for_green_and_for_amber_is_unavailable_until_the_site_says(code: str) -> None:
    data = sample("2013_CrossPhaseLampStatus.xml").replace(b">21<", f">{code}<".encode())

    (unsaid,) = events_of(data, Gat1049Lamps(zone=ZONE))
    (first,) = events_of(data, Gat1049Lamps(zone=ZONE, codes=GREEN_IS_22))
    (second,) = events_of(data, Gat1049Lamps(zone=ZONE, codes=GREEN_IS_23))

    assert unsaid.aspect is Aspect.UNAVAILABLE
    assert {first.aspect, second.aspect} == {Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER}


@pytest.mark.parametrize(
    ("digits", "aspect"),
    [
        ("211", Aspect.STOP_AND_REMAIN),
        ("221", Aspect.PRE_MOVEMENT),
        ("121", Aspect.PROTECTED_AMBER),
        ("112", Aspect.PROTECTED_GREEN),
        ("113", Aspect.PROTECTED_GREEN),
        ("131", Aspect.FLASHING_AMBER),
        ("311", Aspect.STOP_THEN_PROCEED),
        ("111", Aspect.DARK),
        ("200", Aspect.STOP_AND_REMAIN),
        ("212", Aspect.UNAVAILABLE),
        ("231", Aspect.UNAVAILABLE),
        ("000", Aspect.UNAVAILABLE),
        ("114", Aspect.UNAVAILABLE),
        ("2１1", Aspect.UNAVAILABLE),
        ("21", Aspect.UNAVAILABLE),
        ("", Aspect.UNAVAILABLE),
    ],
)
def test_three_digits_are_red_amber_green_and_what_is_unclear_is_unavailable(digits: str, aspect: Aspect) -> None:
    assert lamps(digits) is aspect


def test_what_remains_is_told_under_a_fixed_plan_alone() -> None:
    reader = Gat1049Lamps(zone=ZONE)
    mode = element("CrossCtrlInfo", CrossID="7", ControlMode="21", PlanNo="1")
    actuated = element("CrossCtrlInfo", CrossID="7", ControlMode="22", PlanNo="1")

    events_of(write_message("PUSH", "Notify", mode, seq="1"), reader)
    (fixed,) = events_of(status("112", 23), reader)
    (undetermined,) = events_of(status("112", 0), reader)
    events_of(write_message("PUSH", "Notify", actuated, seq="1"), reader)
    (open_ended,) = events_of(status("112", 23), reader)

    assert fixed.announced is not None
    assert fixed.announced.likely_end == SENT + timedelta(seconds=23)
    assert (undetermined.announced, open_ended.announced) == (None, None)


@pytest.mark.parametrize("at", ["1970-01-01 00:00:00", "2024-03-17 02:00:01", "", "yesterday"])
def test_a_time_that_no_clock_drifts_to_gives_way_to_that_of_arrival(at: str) -> None:
    (event,) = events_of(status("112", 23, at), Gat1049Lamps(zone=ZONE))

    assert (event.observed_at, event.raw_observed_at) == (SENT, None)


def test_a_crossing_that_goes_offline_shows_nothing() -> None:
    reader = Gat1049Lamps(zone=ZONE)
    events_of(status("112"), reader)

    (gone,) = events_of(
        write_message("PUSH", "Notify", element("CrossState", CrossID="7", Value="Offline"), seq="1"), reader
    )

    assert gone.aspect is Aspect.UNAVAILABLE


def test_a_stream_is_cut_into_messages_however_it_arrives() -> None:
    stream = status("112") + b"\r\n" + status("211")
    framing = Framing()

    found = [one for k in range(len(stream)) for one in framing.feed(stream[k : k + 1])]

    assert found == Framing().feed(stream)
    assert len(found) == 2


def test_a_stream_without_an_end_is_given_up() -> None:
    framing = Framing()
    with pytest.raises(SourceMalformed, match="connect anew"):
        for _ in range(1000):
            framing.feed(b"x" * 1000)


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Message><Type>&b;</Type><Body/></Message>'
    with pytest.raises(SourceMalformed, match="document type"):
        read_message(bomb)


class Wire:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)


COMMANDS = [
    ("Set", "LockFlowDirection"),
    ("Set", "UnlockFlowDirection"),
    ("Set", "AdjustStage"),
    ("Set", "StageCtrl"),
    ("Set", "CenterPlan"),
    ("Set", "CtrlVarLane"),
    ("Set", "SetPlanParam"),
    ("Set", "SDO_User"),
    ("Other", "CrossReportCtrl"),
    ("Notify", "LockFlowDirection"),
]


@pytest.mark.parametrize(("operation", "holds"), COMMANDS)
@pytest.mark.parametrize("kind", ["REQUEST", "PUSH", "RESPONSE"])
def test_no_command_passes_the_writer(kind: str, operation: str, holds: str) -> None:
    wire = Wire()

    with pytest.raises(CommandForbidden):
        ReadOnlyWriter(wire).send(write_message(kind, operation, element(holds, CrossID="7"), seq="1"))

    assert wire.sent == []


def _beside(data: bytes) -> bytes:
    return data.replace(b"</CrossReportCtrl>", b"</CrossReportCtrl><LockFlowDirection/>")


def _second_operation(data: bytes) -> bytes:
    return data.replace(b"</Body>", b'<Operation order="2" name="Set"><CenterPlan/></Operation></Body>')


def _second_body(data: bytes) -> bytes:
    return data.replace(b"</Message>", b'<Body><Operation name="Set"><CenterPlan/></Operation></Body></Message>')


def _nested(data: bytes) -> bytes:
    return data.replace(b"<Cmd>Start</Cmd>", b'<Cmd><Operation name="Set"><CenterPlan/></Operation></Cmd>')


def _two_messages(data: bytes) -> bytes:
    return data + write_message("REQUEST", "Set", element("CenterPlan"), seq="1")


@pytest.mark.parametrize("hide", [_beside, _second_operation, _second_body, _nested, _two_messages, lambda _: b"x"])
def test_a_command_hidden_beside_what_is_allowed_passes_neither(hide: Callable[[bytes], bytes]) -> None:
    allowed = write_message("REQUEST", "Set", element("CrossReportCtrl", Cmd="Start"), seq="1")
    wire = Wire()
    ReadOnlyWriter(wire).send(allowed)

    with pytest.raises(CommandForbidden):
        ReadOnlyWriter(wire).send(hide(allowed))

    assert len(wire.sent) == 1


class SignalSystem:
    """A small signal system on a real socket: answers a login, then pushes what it was given; keeps what it heard."""

    def __init__(self, pushes: list[bytes]) -> None:
        self.pushes = pushes
        self.heard: list[bytes] = []
        self.sessions = 0
        self.back = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        try:
            while data := await reader.readuntil(b"</Message>"):
                self.heard.append(data)
                if b'name="Login"' in data:
                    user = element("SDO_User", UserName="reader")
                    writer.write(write_message("RESPONSE", "Login", user, seq="1", token="a-token"))
                if b"CrossReportCtrl" in data:
                    for push in self.pushes:
                        writer.write(push[: len(push) // 2])
                        await writer.drain()
                        writer.write(push[len(push) // 2 :])
                    if self.sessions == 1:
                        break  # the line falls; the client has to come back
                    self.back.set()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def test_a_client_reads_lamps_comes_back_after_a_fall_and_sends_only_what_is_allowed() -> None:
    pushes = [
        status("112"),
        b"<Message><broken</Message>",
        status("121", at="2024-03-16 18:00:01.260"),
        status("211", at="2024-03-16 18:00:01.270"),
    ]
    intake = Intake(staleness=Staleness(default_s=60))
    shown: list[LampEvent] = []
    ticks = iter(range(10**6))

    async def scene() -> SignalSystem:
        system = SignalSystem(pushes)
        server = await asyncio.start_server(system.serve, "127.0.0.1", 0)
        where = Gat1049Server(
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            user="reader",
            password="secret",
            crossings=["7"],
            heartbeat_s=0.05,
            first_wait_s=0.05,
        )
        intake.subscribe(shown.extend)
        client = Gat1049Client(
            where, Gat1049Lamps(zone=ZONE), intake, lambda: SENT + timedelta(seconds=next(ticks) / 50), ZONE
        )
        running = asyncio.create_task(client.run())
        await asyncio.wait_for(system.back.wait(), 20)
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        return system

    system = asyncio.run(scene())

    assert system.sessions >= 2
    assert [event.aspect for event in shown][:3] == [
        Aspect.PROTECTED_GREEN,
        Aspect.PROTECTED_AMBER,
        Aspect.STOP_AND_REMAIN,
    ]
    assert intake.refusals.count(Rule.MALFORMED) >= 2, "a broken message and a fallen line are counted"
    assert any(b"<Token>a-token</Token>" in heard for heard in system.heard)
    said = {
        (name, child.tag)
        for heard in system.heard
        for name, objects in read_message(heard).operations
        for child in objects
    }
    assert said <= MAY_BE_SENT
    assert {("Login", "SDO_User"), ("Set", "CrossReportCtrl"), ("Notify", "SDO_HeartBeat")} <= said
    assert all(re.search(rb"<Seq>\d{20}</Seq>", heard) for heard in system.heard)
