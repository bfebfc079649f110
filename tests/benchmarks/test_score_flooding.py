"""The score of floods: on a small made city, past-only, with gaps in the files; and that it scores the product."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.flooding_score import norfolk, skill
from benchmarks.flooding_score.files import Record, read_record
from benchmarks.flooding_score.metrics import Scored, auc, figures
from benchmarks.score_flooding import _plain, score_record
from trafficfeed.flooding.forecasting.forecaster import Forecaster
from trafficfeed.flooding.forecasting.parameters import dump
from trafficfeed.flooding.observations import Quality, RainForecast, Reading
from trafficfeed.flooding.sites import Site, SiteSource

DAY, HOUR = 86400.0, 3600.0
BEGIN = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
N_DAYS, N_SITES = 120, 12
CUT = BEGIN + 80 * DAY


def made_files(folder: Path, seed: int = 0) -> dict[str, Path]:
    """Write a city where site 0 floods in most rain and the last in hardly any; local time is 5 h behind UTC."""
    rng = np.random.default_rng(seed)
    hours = BEGIN + HOUR * np.arange(N_DAYS * 24)
    storms = rng.random(len(hours)) < 0.02
    rain = np.where(storms, rng.gamma(2.0, 8.0, len(hours)), 0.0)
    floods = []
    for hour in np.flatnonzero(rain > 0):
        for site in range(N_SITES):
            if rng.random() < min(0.9, rain[hour] / 30.0 * np.exp(-0.6 * site)):
                depth = 2.0 + rng.exponential(4.0)
                start = hours[hour] + 900.0
                floods.append((f"s{site}", start, start + 5400.0, depth))
    table = pd.DataFrame(floods, columns=["sensor_id", "a", "b", "max_depth_inches"])
    table["flood_start_time"] = pd.to_datetime(table["a"], unit="s").dt.strftime("%Y-%m-%dT%H:%M:%S")
    table["flood_end_time"] = pd.to_datetime(table["b"], unit="s").dt.strftime("%Y-%m-%dT%H:%M:%S")
    table.loc[0, "max_depth_inches"] = np.nan
    table.to_csv(folder / "events.csv", index=False)
    pd.DataFrame(
        {
            "sensor_id": [f"s{i}" for i in range(N_SITES)],
            "date_installed": "2023-12-01T00:00:00.000",
            "latitude": [60.0, *[np.nan] * (N_SITES - 1)],
            "longitude": 25.0,
        }
    ).to_csv(folder / "sensors.csv", index=False)
    issues = []
    for start in range(12, len(hours) - 30, 3):
        lead = np.arange(-2, 25)
        said = rain[start + lead] * rng.lognormal(0, 0.5, len(lead))
        issues.append(pd.DataFrame({"issue": hours[start], "lead_h": lead, "rain_mm": said}))
    rows = pd.concat(issues)
    rows["utc_off_s"] = -18000
    rows["issue_local"] = pd.to_datetime(rows.pop("issue") - 18000, unit="s")
    rows["valid_local"] = rows["issue_local"] + pd.to_timedelta(rows["lead_h"], unit="h")
    rows.to_parquet(folder / "forecasts.parquet")
    return {
        name: folder / f"{name}.{end}"
        for name, end in (("events", "csv"), ("sensors", "csv"), ("forecasts", "parquet"))
    }


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return read_record(**made_files(tmp_path_factory.mktemp("city")), tides=None)


@pytest.fixture(scope="module")
def trial(record: Record) -> skill.Trial:
    return skill.trial_of(record, CUT)


def test_files_with_gaps_are_read_and_wall_time_becomes_utc(record: Record) -> None:
    assert len(record.sensors.ids) == N_SITES
    assert np.isfinite([flood.deepest_m for flood in record.floods]).all()
    assert record.rain.issued[0] == BEGIN + 12 * HOUR
    assert record.rain.rain_mm.shape[1] == 25  # negative leads are no forecasts
    assert (record.station == -1).all()


def test_the_report_holds_the_forecast_and_its_yardsticks_side_by_side(trial: skill.Trial) -> None:
    told = json.loads(json.dumps(_plain(skill.score(trial)), allow_nan=False))
    assert told.keys() == {"6h", "24h"}
    for horizon in told.values():
        for row in (horizon, horizon["rain_alone"], horizon["climatology"], horizon["without_readings"]):
            assert {"auc", "csi", "brier_skill", "threshold", "interval_90"} <= row.keys()
        assert horizon["climatology"]["brier_skill"] == 0.0
    assert told["6h"]["auc"] > max(told["6h"]["rain_alone"]["auc"], told["6h"]["climatology"]["auc"])
    assert told["6h"]["brier_skill"] > 0


def test_nothing_after_the_training_slice_moves_what_is_fitted(tmp_path: Path, trial: skill.Trial) -> None:
    files = made_files(tmp_path)
    floods = pd.read_csv(files["events"])
    later = floods["b"] > CUT
    floods.loc[later, "max_depth_inches"] = 30.0
    floods.to_csv(files["events"], index=False)
    issues = pd.read_parquet(files["forecasts"])
    ahead = issues["issue_local"] >= pd.Timestamp(CUT - 18000, unit="s")
    issues.loc[ahead, "rain_mm"] = 50.0
    issues.to_parquet(files["forecasts"])
    other = skill.trial_of(read_record(**files, tides=None), CUT)
    assert dump(other.parameters) == dump(trial.parameters)
    assert len(other.history.site) == len(trial.history.site)


def test_sites_that_flooded_oftener_in_the_same_storms_have_a_higher_gain(trial: skill.Trial) -> None:
    gain = trial.with_readings.sites.rain_gain
    assert gain[0] > gain[3] > gain[N_SITES - 1]


def test_the_score_is_that_of_the_product_s_forecaster(trial: skill.Trial) -> None:
    past = trial.with_readings
    rainy = np.flatnonzero(trial.log.rain_mm[:, :6].sum(axis=1) > 10)[-1]
    now = float(trial.log.issued[rainy])
    as_of = datetime.fromtimestamp(now, UTC)
    sites = [
        Site(id=name, name="", lon=25.0, lat=60.0, source=SiteSource.SENSOR, sensors=(name,)) for name in trial.ids
    ]
    issues = [
        RainForecast(
            source="made",
            issued_at=datetime.fromtimestamp(float(trial.log.issued[row]), UTC),
            lon=25.0,
            lat=60.0,
            starts=trial.log.issued[row] + HOUR * np.arange(25),
            step_s=HOUR,
            rain_mm=trial.log.rain_mm[row][None],
        )
        for row in range(rainy - 8, rainy + 1)
    ]
    read = {
        name: [
            Reading(
                id=f"{name}{k}", sensor=name, observed_at=datetime.fromtimestamp(now - k, UTC),
                received_at=datetime.fromtimestamp(now - k, UTC), quality=Quality.GOOD,
                depth_m=float(np.nan_to_num(trial.history.depth_at(np.array([now - k]), np.array([i])))[0, 0]),
            )
            for k in range(6000, 119, -60)
        ]
        for i, name in enumerate(trial.ids)
    }  # fmt: skip
    made = Forecaster(sites, trial.parameters).forecast(readings=read, rain=issues, gauges=(), as_of=as_of)
    every = np.arange(N_SITES)
    scored = skill.foretold(past, trial.parameters.within, every, np.full(N_SITES, rainy), 6 * HOUR, 0.10)
    scored = trial.parameters.platt.apply(scored[:, None], np.array([6 * HOUR]))[:, 0]
    column = int(np.searchsorted(made.horizons_s, 6 * HOUR))
    assert np.allclose(made.within[0, :, column], scored, rtol=0.02, atol=1e-6)


def test_a_record_without_floods_or_issues_after_the_day_says_so(record: Record) -> None:
    report = score_record(record, BEGIN + 400 * DAY, parts=("skill",))
    assert report["horizons"]["6h"]["pairs"] == 0
    assert report["sample"]["issues_test"] == 0


@pytest.mark.parametrize("days", [-5.0, 0.2, 4.0])
def test_with_nothing_to_fit_on_the_shipped_weights_are_scored(record: Record, days: float) -> None:
    told = _plain(score_record(record, BEGIN + days * DAY, parts=("skill",)))["horizons"]["6h"]
    assert told["auc"] > 0.8
    assert told["threshold"] == 0.2
    assert json.dumps(told, allow_nan=False)


def test_auc_counts_ties_half_and_needs_both_kinds() -> None:
    flooded = np.array([True, False, True, False])
    assert auc(np.array([3.0, 1.0, 2.0, 2.0]), flooded) == pytest.approx(0.875)
    assert auc(np.array([1.0, 1.0]), np.array([True, True])) is None


def test_intervals_come_from_drawing_storms_not_pairs() -> None:
    rng = np.random.default_rng(0)
    flooded = rng.random(2000) < 0.2
    block = np.arange(2000) // 20
    spoilt = block < 2
    chance = np.where(flooded & ~spoilt, 0.9, 0.1) + rng.uniform(0, 0.01, 2000)
    chance = np.where(spoilt, 0.9, chance)
    said = Scored(score=chance, threshold=0.5, chance=chance)
    whole = figures(said, flooded, np.full(2000, 0.2), block, 0)
    interval = whole["interval_90"]
    assert isinstance(interval, dict) and isinstance(whole["csi"], float)
    assert interval["csi"][0] < whole["csi"] < interval["csi"][1] == 1.0  # a draw may miss the two bad storms


def test_norfolk_is_told_by_years(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    days = pd.date_range("2010-01-01", "2012-12-31")
    rain = rng.gamma(0.3, 0.6, len(days))
    tide = rng.normal(2.0, 0.6, len(days))
    flooded = (rain + 0.8 * np.maximum(tide - 2.6, 0) + rng.normal(0, 0.1, len(days))) > 1.3
    pd.DataFrame(
        {"event_date": days, "num_flooded": flooded * 3, "rd": rain, "rhrmx": rain / 2, "r15mx": rain / 4, "hht": tide}
    ).to_csv(tmp_path / "norfolk_daily.csv", index=False)
    told = norfolk.score(tmp_path)
    assert told["any_street_flooded"]["auc"] > told["any_street_flooded"]["rain_alone_auc"] > 0.8
    assert set(told["by_year"]) == {"2010", "2011", "2012"}
