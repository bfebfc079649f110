"""J2735 frames re-encode byte for byte: made ones kept in tests/data, and recorded ones from a file that is given.

``TRAFFICFEED_J2735_FRAMES=FILE`` adds a file of recorded frames: one frame in hexadecimal a line, # for comments.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_lamp_states import AT, made_crossroads, made_state

from trafficfeed.errors import SourceMalformed
from trafficfeed.formats import mapem, spatem
from trafficfeed.formats.j2735_reading import Frame, read_frame, read_spat_frame, write_frame
from trafficfeed.formats.mapem_reading import topology_from_map
from trafficfeed.settings import REPOSITORY
from trafficfeed.signals.aspects import Aspect

KEPT = REPOSITORY / "tests" / "data" / "j2735_frames.hex"


def frames_in(path: Path) -> list[bytes]:
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [bytes.fromhex(line) for line in lines if line]


def files() -> list[Path]:
    given = os.environ.get("TRAFFICFEED_J2735_FRAMES")
    return [KEPT, *([Path(given)] if given else [])]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_frames_re_encode_byte_for_byte(path: Path) -> None:
    frames = frames_in(path)
    assert frames
    for data in frames:
        assert write_frame(read_frame(data)).hex() == data.hex()


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_frames_are_read_into_facts_and_topologies(path: Path) -> None:
    for data in frames_in(path):
        frame = read_frame(data)
        if frame.kind == "SPAT":
            assert all(one.groups for one in read_spat_frame(data, near=AT))
        else:
            found = topology_from_map(frame.value, made_at=datetime(2026, 5, 1, tzinfo=UTC)).intersections
            assert all(one.lanes and one.connections for one in found.values())


def test_a_frame_has_the_first_event_and_leaves_plans_ahead_alone() -> None:
    data = next(data for data in frames_in(KEPT) if read_frame(data).kind == "SPAT")
    (facts,) = read_spat_frame(data, near=AT)
    assert facts.groups[0].aspect is Aspect.PERMISSIVE_GREEN
    assert facts.groups[0].name == "left, buses"


def test_a_frame_of_more_than_127_bytes_has_a_length_of_two() -> None:
    data = write_frame(Frame(kind="MapData", value=mapem.value_of(made_crossroads())))
    assert len(data) > 131
    assert data[2] & 0xC0 == 0x80
    assert write_frame(read_frame(data)) == data


def test_zeros_behind_a_frame_are_let_pass_and_kept() -> None:
    data = write_frame(Frame(kind="SPAT", value=spatem.value_of(made_state())["spat"])) + b"\0\0"
    assert write_frame(read_frame(data)) == data
    with pytest.raises(SourceMalformed, match="alone"):
        read_frame(data + b"\1")


def test_a_frame_cut_at_any_byte_is_refused() -> None:
    data = frames_in(KEPT)[0]
    for cut in range(len(data)):
        with pytest.raises(SourceMalformed):
            read_frame(data[:cut])


def test_other_messages_are_refused() -> None:
    with pytest.raises(SourceMalformed, match="neither"):
        read_frame(bytes.fromhex("00140380000000"))
    with pytest.raises(SourceMalformed, match="not SPAT"):
        read_spat_frame(write_frame(Frame(kind="MapData", value=mapem.value_of(made_crossroads()))), near=AT)
