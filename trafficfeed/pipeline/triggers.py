"""Asks Airflow for validation runs: idempotent by run id, and what Airflow did not hear stays in the outbox."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.pipeline.airflow_client import connect
from trafficfeed.settings import Settings

VALIDATE_DAG: Final = "closures_validate"


class Message(Protocol):
    """A run that is to be asked for, written in the transaction that made it necessary."""

    @property
    def id(self) -> int:
        """Its place in the outbox."""

    @property
    def dag_id(self) -> str:
        """Which DAG."""

    @property
    def run_id(self) -> str:
        """The run's id, the same for the same thing."""

    @property
    def conf(self) -> Mapping[str, Any]:
        """Ids only: the run reads the state from the store."""


class Outbox(Protocol):
    """Where messages wait until Airflow has taken them."""

    def pending(self) -> Sequence[Message]:
        """Return what waits, oldest first."""

    def delivered(self, message_id: int) -> None:
        """Note that Airflow has it."""

    def refused(self, message_id: int, reason: str) -> None:
        """Note that Airflow does not take it, and why, so that it is put off and the others get their turn."""


def validation_run_id(order_id: str, version: int) -> str:
    """Return the one run id of an order version, so that asking twice starts one run."""
    return f"{order_id}-{version}"


def trigger(dag_id: str, run_id: str, conf: Mapping[str, Any], *, settings: Settings) -> bool:
    """Ask Airflow for a run; return False where a run of that id exists, which is as good.

    Raises
    ------
    SourceUnavailable
        Airflow is down: keep the message and ask again.
    SourceMalformed
        Airflow refuses it (no such DAG, wrong ids): asking again would not help.
    """
    return connect(settings).trigger(dag_id, run_id, conf)


def drain(outbox: Outbox, *, settings: Settings) -> int:
    """Ask for everything that waits, oldest first; return how many Airflow has taken.

    Stops at the first that finds Airflow down: the rest waits for the next round. Two at a time do no harm, because
    a run id is taken once.
    """
    taken = 0
    for message in outbox.pending():
        try:
            trigger(message.dag_id, message.run_id, message.conf, settings=settings)
        except SourceUnavailable:
            break  # and no note of it: the message stays due, to go out as soon as Airflow is back
        except SourceMalformed as refusal:
            outbox.refused(message.id, str(refusal))
        else:
            outbox.delivered(message.id)
            taken += 1
    return taken


def drain_soon(outbox: Outbox, *, settings: Settings) -> threading.Thread:
    """Start `drain` beside the caller and do not wait: an officer's submit never depends on Airflow."""
    thread = threading.Thread(target=drain, args=(outbox,), kwargs={"settings": settings}, name="outbox", daemon=True)
    thread.start()
    return thread
