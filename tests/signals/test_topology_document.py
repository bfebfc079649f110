"""The topology as JSON: back as it was, and no other version under the same name."""

import pytest
from signalled_networks import NAMES, built

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.topology_document import content_hash, from_json, to_json


@pytest.mark.parametrize("name", NAMES)
def test_a_topology_comes_back_as_it_was(name: str) -> None:
    topology, _ = built(name)
    assert from_json(to_json(topology)) == topology


def test_the_order_of_intersections_does_not_matter_to_the_version() -> None:
    topology, _ = built("cologne8")
    backwards = list(topology.intersections.values())[::-1]
    assert content_hash(backwards) == topology.version


def test_a_document_that_was_changed_is_refused() -> None:
    data = to_json(built("cologne8")[0])
    with pytest.raises(SourceMalformed, match="hash of its content"):
        from_json(data.replace(b'"manoeuvre":"left"', b'"manoeuvre":"right"', 1))


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format":"trafficfeed-topology/1"}'])
def test_what_is_no_topology_is_refused(data: bytes) -> None:
    with pytest.raises(SourceMalformed):
        from_json(data)


def test_a_document_cut_short_is_refused() -> None:
    data = to_json(built("cologne8")[0])
    with pytest.raises(SourceMalformed):
        from_json(data[: len(data) // 2])
