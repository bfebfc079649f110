"""`trafficfeed validate` as a partner runs it: on files, URLs, packed, of the wrong kind, and as JSON."""

import gzip
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_events import CLOSURE, EVENTS, FEED, KERB_LANE, PUBLISHED
from typer.testing import CliRunner, Result

from trafficfeed.cli import app
from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.pipeline import validating

CONFORMANCE = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared")) / "conformance"
AT = ("--as-of", "2026-12-05T12:00:00Z", "--no-roads")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


def write(path: Path, name: str, *events: object) -> Path:
    path.write_bytes(STANDARDS[name].encode(events, publication_time=PUBLISHED, feed=FEED))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("name", ("native", "wzdx", "cifs", "cifs-json", "datex2", "cap"))
def test_a_sound_document_ends_with_exit_status_0(name: str, tmp_path: Path) -> None:
    found = run(name, write(tmp_path / "feed", name, *EVENTS), *AT)
    assert found.exit_code == 0, found.output
    assert f": {name}, " in found.output


def test_errors_end_with_exit_status_1_and_say_where_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(write(path, "cifs", CLOSURE).read_text().replace("18:00:00+01:00", "06:00:00+01:00"))
    found = run("cifs", path, *AT)
    assert found.exit_code == 1
    for said in ("feed.time.order", "incident[1]/endtime", "mend the window", "2 errors"):
        assert said in found.output


def test_findings_come_as_json_with_paths(tmp_path: Path) -> None:
    path = write(tmp_path / "a", "wzdx", CLOSURE, replace(CLOSURE, title={"en": "Again"}, detour=None))
    found = run("wzdx", path, "--json", *AT)
    document = json.loads(found.stdout)
    assert (found.exit_code, document["sound"], document["standard"], document["records"]) == (1, False, "wzdx", 3)
    assert {f["where"] for f in document["findings"] if f["rule"] == "feed.id.unique"} == {
        "features[0].id",
        "features[1].id",
    }


def test_a_closure_that_vanished_is_seen_with_the_previous_document(tmp_path: Path) -> None:
    before, now = write(tmp_path / "a", "cifs", CLOSURE, KERB_LANE), write(tmp_path / "b", "cifs", KERB_LANE)
    assert run("cifs", now, *AT).exit_code == 0
    found = run("cifs", now, "--previous", before, *AT)
    assert found.exit_code == 1
    assert "feed.history.vanished" in found.output


@pytest.mark.parametrize("data", (b"", b"\x00\xff", b"{}", b"<a/>", b"null", b'{"\xed\xa0\x80'))
@pytest.mark.parametrize("name", ("native", "wzdx", "cifs", "cifs-json", "datex2", "cap"))
def test_what_is_no_such_document_is_one_finding_and_no_traceback(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    found = run(name, tmp_path / "x")
    assert found.exit_code == 1
    assert isinstance(found.exception, SystemExit)
    assert "feed.document.shape" in found.output


def test_texts_that_could_steer_a_terminal_are_shown_as_escapes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"incidents":[{"incident":{"id":"\\u001b[2J\\ud800","type":"\\u001b]0;x\\u0007"}}]}')
    for more in ((), ("--json",)):
        found = run("cifs-json", path, *more)
        assert found.exit_code == 1
        assert "\x1b" not in found.output
        assert "\\x1b" in found.output or "\\u001b" in found.output


def test_the_official_schema_is_asked_where_it_is_given(tmp_path: Path) -> None:
    if not CONFORMANCE.is_dir():
        pytest.skip(f"there is no {CONFORMANCE}: set TRAFFICFEED_SHARED")
    path = tmp_path / "x"
    for name, old, new in (
        ("wzdx", '"static"', '"dancing"'),
        ("cifs", "ONE_DIRECTION", "THREE_DIRECTIONS"),
        ("datex2", "<com:validityStatus>", "<com:validityStatus>not"),
    ):
        text = write(path, name, CLOSURE).read_text()
        assert run(name, path, "--schema", CONFORMANCE, *AT).exit_code == 0
        assert old in text
        path.write_text(text.replace(old, new))
        assert run(name, path, *AT).exit_code == 0
        found = run(name, path, "--schema", CONFORMANCE, *AT)
        assert found.exit_code == 1
        assert "schema" in found.output


def test_an_unknown_standard_is_wrong_usage() -> None:
    found = run("gtfs", "x")
    assert found.exit_code == 2
    assert "native" in found.output


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_documents_come_from_urls_and_packed(served: tuple[Path, str]) -> None:
    folder, url = served
    plain = write(folder / "feed.geojson", "native", *EVENTS)
    (folder / "feed.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert run("native", f"{url}/feed.geojson", *AT).exit_code == 0
    assert run("native", f"{url}/feed.gz", "--previous", plain, *AT).exit_code == 0
    with pytest.raises(SourceUnavailable, match="404"):
        validating.fetch(f"{url}/nothing")


def test_what_is_too_large_or_cannot_be_unpacked_is_refused(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = served
    (folder / "bomb.gz").write_bytes(gzip.compress(bytes(1_000_000)))
    (folder / "torn.gz").write_bytes(gzip.compress(b"hello")[:-6])
    (folder / "long").write_bytes(bytes(200_000))
    monkeypatch.setattr(validating, "LARGEST", 100_000)
    for place in (str(folder / "bomb.gz"), f"{url}/bomb.gz", str(folder / "long"), f"{url}/long"):
        with pytest.raises(SourceUnavailable, match="larger"):
            validating.fetch(place)
    with pytest.raises(SourceMalformed, match="gzip"):
        validating.fetch(str(folder / "torn.gz"))
