"""Every kind of lamp source starts by the setting alone, over real sockets; a bad setting says what to write."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.formats import spatem
from trafficfeed.formats.j2735_reading import Frame, write_frame
from trafficfeed.pipeline.controllers_file import load_controllers
from trafficfeed.pipeline.live_sources import Surroundings, sources
from trafficfeed.pipeline.source_addresses import read_addresses
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.controllers import Controller
from trafficfeed.signals.ingest.gat1049_wire import element, write_message
from trafficfeed.signals.ingest.hires_feed import HiresSource
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalGroup, Topology

GREEN, RED = Aspect.PROTECTED_GREEN, Aspect.STOP_AND_REMAIN


def made_topology() -> Topology:
    groups = tuple(
        SignalGroup(id=n, name=f"K{n}", street="", compass="", manoeuvres=(Manoeuvre.STRAIGHT,), stop_line=(0.0, 0.0))
        for n in (1, 2)
    )
    north = Intersection(
        id="north", number=7, region=3, name="", lonlat=(0.0, 0.0), lanes=(), connections=(), groups=groups,
        conflicts=(),
    )  # fmt: skip
    return Topology(city="made", version="1", source="test", made_at=datetime.now(UTC), intersections={"north": north})


class Door:
    """A door with what came through it."""

    def __init__(self, controllers: dict[str, Controller] | None = None) -> None:
        self.heard: list[LampEvent] = []
        self.intake = Intake(topology=made_topology())
        self.intake.subscribe(self.heard.extend)
        self.controllers = controllers or {}

    def around(self, tmp_path: Path, **changes: Any) -> Surroundings:
        return Surroundings(
            **{
                "city": SimpleNamespace(file=SimpleNamespace(timezone="Asia/Shanghai")),
                "topology": made_topology(),
                "index": None,
                "intake": self.intake,
                "hires": HiresSource(self.intake, lambda _: None, self.controllers),
                "controllers": self.controllers,
                "clock": lambda: datetime.now(UTC),
                "work": tmp_path,
                **changes,
            }
        )

    async def until_heard(self, made: list[Any], act: Callable[[], object] = lambda: None) -> None:
        """Run sources until something was heard, `act` now and then; then cancel them."""
        running = [asyncio.create_task(one) for one in made]
        for _ in range(200):
            await asyncio.sleep(0.05)
            act()
            if self.heard:
                break
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    yield number


def now_green() -> IntersectionState:
    return IntersectionState(
        intersection="north", number=7, region=3, revision=1, observed_at=datetime.now(UTC),
        groups=[GroupState(group=1, aspect=GREEN)],
    )  # fmt: skip


def as_spatem() -> bytes:
    return spatem.encode(now_green())


def as_j2735() -> bytes:
    return write_frame(Frame(kind="SPAT", value=spatem.value_of(now_green())["spat"])).hex().encode()


@pytest.mark.parametrize(("kind", "encode"), [("spatem", as_spatem), ("j2735", as_j2735)])
def test_roadside_units_are_heard_by_udp(kind: str, encode: Callable[[], bytes], port: int, tmp_path: Path) -> None:
    door = Door()

    async def scene() -> None:
        made = sources(read_addresses(f"http, {kind}+udp://127.0.0.1:{port}"), door.around(tmp_path))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit:
            await door.until_heard(made, lambda: unit.sendto(encode(), ("127.0.0.1", port)))

    asyncio.run(scene())
    assert [(one.key, one.aspect, one.source) for one in door.heard] == [
        (GroupKey("north", 1), GREEN, f"{kind}:udp://127.0.0.1")
    ]


def test_a_port_that_is_taken_is_said_and_tried_again(
    port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trafficfeed.pipeline.live_sources._AGAIN_S", 0.05)
    door = Door()
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", port))

    async def scene() -> None:
        with taken, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit:

            def act() -> None:
                if "cannot be listened at" in caplog.text:
                    taken.close()
                unit.sendto(as_spatem(), ("127.0.0.1", port))

            await door.until_heard(sources(read_addresses(f"spatem+udp://:{port}"), door.around(tmp_path)), act)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scene())
    assert f"spatem+udp://:{port} cannot be listened at" in caplog.text
    assert door.heard


def test_a_signal_system_is_logged_in_to_and_its_crossings_are_ours(tmp_path: Path) -> None:
    door = Door({"35058280001234": Controller(intersection="north", groups={4: 2})})
    asked: list[bytes] = []

    def push() -> bytes:
        at = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        group = element("SignalGroupStatus", SignalGroupNo="4", LampStatus="112", RemainTime="0")
        lamps = [("SignalGroupStatus", group)]
        told = element("CrossSignalGroupStatus", CrossID="35058280001234", LampStatusTime=at)
        child = told.makeelement("SignalGroupStatusList", {}, None)
        child.extend(one for _, one in lamps)
        told.append(child)
        return write_message("PUSH", "Notify", told, seq="1")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.readuntil(b"</Message>"):
                asked.append(data)
                if b'name="Login"' in data:
                    writer.write(
                        write_message("RESPONSE", "Login", element("SDO_User", UserName="a:b"), seq="1", token="t")
                    )
                if b"CrossReportCtrl" in data:
                    writer.write(push())
        except asyncio.IncompleteReadError:
            pass

    async def scene() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        address = f"gat1049://a%3Ab:p%40ss%2Cword@127.0.0.1:{port}?edition=2.0&zone=Asia/Shanghai"
        await door.until_heard(sources(read_addresses(address), door.around(tmp_path)))
        server.close()

    asyncio.run(scene())
    assert [(one.key, one.aspect) for one in door.heard] == [(GroupKey("north", 2), GREEN)]
    assert b"<UserName>a:b</UserName>" in asked[0] and b"<Pwd>p@ss,word</Pwd>" in asked[0]
    assert any(b"35058280001234" in one and b"CrossReportCtrl" in one for one in asked)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "is empty"),
        ("virtuel", "no such kind"),
        ("off,http", "off beside others"),
        ("http,http", "names http twice"),
        ("udp://:4711", "no such kind"),
        ("json+udp://:4711", "no such kind"),
        ("spatem+udp://0.0.0.0", "HOST:PORT"),
        ("spatem+udp://:99999", "is no address"),
        ("spatem+udp://:4711?x=1", "no options"),
        ("spatem+mqtt://broker", "has to say the topic"),
        ("mqtt:///topic", "names no broker"),
        ("gat1049://:secret@", "HOST:PORT"),
        ("gat1049://utcs:8888", "USER:PASSWORD@"),
        ("gat1049://me:secret@utcs:8888?edition=3.0", "edition=3.0 is no option"),
        ("gat1049://me:secret@utcs:8888?zone=Asia/Peking", "'Asia/Peking' is no time zone"),
        ("gat1049://me:secret@utcs:8888?lamp=1", "lamp=1 is no option"),
        ("ftp://me:secret@utcs/states", "no such kind"),
        ("gat1049://me:secret@utcs:99999", "is no address"),
        ("gat1049://me:secret/@utcs:8888", "is no address"),
    ],
)
def test_a_bad_setting_says_what_is_wrong_and_what_to_write_and_never_the_password(setting: str, said: str) -> None:
    with pytest.raises(ScenarioInvalid, match="TRAFFICFEED_SIGNALS") as refused:
        read_addresses(setting)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    if "off" not in setting and "twice" not in said:
        assert "spatem+udp://HOST:PORT" in str(refused.value)


def test_what_is_set_is_shown_without_its_password() -> None:
    (one,) = read_addresses("gat1049://me:secret@utcs:8888?green=23")
    assert (one.shown, one.password) == ("gat1049://me@utcs:8888?green=23", "secret")
    assert "secret" not in repr(one)
    assert read_addresses("off") == ()


def test_a_signal_system_without_crossings_and_a_virtual_city_without_its_network_are_refused(tmp_path: Path) -> None:
    around = Door().around(tmp_path, topology=None)
    with pytest.raises(ScenarioInvalid, match="TRAFFICFEED_SIGNALS_CONTROLLERS"):
        sources(read_addresses("spatem+udp://:4711,gat1049://me:secret@utcs:8888"), around)
    with pytest.raises(ScenarioInvalid, match="unset TRAFFICFEED_SIGNALS_TOPOLOGY"):
        sources(read_addresses("virtual"), around)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "the file"),
        ("{", "the file"),
        ('{"7": {"groups": {"1": 1}}}', "7.intersection"),
        ('{"7": {"intersection": "south"}}', "no intersection 'south'"),
        ('{"7": {"intersection": "north", "groups": {"2": 9}}}', r"no signal groups \[9\]"),
        ('{"7": {"intersection": "north"}, "8": {"intersection": "north"}}', "8 and 7 are both north"),
    ],
)
def test_a_bad_file_of_controllers_says_where(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ScenarioInvalid, match=said) as refused:
        load_controllers(path, made_topology())
    assert str(path) in str(refused.value)


def test_a_good_file_of_controllers_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    path.write_text(json.dumps({"227": {"intersection": "north", "groups": {"2": 1, "104": 2}}}), "utf-8")
    assert load_controllers(path, made_topology()) == {"227": Controller(intersection="north", groups={2: 1, 104: 2})}
    assert load_controllers(None, None) == {}
    with pytest.raises(SourceUnavailable, match="TRAFFICFEED_SIGNALS_CONTROLLERS"):
        load_controllers(tmp_path / "none.json", None)
