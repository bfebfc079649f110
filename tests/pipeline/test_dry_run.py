"""The dry run of an order on gridtown, by function and on the command line."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_closures import closure, written
from made_events import CLOSURE, CONCERT, FEED, TURN
from typer.testing import CliRunner

from trafficfeed.cli import app
from trafficfeed.errors import OrderInvalid, ScenarioInvalid, SourceUnavailable
from trafficfeed.findings import errors_in
from trafficfeed.pipeline.dry_run import DryRun, dry_run, dry_run_file
from trafficfeed.publishing.partners import Partner
from trafficfeed.settings import Settings

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
WAZE = Partner(id="waze", title="Waze", profile="waze", formats=("cifs", "cifs-json"))
ROADS = Partner(id="roads", title="Roads", profile="google", formats=("wzdx",))
APP = Partner(id="app", title="App", profile="china", datum="gcj02", decimals=6, formats=("native",))
VEHICLES = Partner(id="cars", title="Cars", profile="datex", formats=("rsi",), event_codes={"lanes_closed": 22222})


def asked(file: Path, settings: Settings, partner: str = "") -> DryRun:
    return dry_run_file(file, city="gridtown", partner=partner, settings=settings, as_of=AS_OF)


@pytest.fixture
def file(cities: Path, tmp_path: Path) -> Path:
    return written(closure(cities), tmp_path)


@pytest.fixture
def on_the_command_line(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("trafficfeed.settings.settings", lambda: configured)
    return CliRunner()


def test_a_city_without_partners_is_asked_one_of_each_profile(file: Path, configured: Settings) -> None:
    found = asked(file, configured)
    assert [partner.id for partner in found.partners] == ["waze", "google", "tomtom", "datex", "china"]
    outcomes = {outcome.partner: outcome for outcome in found.outcomes}
    assert outcomes["waze"].taken and outcomes["waze"].formats == ("cifs",)
    assert outcomes["china"].word == "refused"
    assert not found.sound


def test_one_partner_may_be_asked_alone_and_an_unknown_one_may_not(file: Path, configured: Settings) -> None:
    found = asked(file, configured, "waze")
    assert found.sound and {outcome.partner for outcome in found.outcomes} == {"waze"}
    with pytest.raises(ScenarioInvalid, match="use one of waze, google"):
        asked(file, configured, "nobody")


def test_what_is_over_gives_no_record_and_is_no_success(file: Path, configured: Settings) -> None:
    late = datetime(2027, 6, 1, tzinfo=UTC)
    found = dry_run_file(file, city="gridtown", partner="waze", settings=configured, as_of=late)
    assert [finding.rule for finding in errors_in(found.findings)] == ["order.nothing"]
    assert not found.sound


def test_a_place_that_is_on_no_street_is_said(cities: Path, configured: Settings, tmp_path: Path) -> None:
    far = closure(cities, "far-away")
    far["measures"][0]["where"][0]["coordinates"] = [[24.95, 60.17], [24.96, 60.17]]
    found = asked(written(far, tmp_path), configured, "waze")
    assert len(errors_in(found.findings)) == 2 and not found.outcomes


def test_a_file_that_is_not_there_or_no_order_is_refused(configured: Settings, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="nothing"):
        asked(tmp_path / "nothing.yaml", configured)
    (tmp_path / "bad.yaml").write_text("id: 1\n", "utf-8")
    with pytest.raises(OrderInvalid):
        asked(tmp_path / "bad.yaml", configured)


def test_a_format_without_a_place_for_the_record_sends_nothing() -> None:
    (concert,) = dry_run([CONCERT], [ROADS], feed=FEED)
    (turn,) = dry_run([TURN], [WAZE], feed=FEED)
    assert (concert.word, concert.formats) == ("refused", ())
    assert "public event" in errors_in(concert.findings)[0].message
    assert (turn.word, turn.taken) == ("not sent", False)
    assert "waze.routing" not in {finding.rule for finding in turn.findings}  # it is not shown to anybody either


def test_what_the_encoder_refuses_the_partner_does_not_get() -> None:
    (outcome,) = dry_run([CLOSURE], [VEHICLES], feed=FEED)
    assert outcome.word == "refused"
    assert "rsi.event_code" in {finding.rule for finding in outcome.findings}


def test_each_partner_is_asked_in_its_own_datum_and_decimals() -> None:
    chinese = replace(CLOSURE, title={"zh": "施工"}, exceptions=())
    (taken,) = dry_run([chinese], [APP], feed=FEED)
    (refused,) = dry_run([chinese], [replace(APP, datum="wgs84")], feed=FEED)
    assert (taken.word, refused.word) == ("taken", "refused")


def test_the_command_prints_a_table_with_reasons_and_fails_where_one_refuses(
    file: Path, on_the_command_line: CliRunner
) -> None:
    result = on_the_command_line.invoke(app, ["partner", "dry-run", str(file), "--as-of", AS_OF.isoformat()])
    assert result.exit_code == 1, result.output
    lines = result.output.splitlines()
    assert lines[1].split() == ["record", "waze", "google", "tomtom", "datex", "china"]
    assert any(line.startswith("china: error [china.text]") for line in lines)


def test_the_command_succeeds_where_all_asked_take_it(file: Path, on_the_command_line: CliRunner) -> None:
    arguments = ["partner", "dry-run", str(file), "--partner", "datex", "--as-of", AS_OF.isoformat(), "--json"]
    result = on_the_command_line.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["sound"] and document["records"][0]["formats"] == ["datex2"]


def test_periods_of_one_stretch_that_fare_alike_share_a_row(
    cities: Path, tmp_path: Path, on_the_command_line: CliRunner
) -> None:
    document = closure(cities)
    first = {"start": "2026-12-01T03:02", "end": "2026-12-01T03:10"}
    document["measures"][0]["when"] = {"recurrences": [{"first": first, "rrule": "FREQ=DAILY;COUNT=3"}]}
    arguments = ["partner", "dry-run", str(written(document, tmp_path)), "--as-of", AS_OF.isoformat()]
    result = on_the_command_line.invoke(app, arguments)
    assert ".* (3 periods)" in result.output


def test_the_command_lists_partners_or_says_where_to_write_them(on_the_command_line: CliRunner) -> None:
    result = on_the_command_line.invoke(app, ["partner", "list", "--city", "gridtown"])
    assert result.exit_code == 0 and "partners.toml" in result.output
