"""The live hub over time: a refit's rule, a restart, what was foreseen in the past, and controllers' own logs."""

import asyncio
import json
import logging
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from trafficfeed.formats.signals_json import group_value
from trafficfeed.pipeline.live_city import LiveCity
from trafficfeed.pipeline.live_memory import Reach, recall
from trafficfeed.pipeline.live_upkeep import Upkeep, rule_or_shipped
from trafficfeed.pipeline.signal_refit import Threshold, keep_threshold
from trafficfeed.publishing.bus import LocalBus
from trafficfeed.publishing.signal_board import SignalBoard
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.ingest.hires import HiresLamps, read_log
from trafficfeed.signals.ingest.hires_feed import HiresSource, read_rows
from trafficfeed.signals.prediction.actuation import Actuation
from trafficfeed.signals.prediction.countdown_rule import fitted_rule
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import GroupState
from trafficfeed.signals.topology import Intersection, SignalGroup, SignalPlan, Stage, Topology
from trafficfeed.store.objects import ObjectStore

BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)
RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER
OREGON = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared")) / (
    "data/signals/oregon_hires_events.parquet"
)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def lamp(seconds: float, aspect: Aspect, intersection: str = "a", source: str = "test") -> LampEvent:
    moment = at(seconds)
    return LampEvent(
        key=GroupKey(intersection, 1), aspect=aspect, observed_at=moment, raw_observed_at=moment, received_at=moment,
        source=source,
    )  # fmt: skip


def cycles(count: int, intersection: str = "a", jitter_s: float = 0.0) -> list[LampEvent]:
    """A group that is green for some 20 s of each minute."""
    chance, found = random.Random(7), []
    for n in range(count):
        green_s = 20.0 + round(chance.uniform(-jitter_s, jitter_s))
        for second, aspect in ((0.0, GREEN), (green_s, AMBER), (green_s + 3, RED)):
            found.append(lamp(n * 60 + second, aspect, intersection))
    return found


class Hub:
    """A live city on a clock that the test sets."""

    def __init__(
        self,
        folder: Path | None = None,
        now: datetime = BEGIN,
        actuation: Actuation | None = None,
        topology: Topology | None = None,
        zone: str = "UTC",
    ) -> None:
        self.now = now
        self.board, bus = SignalBoard(), LocalBus()
        bus.subscribe(self.board.take)
        self.city = LiveCity(
            bus, lambda: self.now, zone=ZoneInfo(zone), topology=topology, log_folder=folder, actuation=actuation
        )

    def hear(self, *events: LampEvent) -> None:
        for event in events:
            self.beat(event.received_at)
            self.city.intake.staleness.expect(event.source, 600)
            self.city.intake.heartbeat(event.source, event.received_at)
            self.city.take([event])
            self.beat(event.received_at)

    def beat(self, now: datetime) -> None:
        self.now = now
        self.city.hub.beat()
        while self.city.live.unlearnt:
            self.city.hub.beat()

    def shown(self, intersection: str = "a") -> GroupState:
        return self.board.latest[intersection].state.groups[0]

    def foreseen(self, intersection: str = "a") -> Forecast:
        forecast = self.shown(intersection).forecast
        assert forecast is not None
        return forecast


def threshold(countdown_from: float) -> Threshold:
    return Threshold(countdown_from=countdown_from, seconds=1, published_share=0.0, within_1s=1.0, since="", until="")


def test_the_rule_of_a_refit_is_taken_up_by_the_next_run_without_a_restart(tmp_path: Path) -> None:
    objects = ObjectStore(f"file://{tmp_path}")
    hub = Hub()
    upkeep = Upkeep(hub.city, objects)
    hub.hear(*cycles(30, jitter_s=2.0), lamp(1800, GREEN))
    before = hub.foreseen().countdown_allowed
    wanted = 0.0 if not before else 1.0
    keep_threshold(objects, threshold(wanted))
    asyncio.run(upkeep.look())
    assert hub.city.rule.countdown_from == wanted
    hub.beat(at(1801))
    assert hub.foreseen().countdown_allowed is before, "what was said of this run holds"
    hub.hear(lamp(1820, AMBER), lamp(1823, RED), lamp(1860, GREEN))
    assert hub.foreseen().countdown_allowed is not before


def test_a_rule_that_cannot_be_read_leaves_the_one_of_before_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    objects = ObjectStore(f"file://{tmp_path}")
    keep_threshold(objects, threshold(0.93))
    assert rule_or_shipped(objects).countdown_from == 0.93
    hub = Hub()
    upkeep = Upkeep(hub.city, objects)
    asyncio.run(upkeep.look())
    objects.write("signals/countdown_threshold.json", b"{}")
    with caplog.at_level(logging.ERROR):
        asyncio.run(upkeep.look())
        assert hub.city.rule.countdown_from == 0.93
        assert rule_or_shipped(objects) is fitted_rule()
    assert "countdown_threshold.json" in caplog.text


def test_after_a_restart_the_first_whole_run_is_foreseen_and_no_old_lamp_is_shown(tmp_path: Path) -> None:
    first = Hub(tmp_path)
    first.hear(*cycles(30))
    first.city.close()

    again = Hub(tmp_path, now=at(1800))
    recalled = again.city.recall()
    again.beat(at(1801))
    assert recalled.events == 90
    assert again.board.latest == {}, "what the log says is not what is shown now"

    again.hear(lamp(1803, RED))
    assert again.shown().forecast is None and again.shown().since is None, "its beginning was not seen"
    again.hear(lamp(1860, GREEN))
    assert again.foreseen().countdown_allowed
    assert abs((again.foreseen().likely_end - at(1880)).total_seconds()) <= 1  # type: ignore[operator]

    without = Hub(None, now=at(1800))
    without.hear(lamp(1803, RED), lamp(1860, GREEN))
    assert without.shown().forecast is None, "without the log nothing would be known"


def test_lamps_are_told_while_the_log_is_being_read_back_and_foreseen_afterwards(tmp_path: Path) -> None:
    first = Hub(tmp_path)
    first.hear(*cycles(30))
    first.city.close()
    again = Hub(tmp_path, now=at(1803))
    again.city.live.learning = False
    for event in (lamp(1803, RED), lamp(1860, GREEN)):
        again.now = event.received_at
        again.city.intake.staleness.expect("test", 600)
        again.city.take([event])
        again.city.hub.beat()
    assert (again.shown().aspect, again.shown().forecast) == (GREEN, None)
    again.city.recall()
    again.beat(at(1861))
    assert again.foreseen().countdown_allowed
    assert abs((again.foreseen().likely_end - at(1880)).total_seconds()) <= 1  # type: ignore[operator]


def test_plans_are_followed_across_the_citys_midnight() -> None:
    stages = [
        Stage(aspects={1: aspect.value}, duration_s=s, min_s=s, max_s=s)
        for aspect, s in ((GREEN, 40.0), (AMBER, 3.0), (RED, 54.0))
    ]
    junction = Intersection(
        id="a", number=1, region=0, name="", lonlat=(0.0, 0.0), lanes=(), connections=(), conflicts=(),
        groups=[SignalGroup(id=1, name="", street="", compass="", manoeuvres=(), stop_line=(0.0, 0.0))],
        plans=[SignalPlan(id="p", stages=stages, cycle_s=97.0)],
    )  # fmt: skip
    topology = Topology(city="t", version="1", source="", made_at=BEGIN, intersections={"a": junction})
    midnight = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # in Tokyo
    hub = Hub(now=midnight - timedelta(hours=1), topology=topology, zone="Asia/Tokyo")
    for day_begin, from_s, until_s in ((midnight - timedelta(days=1), 85_000, 86_400), (midnight, 0, 200)):
        for n in range(from_s // 97, until_s // 97 + 1):
            for second, aspect in ((0, GREEN), (40, AMBER), (43, RED)):
                if n * 97 + second < until_s:
                    moment = day_begin + timedelta(seconds=n * 97 + second)
                    hub.hear(lamp((moment - BEGIN).total_seconds(), aspect))
    said = hub.foreseen()
    assert (hub.shown().aspect, said.method) == (GREEN, Method.PLAN)
    assert said.likely_end == midnight + timedelta(seconds=2 * 97 + 40)


def test_what_was_taken_before_a_restart_is_not_taken_twice(tmp_path: Path) -> None:
    first = Hub(tmp_path)
    heard = cycles(3)
    first.hear(*heard)
    first.city.close()
    again = Hub(tmp_path, now=heard[-1].received_at)
    assert again.city.take(heard).duplicates == len(heard)


def test_a_second_source_is_not_mixed_into_what_is_recalled(tmp_path: Path) -> None:
    first = Hub(tmp_path)
    for event in cycles(20):
        first.hear(event)
        late = event.observed_at + timedelta(seconds=7)
        other = LampEvent(
            key=event.key, aspect=event.aspect, observed_at=late, raw_observed_at=late, received_at=late, source="other"
        )
        first.hear(other)
    recalled = Predictor()
    recall(recalled, first.city.log, at(1200))
    lived = first.city.predictor
    history, expected = (one._of(GroupKey("a", 1)).group.history for one in (recalled, lived))
    assert list(history.runs[GREEN]) == list(expected.runs[GREEN])
    assert len(list(first.city.log.replay(at(0), at(1200), aside=True))) == 120


def test_what_is_only_remembered_gives_the_same_history_as_what_was_lived() -> None:
    hub = Hub()
    hub.hear(*cycles(40, jitter_s=4.0))
    for last_fully in (0, 7, 10_000):
        predictor = Predictor()
        recall(predictor, hub.city.log, at(2400), reach=Reach(last_fully=last_fully))
        history = predictor._of(GroupKey("a", 1)).group.history
        assert list(history.runs[GREEN]) == list(hub.city.predictor._of(GroupKey("a", 1)).group.history.runs[GREEN])
        predictor.observe(lamp(2400, GREEN))
        assert predictor.forecast(GroupKey("a", 1), at(2401)) is not None


def test_a_long_log_is_read_back_for_a_few_hours_and_bytes_alone(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.hear(*cycles(8 * 60))
    until = at(8 * 3600)
    assert hub.city.log.since_when(until, longest=timedelta(hours=3), most_bytes=10**9) == at(5 * 3600)
    one_hour = max(path.stat().st_size for path in tmp_path.glob("*.jsonl"))
    since = hub.city.log.since_when(until, longest=timedelta(hours=3), most_bytes=one_hour + 100)
    assert at(6 * 3600) <= since <= at(7 * 3600)
    assert recall(Predictor(), hub.city.log, until).events == 3 * 60 * 3


def test_what_was_foreseen_in_the_past_is_worked_out_from_what_was_known_by_then() -> None:
    hub = Hub()
    hub.hear(*(event for pair in zip(cycles(40), cycles(40, "b"), strict=True) for event in pair))
    then = at(1800 + 5)
    found = hub.city.at(then, ["a"])
    assert set(found) == {"a"}
    (group,) = found["a"].groups
    assert (group.aspect, group.since) == (GREEN, at(1800))
    assert group.forecast is not None and group.forecast.made_at == then
    assert group.forecast.likely_end is not None
    assert abs((group.forecast.likely_end - at(1820)).total_seconds()) <= 1
    early = hub.city.at(at(25), ["a"])["a"].groups[0]
    assert (early.aspect, early.forecast) == (RED, None), "nothing was known yet"
    every = hub.city.at(then)
    assert set(every) == {"a", "b"}
    assert every["a"].groups[0].forecast is None


def deliveries(rows: list[ControllerEvent]) -> Iterator[tuple[datetime, bytes]]:
    """The rows of a log as a gateway sends them, a second at a time."""
    second: list[ControllerEvent] = []
    for row in rows:
        if second and row.observed_at >= second[0].observed_at.replace(microsecond=0) + timedelta(seconds=1):
            yield second[0].observed_at.replace(microsecond=0) + timedelta(seconds=1), _body(second)
            second = []
        second.append(row)


def _body(rows: list[ControllerEvent]) -> bytes:
    return json.dumps(
        {
            "rows": [
                {"device": int(row.intersection), "at": row.observed_at.isoformat(), "code": row.code,
                 "parameter": row.parameter}
                for row in rows
            ]
        }
    ).encode()  # fmt: skip


@pytest.fixture(scope="module")
def oregon() -> list[ControllerEvent]:
    """Ninety minutes of one controller's log."""
    if not OREGON.is_file():
        pytest.skip(f"the recorded controllers are not at {OREGON}")
    rows = [row for row in read_log(OREGON) if row.intersection == "452"]
    until = rows[0].observed_at + timedelta(minutes=90)
    return [row for row in rows if row.observed_at < until]


def test_a_controllers_own_log_sharpens_what_is_published_of_actuated_greens(oregon: list[ControllerEvent]) -> None:
    hub = Hub(now=oregon[0].observed_at, actuation=Actuation())
    source = HiresSource(hub.city.intake, hub.city.hear)
    ends: dict[tuple[int, datetime], datetime] = {}
    begins: dict[int, datetime] = {}
    for event in HiresLamps().lamps(oregon):
        if event.aspect is GREEN:
            begins[event.key.group] = event.observed_at
        elif (begin := begins.pop(event.key.group, None)) is not None:
            ends[event.key.group, begin.replace(microsecond=begin.microsecond // 1000 * 1000)] = event.observed_at
    methods: dict[Method, int] = {}
    ours: list[float] = []
    ladder: list[float] = []
    for now, body in deliveries(oregon):
        hub.now = now
        source.take(body, now, "http:gateway")
        hub.beat(now)
        for group in hub.board.latest["452"].state.groups if "452" in hub.board.latest else ():
            said = group.forecast
            if said is None or not group.aspect.is_green or said.method is Method.ABSTAIN:
                continue
            methods[said.method] = methods.get(said.method, 0) + 1
            end = ends.get((group.group, said.since))
            if said.method is Method.ACTUATION and end is not None and 5 <= (end - now).total_seconds() <= 10:
                assert said.likely_end is not None and said.p50 is not None and not said.countdown_allowed
                ours.append(abs((said.likely_end - end).total_seconds()))
                ladder.append(abs((said.p50 - end).total_seconds()))
                value = group_value(group, said.made_at)["forecast"]
                assert "likely_end" not in value and "expected_end" in value
    assert methods[Method.ACTUATION] > 1000
    assert len(ours) > 100
    assert sum(ours) < sum(ladder)
    # the same rows again change nothing
    taken = source.take(body, now, "http:gateway")
    assert taken is not None and taken.handed_on == ()


def test_a_controller_that_falls_silent_is_not_spoken_of_until_its_next_green(oregon: list[ControllerEvent]) -> None:
    hub = Hub(now=oregon[0].observed_at, actuation=Actuation())
    source = HiresSource(hub.city.intake, hub.city.hear)
    for now, body in deliveries(oregon[: len(oregon) // 2]):
        hub.now = now
        source.take(body, now, "http:gateway")
        hub.beat(now)
    assert any(hub.city.predictor._is_actuated(key) for key in hub.city.live.keys_of("452"))
    for second in range(15):
        hub.beat(now + timedelta(seconds=second))
    assert hub.board.latest["452"].state.stale
    assert not any(hub.city.predictor._is_actuated(key) for key in hub.city.live.keys_of("452"))


def test_rows_that_cannot_be_read_are_counted_and_say_where() -> None:
    hub = Hub()
    source = HiresSource(hub.city.intake, hub.city.hear)
    assert source.take(b'{"rows": [{"device": "7", "at": "2026-12-01T12:00:00", "code": 1, "parameter": 2}]}',
                       BEGIN, "mqtt") is None  # fmt: skip
    (finding,) = hub.city.intake.findings()
    assert "rows.0.at" in finding.message
    assert read_rows(b'{"alive": ["7"]}').alive == ["7"]
