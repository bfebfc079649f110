"""SPATEM and MAPEM as JSON are what pycrate reads as the very same messages."""

import json
from dataclasses import replace

from made_lamp_states import made_crossroads, made_state
from pycrate_asn1dir import ITS_IS

from trafficfeed.formats import its_json, mapem, spatem


def test_spatem_in_json_is_the_same_message_as_in_uper() -> None:
    kind = ITS_IS.SPATEM_PDU_Descriptions.SPATEM
    state = replace(made_state(), advisory=True, authority="Poliisi")
    kind.from_jer(its_json.spatem_json(state).decode())
    assert kind.to_uper() == spatem.encode(state)


def test_mapem_in_json_is_the_same_message_as_in_uper() -> None:
    kind = ITS_IS.MAPEM_PDU_Descriptions.MAPEM
    one = made_crossroads()
    kind.from_jer(its_json.mapem_json(one).decode())
    assert kind.to_uper() == mapem.encode(one)


def test_bit_strings_are_hexadecimal_and_choices_objects_of_one_member() -> None:
    lane = json.loads(its_json.mapem_json(made_crossroads()))["map"]["intersections"][0]["laneSet"][0]
    assert lane["laneAttributes"]["directionalUse"] == "80"
    assert list(lane["nodeList"]) == ["nodes"]
