"""A taken port is named, with who sits there and the setting that moves us."""

import socket
from collections.abc import Iterator

import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.running.ports import needed, refuse_taken
from trafficfeed.settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_free_ports_are_taken_as_they_are() -> None:
    refuse_taken(needed(Settings(api_port=_free(), airflow_port=_free())))


def test_a_taken_port_is_named_with_its_holder_and_the_setting_to_change(taken: int) -> None:
    with pytest.raises(SourceUnavailable, match=rf"port {taken} for Airflow is taken by .+TRAFFICFEED_AIRFLOW_PORT="):
        refuse_taken(needed(Settings(api_port=_free(), airflow_port=taken)))


def test_a_port_that_was_just_left_is_free(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass
    refuse_taken(needed(Settings(api_port=port, airflow_port=_free())))


def test_two_services_cannot_share_a_port() -> None:
    port = _free()
    with pytest.raises(SourceUnavailable, match="must differ"):
        refuse_taken(needed(Settings(api_port=port, airflow_port=port)))


def test_an_address_that_is_not_ours_is_refused_with_the_setting() -> None:
    with pytest.raises(SourceUnavailable, match="TRAFFICFEED_API_PORT"):
        refuse_taken(needed(Settings(api_host="192.0.2.1", api_port=_free(), airflow_port=_free())))
