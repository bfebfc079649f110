"""Bytes in, facts stored: on both databases; repeated, late, out of order, malformed; by HTTP, folder and broker."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from trafficfeed.errors import OrderNotFound, SourceMalformed
from trafficfeed.flooding.ingest.sources import FILE
from trafficfeed.flooding.observations import Quality
from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.sites import Site, SiteSource
from trafficfeed.pipeline.flood_feeders import Feeders
from trafficfeed.pipeline.flood_intake import Intake, raw_payload, take, tides_taken
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.rain import Rain
from trafficfeed.store.tables import water_readings
from trafficfeed.store.water import Water

NOW = datetime(2026, 7, 14, 16, 30, tzinfo=UTC)
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
CITY = """
name = "town"
title = "Town"
timezone = "Europe/Helsinki"
licence = "CC0-1.0"
attribution = "made by a test"
[network]
net_file = "network/town.net.xml"
source = "net"
crs = "EPSG:32635"
[demand]
route_files = []
kind = "hour"
begin_s = 0
end_s = 3600
method = "none"
"""
SOURCES = """
[[source]]
id = "drop"
kind = "levels"
adapter = "csv"
unit = "cm"
timezone = "Europe/Helsinki"

[[source]]
id = "counter"
kind = "rain"
adapter = "json"
unit = "mm"
rain = "cumulative"
sensors = { R = { lon = 24.9, lat = 60.2 } }

[[source]]
id = "meteo"
kind = "forecast"
adapter = "open-meteo"

[[source]]
id = "tide"
kind = "tide"
adapter = "csv"
unit = "m"
sensors = { quay = { lon = 24.9, lat = 60.1 } }
"""


@pytest.fixture
def town(tmp_path: Path) -> Settings:
    """Settings of a city without a network, with one site that two gauges look at."""
    folder = tmp_path / "cities" / "town"
    (folder / "flooding").mkdir(parents=True)
    (folder / "city.toml").write_text(CITY, "utf-8")
    (folder / FILE).write_text(SOURCES, "utf-8")
    site = Site(id="underpass", name="", lon=24.95, lat=60.17, source=SiteSource.LIST, sensors=("a", "b"))
    write_sites([site], folder / "flooding" / "sites.json")
    return Settings(state_dir=tmp_path / "state", cities_dir=folder.parent, city="town")


def csv(depths_cm: list[float], *, sensor: str = "a", start: datetime = NOW, every_s: int = 60) -> bytes:
    rows = [f"{sensor},{(start + timedelta(seconds=every_s * n)).isoformat()},{one}" for n, one in enumerate(depths_cm)]
    return "\n".join(["sensor,time,value", *rows, ""]).encode()


def stored(database: Database) -> dict[str, list[tuple[float, Quality]]]:
    with database.reading() as connection:
        found = Water(connection, "town").readings(since=NOW - timedelta(days=40))
    return {sensor: [(round(one.depth_m * 100, 2), one.quality) for one in its] for sensor, its in found.items()}


def rows(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(water_readings)).scalar_one())


def told(database: Database) -> int:
    """Count readings, each once however often it was judged."""
    with database.reading() as connection:
        return int(connection.execute(select(func.count(water_readings.c.id.distinct()))).scalar_one())


def test_the_same_payload_a_hundred_times_is_one(town: Settings, database: Database) -> None:
    payload = csv([0, 3, 6, 9, 12])
    news: list[Intake] = []
    for n in range(100):
        intake = take(town, database, "drop", payload, NOW + timedelta(seconds=300 + n), then=news.append)
    assert intake.duplicates == 5 and not intake.has_news
    (first,) = news
    assert len(first.readings) == 5 and rows(database) == 5
    assert raw_payload(town, first.readings[0].raw) == payload


def test_what_arrives_out_of_order_is_the_same_history(town: Settings, database: Database) -> None:
    for start, depths in ((5, [15, 18, 21]), (0, [0, 3]), (2, [6, 9, 12])):
        take(town, database, "drop", csv(depths, start=NOW + timedelta(minutes=start)), NOW + timedelta(minutes=8))
    assert stored(database) == {"a": [(3.0 * n, Quality.GOOD) for n in range(8)]}


def test_back_fill_of_last_week_is_history_and_leaves_today_as_it_is(town: Settings, database: Database) -> None:
    take(town, database, "drop", csv([0, 3, 6]), NOW + timedelta(minutes=3))
    week_ago = NOW - timedelta(days=7)
    intake = take(town, database, "drop", csv([40, 41, 42], start=week_ago), NOW + timedelta(minutes=4))
    assert {one.quality for one in intake.readings} == {Quality.LATE}
    assert stored(database)["a"][-1] == (6.0, Quality.GOOD)


def test_a_long_back_fill_is_taken_in_several_transactions_and_judged_as_one(
    town: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trafficfeed.pipeline.flood_intake._AT_ONCE", 7)
    both = csv([1, 2, 3, 4, 60, 5, 6, 7, 8]) + csv([1, 2, 3, 4, 5, 6], sensor="c").split(b"\n", 1)[1]
    intake = take(town, database, "drop", both, NOW + timedelta(minutes=9))
    assert len(intake.readings) >= 15 and rows(database) >= 15
    assert [depth for depth, quality in stored(database)["a"] if quality is not Quality.GOOD] == [60.0]
    assert take(town, database, "drop", both, NOW + timedelta(minutes=9)).duplicates == 15


def test_a_spike_waits_and_its_confirmation_is_news(town: Settings, database: Database) -> None:
    take(town, database, "drop", csv([2, 2, 2]), NOW + timedelta(minutes=3))
    jump = take(town, database, "drop", csv([34], start=NOW + timedelta(minutes=3)), NOW + timedelta(minutes=3))
    assert [one.quality for one in jump.readings] == [Quality.SPIKE]
    after = take(town, database, "drop", csv([35], start=NOW + timedelta(minutes=4)), NOW + timedelta(minutes=4))
    assert [(round(one.depth_m, 2), one.quality, one.revision) for one in after.readings] == [
        (0.35, Quality.GOOD, 0), (0.34, Quality.GOOD, 1),
    ]  # fmt: skip


def test_gauges_of_one_site_confirm_one_another(town: Settings, database: Database) -> None:
    for sensor in "ab":
        take(town, database, "drop", csv([2, 2, 2], sensor=sensor), NOW + timedelta(minutes=3))
    later = NOW + timedelta(minutes=3)
    assert take(town, database, "drop", csv([34], start=later), later).readings[0].quality is not Quality.GOOD
    both = take(town, database, "drop", csv([33], sensor="b", start=later), later)
    assert {(one.sensor, one.quality) for one in both.readings} == {("a", Quality.GOOD), ("b", Quality.GOOD)}


def test_a_correction_is_kept_beside_what_it_corrects_and_said(town: Settings, database: Database) -> None:
    take(town, database, "drop", csv([2, 3, 4]), NOW + timedelta(minutes=3))
    intake = take(town, database, "drop", csv([2, 3.5, 4]), NOW + timedelta(minutes=4))
    assert [(one.depth_m, one.revision) for one in intake.readings] == [(0.035, 1)]
    assert "reading.corrected" in [one.rule for one in intake.findings] and intake.duplicates == 2
    again = take(town, database, "drop", csv([2, 3, 4]), NOW + timedelta(minutes=5))
    assert not again.has_news and stored(database)["a"][1] == (3.5, Quality.GOOD)


def test_two_values_of_one_instant_in_one_payload_are_both_kept_and_the_later_holds(
    town: Settings, database: Database
) -> None:
    payload = csv([2, 3]) + csv([3.4], start=NOW + timedelta(minutes=1)).split(b"\n", 1)[1]
    intake = take(town, database, "drop", payload, NOW + timedelta(minutes=2))
    assert [one.rule for one in intake.findings if one.rule == "reading.twice"]
    assert rows(database) == 3 and stored(database)["a"][1][0] == 3.4


def test_a_malformed_payload_stores_nothing_but_its_bytes(town: Settings, database: Database) -> None:
    with pytest.raises(SourceMalformed, match="drop"):
        take(town, database, "drop", b"not,a\nwater,file\n", NOW)
    assert rows(database) == 0
    assert [path.read_bytes() for path in (town.state_dir / "objects" / "flooding").rglob("raw/*/*")] == [
        b"not,a\nwater,file\n"
    ]
    with pytest.raises(OrderNotFound, match="drop, meteo"):
        take(town, database, "nobody", b"", NOW)


def test_times_in_the_doubtful_hour_are_stored_as_such_and_cover_no_other(town: Settings, database: Database) -> None:
    autumn = datetime(2026, 10, 25, 1, tzinfo=UTC)
    lone = b"sensor,time,value\na,2026-10-25T03:30,31\n"
    (doubtful,) = take(town, database, "drop", lone, autumn).readings
    assert doubtful.quality is Quality.TIME
    clear = take(town, database, "drop", csv([5, 6], start=autumn - timedelta(minutes=30)), autumn)
    assert [one.quality for one in clear.readings] == [Quality.LATE, Quality.LATE]
    assert not take(town, database, "drop", lone, autumn).has_news


def test_a_rain_counter_goes_on_between_messages(town: Settings, database: Database) -> None:
    for minute, mm in ((0, 100.0), (10, 102.0), (10, 102.0), (20, 107.5)):
        at = NOW + timedelta(minutes=minute)
        take(town, database, "counter", json.dumps({"sensor": "R", "time": at.isoformat(), "value": mm}).encode(), at)
        take(town, database, "counter", b"", at)
    with database.reading() as connection:
        found = Rain(connection, "town").readings(since=NOW)
    assert [(one.rain_mm, (one.end - NOW).seconds // 60) for one in found] == [(2.0, 10), (5.5, 20)]


def meteo(mm: float, hour: int = 16) -> bytes:
    times = [f"2026-07-14T{hour + n:02d}:00" for n in range(6)]
    place = {"latitude": 60.2, "longitude": 24.9, "utc_offset_seconds": 0, "hourly_units": {"precipitation": "mm"}}
    return json.dumps(place | {"hourly": {"time": times, "precipitation": [mm] * 6}}).encode()


def test_a_forecast_that_says_the_same_within_the_hour_is_no_news(town: Settings, database: Database) -> None:
    assert take(town, database, "meteo", meteo(1), NOW).has_news
    assert not take(town, database, "meteo", meteo(1), NOW + timedelta(minutes=15)).has_news
    assert take(town, database, "meteo", meteo(2), NOW + timedelta(minutes=20)).has_news
    with database.reading() as connection:
        (newest,) = Rain(connection, "town").newest_forecasts(NOW + timedelta(hours=1))
    assert newest.rain_mm[0, 0] == 2.0


def test_the_newest_tide_table_is_at_hand(town: Settings, database: Database) -> None:
    assert tides_taken(town) == ()
    for level in (0.5, 0.7):
        take(town, database, "tide", f"time,value\n2026-07-14T00:00Z,{level}\n".encode(), NOW)
    (tide,) = tides_taken(town)
    assert (tide.station, tide.level_m.tolist()) == ("quay", [0.7])


def until(what: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another thread brings about."""
    give_up = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.02)


def declared(town: Settings, text: str) -> None:
    (town.cities_dir / "town" / FILE).write_text(text, "utf-8")


def test_a_folder_is_watched_and_a_file_that_grows_is_taken_whole_in_the_end(
    town: Settings, sqlite: Database, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    declared(
        town,
        f'[[source]]\nid = "drop"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\npath = "{drop}"\npattern = "*.csv"\n'
        "poll_s = 1\n",
    )
    (drop / "broken.csv").write_bytes(b"nothing,of\nuse,\n")
    (drop / "notes.txt").write_bytes(csv([9]))
    (drop / "1.csv").write_bytes(csv([0, 3, 6]))
    feeders = Feeders(town, sqlite, lambda: NOW + timedelta(minutes=9))
    feeders.start()
    try:
        until(lambda: rows(sqlite) == 3)
        with (drop / "1.csv").open("ab") as file:
            file.write(csv([9, 12], start=NOW + timedelta(minutes=3)).split(b"\n", 1)[1])
        until(lambda: rows(sqlite) == 5)
    finally:
        feeders.stop()
    again = Feeders(town, sqlite, lambda: NOW + timedelta(minutes=10))
    again.start()
    time.sleep(2.5)
    again.stop()
    assert rows(sqlite) == 5


def test_a_source_is_asked_by_http_and_comes_back_after_trouble(town: Settings, sqlite: Database) -> None:
    answers = [(503, b""), (200, b"<html>"), (200, csv([0, 3])), (304, b""), (200, csv([0, 3, 6]))]
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("X-Key"))
            status, body = answers[min(len(asked), len(answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secret = town.state_dir / "key"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("s3cret\n")
    declared(
        town,
        '[[source]]\nid = "web"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\npoll_s = 1\n'
        f'url = "http://127.0.0.1:{server.server_port}/"\nheaders = {{ X-Key = "file:{secret}" }}\n',
    )
    news: list[Intake] = []
    feeders = Feeders(town, sqlite, lambda: NOW + timedelta(minutes=9), news.append)
    feeders.start()
    try:
        until(lambda: rows(sqlite) == 3)
    finally:
        feeders.stop()
        server.shutdown()
        server.server_close()
    assert [len(one.readings) for one in news] == [2, 1] and set(asked) == {"s3cret"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_source_is_heard_on_after_a_fault_of_ours(town: Settings, sqlite: Database, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    declared(
        town,
        f'[[source]]\nid = "drop"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\npath = "{drop}"\npoll_s = 1\n',
    )
    (drop / "1.csv").write_bytes(csv([0, 3, 6]))

    def fail(_intake: Intake) -> None:
        raise ZeroDivisionError("a fault of ours")

    feeders = Feeders(town, sqlite, lambda: NOW + timedelta(minutes=9), fail)
    feeders.start()
    try:
        until(lambda: rows(sqlite) == 3)
        (drop / "2.csv").write_bytes(csv([9], start=NOW + timedelta(minutes=3)))
        until(lambda: rows(sqlite) == 4)
    finally:
        feeders.stop()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """One database is enough to see feeders work."""
    from trafficfeed.store.database import open_database

    opened = open_database(f"sqlite:///{tmp_path / 'feeders.db'}")
    yield opened
    opened.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Port of a broker of our own."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    until(lambda: _listens(port))
    yield port
    process.terminate()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_messages_of_a_broker_are_stored_also_those_sent_while_nobody_listened(
    town: Settings, sqlite: Database, broker: int
) -> None:
    declared(
        town,
        '[[source]]\nid = "mq"\nkind = "levels"\nadapter = "json"\nunit = "cm"\ntopic = "water/+/depth"\n'
        f'broker = "mqtt://127.0.0.1:{broker}"\ncolumns = {{ sensor = "topic:1", time = "t", value = "v" }}\n',
    )
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.connect("127.0.0.1", broker)
    sender.loop_start()

    def send(minute: int, value: object) -> None:
        body = json.dumps({"t": (NOW + timedelta(minutes=minute)).isoformat(), "v": value})
        sender.publish("water/a/depth", body, qos=1).wait_for_publish(10)

    def clock() -> datetime:
        return NOW + timedelta(minutes=9)

    first = Feeders(town, sqlite, clock)
    first.start()
    until(lambda: first._brokers[0].subscribed.is_set())
    sender.publish("water/a/depth", b"{", qos=1).wait_for_publish(10)
    send(0, 3)
    until(lambda: told(sqlite) == 1)
    first.stop()
    send(1, 6)
    second = Feeders(town, sqlite, clock)
    second.start()
    send(2, 9)
    until(lambda: told(sqlite) == 3)
    second.stop()
    sender.loop_stop()
    assert stored(sqlite) == {"a": [(3.0, Quality.GOOD), (6.0, Quality.GOOD), (9.0, Quality.GOOD)]}
