"""A feed built from files, with the real SUMO and no server."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from made_closures import closure, written
from made_gridtown import closed_street

from trafficfeed.errors import OrderInvalid, SourceUnavailable
from trafficfeed.pipeline.building import build, rerun
from trafficfeed.settings import Settings, Thresholds

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", REPOSITORY.parent / "shared"))


def test_an_order_that_passes_is_written_with_its_certificate_and_report(
    cities: Path, configured: Settings, tmp_path: Path
) -> None:
    file, out = written(closure(cities), tmp_path), tmp_path / "out"

    built = build([file], city="gridtown", out=out, settings=configured, as_of=AS_OF)

    assert not built.refused
    [certificate] = json.loads((out / "certificate.json").read_text())["certificates"]
    assert certificate["verdict"] == "publish"
    [feature] = json.loads((out / "closures.geojson").read_text())["features"]
    assert feature["properties"]["validation"] == "passed"
    assert feature["properties"]["certificate"]["certificate_id"] == certificate["id"]
    assert next(f["properties"]["core_details"]["event_type"] for f in _wzdx(out)) == "work-zone"
    assert (out / "report" / "grid-works" / "report.html").stat().st_size > 10_000
    fates = certificate["accounting"]
    assert fates["base"]["demand"] == fates["plan"]["demand"] > 0


def test_a_held_order_has_a_certificate_that_says_why_and_no_record(
    cities: Path, configured: Settings, tmp_path: Path
) -> None:
    strict = configured.model_copy(update={"thresholds": Thresholds(max_delay_per_vehicle_s=-100.0)})
    out = tmp_path / "out"

    build([written(closure(cities), tmp_path)], city="gridtown", out=out, settings=strict, as_of=AS_OF)

    [certificate] = json.loads((out / "certificate.json").read_text())["certificates"]
    assert certificate["verdict"] == "hold"
    [reason] = [r for r in certificate["reasons"] if r["gate"] == "delay"]
    assert reason["decided"] and not reason["passed"]
    assert json.loads((out / "closures.geojson").read_text())["features"] == []


def test_a_bad_order_is_refused_by_name_and_harms_no_other(cities: Path, configured: Settings, tmp_path: Path) -> None:
    far = closure(cities, "far-away")
    far["measures"][0]["where"][0]["coordinates"] = [[24.95, 60.17], [24.96, 60.17]]
    files = [written(far, tmp_path), written(closure(cities), tmp_path)]

    built = build(files, city="gridtown", out=tmp_path / "out", settings=configured, as_of=AS_OF)

    assert [report.file.name for report in built.refused] == ["far-away.json"]
    assert [records.order_id for records in built.records] == ["grid-works"]


def test_building_again_gives_the_same_bytes_and_drives_nothing(
    cities: Path, configured: Settings, runs: Path, tmp_path: Path
) -> None:
    file = written(closure(cities), tmp_path)
    build([file], city="gridtown", out=tmp_path / "a", settings=configured, as_of=AS_OF)
    driven = sorted(path.name for path in runs.iterdir())

    build([file], city="gridtown", out=tmp_path / "b", settings=configured, as_of=AS_OF)

    assert sorted(path.name for path in runs.iterdir()) == driven
    for name in ("closures.geojson", "wzdx.geojson", "certificate.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_certificate_run_again_from_nothing_gives_the_same_numbers(
    cities: Path, configured: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build([written(closure(cities), tmp_path)], city="gridtown", out=out, settings=configured, as_of=AS_OF)

    [again] = rerun(out / "certificate.json", city="", settings=configured, as_of=datetime(2027, 1, 1, tzinfo=UTC))

    assert again.identical, again.differences


def test_an_order_is_simulated_beside_those_that_passed_before_it(
    cities: Path, configured: Settings, tmp_path: Path
) -> None:
    other = closed_street(cities, "other-works", edge="D2D3", night=date(2026, 12, 1))
    files = [written(closure(cities), tmp_path), written(other, tmp_path)]

    built = build(files, city="gridtown", out=tmp_path / "out", settings=configured, as_of=AS_OF)

    first, second = built.certificates["grid-works"].inputs, built.certificates["other-works"].inputs
    assert first["standing"] == []
    assert second["subject"]["beside"] == ["grid-works"]
    assert [i["edges"] for i in second["standing"]] == [i["edges"] for i in first["interventions"]]


def test_two_files_with_one_order_id_are_refused_before_anything_is_driven(
    cities: Path, configured: Settings, tmp_path: Path
) -> None:
    file = written(closure(cities), tmp_path)
    with pytest.raises(OrderInvalid, match="two files"):
        build([file, file], city="gridtown", out=tmp_path / "out", settings=configured, as_of=AS_OF)
    assert not (tmp_path / "out").exists()


def test_an_unknown_city_is_named_with_those_that_are_there(configured: Settings, cities: Path, tmp_path: Path) -> None:
    file = written(closure(cities), tmp_path)
    with pytest.raises(SourceUnavailable, match="gridtown"):
        build([file], city="atlantis", out=tmp_path / "out", settings=configured, as_of=AS_OF)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the official schemas lie in ../shared, which is not here")
def test_wzdx_passes_the_official_schema(cities: Path, configured: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build([written(closure(cities), tmp_path)], city="gridtown", out=out, settings=configured, as_of=AS_OF)

    checked = subprocess.run(
        [sys.executable, SHARED / "conformance" / "validate.py", "wzdx", out / "wzdx.geojson"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def _wzdx(out: Path) -> list[dict[str, dict[str, dict[str, str]]]]:
    features: list[dict[str, dict[str, dict[str, str]]]] = json.loads((out / "wzdx.geojson").read_text())["features"]
    return features
