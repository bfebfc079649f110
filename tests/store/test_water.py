"""Water, rain and decisions in the database: idempotent, corrections beside what they correct, as known at any time."""

from dataclasses import replace

import numpy as np
from made_water import MINUTE, NOW, made_decision, made_reading, made_report

from trafficfeed.flooding.decisions import Basis, Level
from trafficfeed.flooding.observations import RainForecast, RainReading
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water


def test_the_same_readings_a_hundred_times_are_kept_once(database: Database) -> None:
    batch = [made_reading(minute) for minute in range(1000)]
    for repeat in range(100):
        with database.transaction() as connection:
            assert len(Water(connection, "town").add(batch if repeat < 2 else batch[:5])) == (0 if repeat else 1000)
    with database.reading() as connection:
        assert Water(connection, "town").readings(since=NOW) == {"quay": tuple(batch)}
        assert Water(connection, "elsewhere").readings(since=NOW) == {}


def test_a_changed_value_is_kept_beside_the_first_and_holds_from_when_it_was_told(database: Database) -> None:
    first, corrected = made_reading(0, 0.1), made_reading(0, 0.2, after_s=600)
    with database.transaction() as connection:
        water = Water(connection, "town")
        assert water.add([first]) == (first,)
        assert [one.revision for one in water.add([corrected, corrected])] == [1]
        assert water.add([first]) == (), "the old message sent again takes nothing back"
        (versions,) = water.known([first.id]).values()
        assert [one.depth_m for one in versions] == [0.1, 0.2]
        (now,) = water.readings(since=NOW)["quay"]
        (then,) = water.readings(since=NOW, known_at=NOW + MINUTE)["quay"]
        assert (now.depth_m, then.depth_m) == (0.2, 0.1)


def test_readings_come_by_sensor_oldest_first_whatever_order_they_came_in(database: Database) -> None:
    with database.transaction() as connection:
        water = Water(connection, "town")
        water.add([made_reading(minute, sensor=f"s{minute % 2}") for minute in (5, 3, 1, 4, 2, 0)])
        found = water.readings(["s0", "s1", "s2"], since=NOW + MINUTE, until=NOW + 5 * MINUTE)
        minutes = {sensor: [(one.observed_at - NOW) // MINUTE for one in its] for sensor, its in found.items()}
        assert minutes == {"s0": [2, 4], "s1": [1, 3]}


def test_reports_are_kept_once(database: Database) -> None:
    report = made_report()
    with database.transaction() as connection:
        water = Water(connection, "town")
        assert water.add_reports([report, report]) == (report,)
        assert water.add_reports([report]) == ()
        assert water.reports(since=NOW, until=NOW + MINUTE) == (report,)
        assert water.reports(since=NOW, known_at=NOW - MINUTE) == ()


def test_rain_is_kept_once_and_corrected(database: Database) -> None:
    rain = RainReading(
        id="g@1", gauge="g", lon=1.0, lat=2.0, start=NOW, end=NOW + MINUTE, rain_mm=1.5, received_at=NOW + MINUTE
    )
    late = replace(rain, rain_mm=2.0, received_at=NOW + 10 * MINUTE)
    with database.transaction() as connection:
        kept = Rain(connection, "town")
        assert kept.add_readings([rain, rain]) == (rain,)
        assert [one.revision for one in kept.add_readings([rain, late])] == [1]
        assert [one.rain_mm for one in kept.readings(since=NOW)] == [2.0]
        assert [one.rain_mm for one in kept.readings(since=NOW, known_at=NOW + MINUTE)] == [1.5]
        assert kept.readings(since=NOW + MINUTE) == ()


def test_forecasts_come_back_as_they_were_known(database: Database) -> None:
    starts = NOW.timestamp() + 3600 * np.arange(72)
    rain_mm = np.random.default_rng(1).gamma(0.2, 2.0, (51, 72))
    rain_mm[3, 5] = np.nan
    first = RainForecast(source="ens", issued_at=NOW, lon=24.9, lat=60.1, starts=starts, step_s=3600.0, rain_mm=rain_mm)
    second = replace(first, issued_at=NOW + 60 * MINUTE, rain_mm=rain_mm[:50])
    with database.transaction() as connection:
        kept = Rain(connection, "town")
        assert len(kept.add_forecasts([first, first], received_at=NOW)) == 1
        kept.add_forecasts([second], received_at=second.issued_at)
        kept.add_forecasts([replace(second, rain_mm=rain_mm)], received_at=second.issued_at + MINUTE)
        (then,) = kept.newest_forecasts(NOW + 59 * MINUTE)
        (incomplete,) = kept.newest_forecasts(NOW + 60 * MINUTE)
        (whole,) = kept.newest_forecasts(NOW + 61 * MINUTE)
        assert (then.issued_at, len(incomplete.rain_mm), len(whole.rain_mm)) == (NOW, 50, 51)
        np.testing.assert_array_equal(then.rain_mm, rain_mm)
        np.testing.assert_array_equal(then.starts, starts)
        assert kept.newest_forecasts(NOW + 61 * MINUTE, since=NOW + 61 * MINUTE) == ()
        assert kept.newest_forecasts(NOW + 61 * MINUTE, sources=["other"]) == ()


def test_decisions_come_back_whole_and_the_newest_holds(database: Database) -> None:
    closed, clear = made_decision(), made_decision(minute=30, level=Level.CLEAR)
    other = made_decision("quay", 10, Level.HAZARD)
    with database.transaction() as connection:
        kept = FloodDecisions(connection, "town")
        assert kept.latest() == {} and kept.stamp() == 0
        assert kept.add([closed, closed, other]) == (closed, other)
        assert kept.add([closed]) == ()
        before = kept.stamp()
        assert kept.add([clear], actor="ann") == (clear,)
        assert kept.stamp() > before
        assert kept.latest() == {"quay": other, "underpass": clear}
        assert kept.latest(site="underpass", as_of=NOW + 29 * MINUTE) == {"underpass": closed}
        assert [one.decision for one in kept.of_episode(closed.episode)] == [closed]
        found = kept.between(NOW, NOW + 31 * MINUTE)
        assert [(one.decision, one.actor) for one in found] == [(closed, ""), (other, ""), (clear, "ann")]
        assert [one.decision for one in kept.between(NOW, NOW + 30 * MINUTE, site="underpass")] == [closed]
        assert FloodDecisions(connection, "elsewhere").latest() == {}


def test_a_decision_made_at_the_same_instant_later_in_the_log_holds(database: Database) -> None:
    with database.transaction() as connection:
        kept = FloodDecisions(connection, "town")
        overridden = replace(made_decision(), basis=Basis.OFFICER, level=Level.HAZARD)
        kept.add([made_decision()])
        kept.add([overridden], actor="ann")
        assert kept.latest()["underpass"] == overridden
