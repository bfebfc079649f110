"""Water levels from CSV, JSON and SensorThings: units, zero points, and rows that are no readings."""

import json
from datetime import UTC, datetime

import pytest
from made_sources import NOW, read, rules

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.observations import Quality

CSV = "sensor,time,value\nG1,2026-07-14T16:00:00Z,31.5\nG2,2026-07-14T19:00:00+03:00,0\n"


def test_a_csv_becomes_depths_in_metres_and_utc() -> None:
    first, second = read(CSV).readings
    assert (first.sensor, first.depth_m, first.observed_at) == ("G1", 0.315, datetime(2026, 7, 14, 16, tzinfo=UTC))
    assert (second.depth_m, second.observed_at) == (0.0, first.observed_at)
    assert (first.id, first.received_at, first.raw, first.source) == ("G1@20260714T160000Z", NOW, "abc", "gauges")
    assert first.quality is Quality.UNCHECKED


@pytest.mark.parametrize(
    ("unit", "metres"), [("cm", 0.1), ("mm", 0.01), ("m", 10.0), ("in", 0.254), ("ft", 3.048), ("Inches", 0.254)]
)
def test_units_are_converted_as_declared(unit: str, metres: float) -> None:
    (reading,) = read("sensor,time,value\nG,2026-07-14T16:00:00Z,10\n", unit=unit, max_m=20).readings
    assert reading.depth_m == pytest.approx(metres)


def test_a_unit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="'furlong' is no unit"):
        read(CSV, unit="furlong")
    with pytest.raises(ValueError, match="declare the unit"):
        read(CSV, unit="")
    parsed = read("sensor,time,value,u\nG,2026-07-14T16:00:00Z,1,furlong\n", unit="", columns={"unit": "u"})
    assert not parsed.readings and "furlong" in parsed.findings[0].message


def test_a_unit_that_contradicts_the_declared_one_is_refused_and_not_converted() -> None:
    parsed = read("sensor,time,value\nG,2026-07-14T16:00:00Z,12.4 in\nG,2026-07-14T16:01:00Z,31 cm\n")
    assert [one.depth_m for one in parsed.readings] == [0.31]
    assert "'in' and 'cm'" in parsed.findings[0].message and parsed.findings[0].where == "line 2"


def test_a_column_that_looks_like_inches_where_centimetres_are_declared_is_flagged() -> None:
    parsed = read("sensor,time,depth_inches\nG,2026-07-14T16:00:00Z,12.4\n", columns={"value": "depth_inches"})
    assert [one.quality for one in parsed.readings] == [Quality.UNIT]
    assert "looks like inches" in parsed.findings[0].message
    assert not read("sensor,time,depth (cm)\nG,2026-07-14T16:00:00Z,1\n", columns={"value": "depth (cm)"}).findings


def test_a_byte_order_mark_semicolons_decimal_commas_and_windows_lines_are_read() -> None:
    text = "\ufeffStation;Zeit;Wasserstand\r\nG1;14.07.2026 18:00;31,5\r\n\r\n"
    names = {"sensor": "Station", "time": "Zeit", "value": "Wasserstand"}
    how = {"columns": names, "timezone": "Europe/Berlin", "time_format": "%d.%m.%Y %H:%M"}
    (reading,) = read(text.encode("utf-8"), decimal=",", **how).readings
    assert (reading.depth_m, reading.observed_at) == (0.315, datetime(2026, 7, 14, 16, tzinfo=UTC))
    parsed = read(text.encode("utf-16"), **how)
    assert not parsed.readings and 'decimal = ","' in parsed.findings[0].message


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_holds_nothing(data: bytes) -> None:
    assert not read(data).readings


def test_a_file_with_a_header_alone_holds_nothing() -> None:
    parsed = read("sensor,time,value\n")
    assert not parsed.readings and not parsed.findings


def test_one_bad_row_loses_no_good_one() -> None:
    rows = ["G,2026-07-14T16:00:00Z,1", "G,yesterday,2", "G,2026-07-14T16:02:00Z,wet", "G,2026-07-14T16:03:00Z",
            "G,2026-07-14T16:04:00Z,nan", "G,2026-07-14T16:05:00Z,", "G,2026-07-14T16:06:00Z,7"]  # fmt: skip
    parsed = read("\n".join(["sensor,time,value", *rows]))
    assert [one.depth_m for one in parsed.readings] == [0.01, 0.07]
    assert {one.where for one in parsed.findings} == {"line 3", "line 4", "line 5", "line 6", "line 7"}


@pytest.mark.parametrize(
    "row", ['"G,2026-07-14T16:00:00Z,1', ",2026-07-14T16:00:00Z,1", "x" * 500 + ",2026-07-14T16:00:00Z,1",
            "G,0001-01-01T00:00:00+14:00,1", "G,9999-12-31T23:59:59-14:00,1", "G,2026-07-14T16:00:00Z,1e999"],
)  # fmt: skip
def test_a_row_of_nonsense_loses_no_row_after_it(row: str) -> None:
    parsed = read(f"sensor,time,value\n{row}\nG,2026-07-14T16:01:00Z,7\n")
    assert [one.depth_m for one in parsed.readings] == [0.07]
    assert [one.where for one in parsed.findings] == ["line 2"]


@pytest.mark.parametrize("data", [b"\xff\x00\x81binary", b"a,b\n1,2\n", b"sensor,time,value,value\n"])
def test_a_payload_that_is_no_such_csv_is_malformed(data: bytes) -> None:
    with pytest.raises(SourceMalformed, match="gauges"):
        read(data)


def test_a_time_without_offset_needs_a_declared_zone() -> None:
    text = "sensor,time,value\nG,2026-07-14 18:00:00,1\n"
    assert rules(read(text)) == ["time.unread"]
    assert read(text, timezone="Europe/Berlin").readings[0].observed_at.hour == 16


def test_zero_points_and_distances_are_taken_off_by_sensor() -> None:
    text = "sensor,time,value\nA,2026-07-14T16:00:00Z,250\nB,2026-07-14T16:00:00Z,250\n"
    sensors = {"A": {"id": "quay", "zero_m": 3.0}, "B": {"zero_m": 2.4}}
    quay, other = read(text, measures="distance", sensors=sensors).readings
    assert (quay.sensor, quay.depth_m) == ("quay", pytest.approx(0.5))
    assert (other.depth_m, other.quality) == (0.0, Quality.RANGE)
    (level,) = read(text, sensors={"A": {"zero_m": 2.2}}).readings
    assert level.depth_m == pytest.approx(0.3)


def test_a_sensor_that_is_not_listed_is_refused_unless_any_is_welcome() -> None:
    sensors = {"G1": {}}
    parsed = read(CSV, sensors=sensors)
    assert [one.sensor for one in parsed.readings] == ["G1"] and rules(parsed) == ["sensor.unknown"]
    assert len(read(CSV, sensors=sensors, only_listed=False).readings) == 2


def test_noise_below_dry_is_dry_and_what_no_street_holds_is_out_of_range() -> None:
    text = "sensor,time,value\nG,2026-07-14T16:00:00Z,-3\nG,2026-07-14T16:01:00Z,-80\nG,2026-07-14T16:02:00Z,900\n"
    found = [(one.depth_m, one.quality) for one in read(text).readings]
    assert found == [(0.0, Quality.UNCHECKED), (0.0, Quality.RANGE), (9.0, Quality.RANGE)]


def test_json_is_read_where_the_source_says_its_list_is() -> None:
    body = {"data": {"rows": [{"dev": {"id": 7}, "ts": 1784044800, "v": 31.5}, {"dev": {}, "ts": 1, "v": 2}, 5]}}
    columns = {"sensor": "dev.id", "time": "ts", "value": "v"}
    parsed = read(json.dumps(body), adapter="json", items="data.rows", columns=columns, time_format="epoch_s")
    assert [(one.sensor, one.depth_m) for one in parsed.readings] == [("7", 0.315)]
    assert parsed.readings[0].observed_at == datetime(2026, 7, 14, 16, tzinfo=UTC)
    assert rules(parsed) == ["sensor.missing", "json.item"]


def test_a_number_as_a_time_needs_to_be_declared() -> None:
    parsed = read('{"sensor": "a", "time": 1784044800, "value": 1}', adapter="json")
    assert "epoch_s or epoch_ms" in parsed.findings[0].message


@pytest.mark.parametrize("data", [b"{", b"[1, 2", b'{"rows": 5}', b"\xff"])
def test_a_payload_that_is_no_such_json_is_malformed(data: bytes) -> None:
    with pytest.raises(SourceMalformed):
        read(data, adapter="json", items="rows")


def test_a_message_names_its_sensor_by_its_topic() -> None:
    body = '{"t": "2026-07-14T16:00:00Z", "cm": 4.5}'
    columns = {"sensor": "topic:1", "time": "t", "value": "cm"}
    (reading,) = read(body, adapter="json", columns=columns, topic="water/quay/depth").readings
    assert (reading.sensor, reading.depth_m) == ("quay", 0.045)
    assert rules(read(body, adapter="json", columns=columns, topic="water")) == ["sensor.missing"]


def _stream(unit: object, *results: object) -> dict[str, object]:
    return {
        "@iot.id": 42,
        "name": "depth at the quay",
        "unitOfMeasurement": unit,
        "Observations": [
            {"@iot.id": n, "phenomenonTime": f"2026-07-14T16:0{n}:00.000Z", "result": result}
            for n, result in enumerate(results)
        ],
    }


CENTIMETRE = {"name": "centimetre", "symbol": "cm", "definition": "ucum:cm"}


def test_sensorthings_says_its_own_unit() -> None:
    document = json.dumps({"value": [_stream(CENTIMETRE, 31.5, None)]})
    parsed = read(document, adapter="sensorthings", unit="", sensors={"42": {"id": "quay"}})
    assert [(one.sensor, one.depth_m) for one in parsed.readings] == [("quay", 0.315)]
    assert rules(parsed) == ["value.missing"]


def test_sensorthings_whose_unit_is_not_the_declared_one_or_unknown_is_refused() -> None:
    inches = json.dumps({"value": [_stream({"name": "inch", "symbol": "in"}, 12.4)]})
    assert "'in' and 'cm'" in read(inches, adapter="sensorthings").findings[0].message
    assert read(inches, adapter="sensorthings", unit="").readings[0].depth_m == pytest.approx(0.31496)
    for unit in ({"name": "Degree Celsius", "symbol": "°C"}, None):
        parsed = read(json.dumps({"value": [_stream(unit, 12.4)]}), adapter="sensorthings", unit="")
        assert not parsed.readings and rules(parsed) == ["value.unread"]


def test_sensorthings_observations_with_their_datastream_and_data_arrays_are_read() -> None:
    stream = {"@iot.id": 42, "unitOfMeasurement": CENTIMETRE}
    one = {"phenomenonTime": "2026-07-14T15:59:00Z/2026-07-14T16:00:00Z", "result": 3, "Datastream": stream}
    array = {
        "Datastream": stream,
        "components": ["phenomenonTime", "result"],
        "dataArray": [["2026-07-14T16:01:00Z", 4], ["2026-07-14T16:02:00Z"]],
    }
    parsed = read(json.dumps({"value": [one, array]}), adapter="sensorthings", unit="")
    assert [(reading.id, reading.depth_m) for reading in parsed.readings] == [
        ("42@20260714T160000Z", 0.03), ("42@20260714T160100Z", 0.04),
    ]  # fmt: skip
    assert rules(parsed) == ["sensorthings.array"]


def test_sensorthings_of_a_strange_shape_hold_nothing() -> None:
    strange = [{"Observations": 5}, {"dataArray": 7}, {"Datastream": 5, "result": 1, "phenomenonTime": "x"}, 5]
    parsed = read(json.dumps({"value": strange}), adapter="sensorthings", unit="")
    assert not parsed.readings and rules(parsed) == ["sensor.missing", "sensorthings.entity"]
