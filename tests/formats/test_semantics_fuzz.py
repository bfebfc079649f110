"""Whatever bytes come in, reading them ends in findings or in a refusal: never in a crash."""

import json
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_events import EVENTS, FEED, PUBLISHED
from made_town import town

from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import semantics
from trafficfeed.formats.standards import STANDARDS

NAMES = ("native", "wzdx", "cifs", "cifs-json", "datex2", "cap")
SOUND = {name: STANDARDS[name].encode(EVENTS, publication_time=PUBLISHED, feed=FEED) for name in NAMES}
JSON_NAMES = ("native", "wzdx", "cifs-json")
WIDE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BAD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([[1.0, 2.0, []], ["a", None]]),
    st.just({"coordinates": [[1, 2], 3]}),
    st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z", "\ud800"]),
)


def survives(name: str, data: bytes) -> None:
    """Check a document with all that rules may ask for; being refused is as good as being read."""
    try:
        found = semantics.check(name, data, graph=town(), previous=SOUND[name], as_of=PUBLISHED)
    except FeedNonConformant as refusal:
        assert refusal.findings
    else:
        assert all(finding.rule.startswith("feed.") for finding in found)
    try:
        semantics.check(name, SOUND[name], previous=data)
    except FeedNonConformant as refusal:
        assert refusal.findings


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=200))
@WIDE
def test_random_bytes_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(FeedNonConformant) as refusal:
        semantics.check(name, data)
    assert refusal.value.findings


@pytest.mark.parametrize("name", NAMES)
@given(share=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6))
@WIDE
def test_cut_and_garbled_documents_do_no_harm(name: str, share: float, flips: list[tuple[float, int]]) -> None:
    whole = bytearray(SOUND[name])
    survives(name, bytes(whole[: int(share * len(whole))]))
    for where, value in flips:
        whole[min(int(where * len(whole)), len(whole) - 1)] = value
    survives(name, bytes(whole))


@pytest.mark.parametrize("name", JSON_NAMES)
@given(seed=st.integers(0, 2**32), value=BAD_VALUES, count=st.integers(1, 4))
@WIDE
def test_json_of_the_wrong_types_does_no_harm(name: str, seed: int, value: Any, count: int) -> None:
    document = json.loads(SOUND[name])
    chance = random.Random(seed)
    for _ in range(count):
        _spoil(document, value, chance)
    survives(name, json.dumps(document).encode())


@pytest.mark.parametrize("name", ("cifs", "datex2", "cap"))
@given(seed=st.integers(0, 2**32), text=st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12))
@WIDE
def test_xml_with_spoilt_texts_and_lost_elements_does_no_harm(name: str, seed: int, text: str) -> None:
    from lxml import etree

    root = etree.fromstring(SOUND[name])
    chance = random.Random(seed)
    elements = list(root.iter())[1:]
    for element in chance.sample(elements, 6):
        parent = element.getparent()
        if chance.random() < 0.4 and parent is not None:
            parent.remove(element)
        elif element.attrib and chance.random() < 0.5:
            element.attrib[chance.choice(list(element.attrib))] = text
        else:
            element.text = text
    survives(name, etree.tostring(root))


def test_entities_and_document_types_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><incidents>&z;</incidents>'
    for name in ("cifs", "datex2", "cap"):
        with pytest.raises(FeedNonConformant, match="DOCTYPE"):
            semantics.check(name, bomb)


def test_a_deeply_nested_document_is_refused() -> None:
    for name, data in (("wzdx", b"[" * 100_000), ("cifs", b"<a>" * 100_000), ("native", b'{"a":' * 100_000)):
        with pytest.raises(FeedNonConformant):
            semantics.check(name, data)


def _spoil(node: Any, value: Any, chance: random.Random) -> None:
    """Put `value` somewhere in a JSON document."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(node[key], dict | list) or not node[key] or chance.random() < 0.15:
            node[key] = deepcopy(value)
            return
        node = node[key]
