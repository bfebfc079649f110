"""Which ports are needed, and whether somebody else sits on one."""

import contextlib
import errno
import socket
from dataclasses import dataclass

import psutil

from trafficfeed.errors import SourceUnavailable
from trafficfeed.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port to listen on, and the setting that moves it."""

    what: str
    host: str
    number: int
    setting: str


def needed(settings: Settings) -> tuple[Port, ...]:
    """Return every port that `trafficfeed up` listens on; Airflow's served logs are switched off and take none."""
    return (
        Port(what="the API", host=settings.api_host, number=settings.api_port, setting="TRAFFICFEED_API_PORT"),
        Port(
            what="Airflow",
            host=settings.airflow_host,
            number=settings.airflow_port,
            setting="TRAFFICFEED_AIRFLOW_PORT",
        ),
    )


def refuse_taken(ports: tuple[Port, ...]) -> None:
    """Raise when one of `ports` cannot be listened on.

    Raises
    ------
    SourceUnavailable
        Naming each taken port, who listens there where that can be seen, and the setting to change.
    """
    faults = [fault for port in ports if (fault := _fault(port))]
    numbers = [port.number for port in ports]
    if len(set(numbers)) < len(numbers):
        faults.append(f"the ports {numbers} must differ: set {' or '.join(port.setting for port in ports)}")
    if faults:
        raise SourceUnavailable("\n".join(faults))


def _fault(port: Port) -> str | None:
    try:
        with socket.create_server((port.host, port.number), family=_family(port.host)):
            return None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return f"{port.what} cannot listen on {port.host}:{port.number} ({error.strerror}): set {port.setting}"
    holder = _holder(port.number)
    another = port.number + 10
    return (
        f"port {port.number} for {port.what} is taken{holder}: stop that, or choose another port, "
        f"for example {port.setting}={another} make run"
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _holder(number: int) -> str:
    """Return " by NAME (process N)" where the system lets us see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == number
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""
