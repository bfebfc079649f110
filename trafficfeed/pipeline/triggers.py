"""Asks Airflow for validation runs: idempotent by run id, and what Airflow did not hear stays in the outbox."""

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.pipeline.airflow_client import connect
from trafficfeed.settings import Settings
from trafficfeed.store.outbox import Outbox


def drain(outbox: Outbox, *, settings: Settings) -> int:
    """Ask for everything that waits, oldest first; return how many Airflow has taken.

    Stops at the first that finds Airflow down: the rest waits for the next round. Two at a time do no harm, because
    a run id is taken once.
    """
    airflow, taken = connect(settings), 0
    for message in outbox.pending():
        try:
            airflow.trigger(message.dag_id, message.run_id, message.conf)
        except SourceUnavailable:
            break  # and no note of it: the message stays due, to go out as soon as Airflow is back
        except SourceMalformed as refusal:
            outbox.failed(message.id, f"refused: {refusal}")
        else:
            outbox.delivered(message.id)
            taken += 1
    return taken
