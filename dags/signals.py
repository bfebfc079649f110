"""Signals: topology and plans each night, held by the SUMO gate where advice would do harm; scorecards each hour."""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from defaults import DEFAULT_ARGS, START, SUMO_POOL


@dag(
    schedule="17 2 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["signals", "nightly"],
)
def signals_static():
    """Build the **signal topology and its plans**, drive the SUMO gate, release.

    The gate lets drivers in SUMO follow advice from our own published feed, against none, over paired seeds. It holds
    the release where stops do not fall, where travel time rises by more than 1 %, and where a conflicting green or an
    illegal transition was published. What is released already stays. A verdict on the same inputs is found, not driven
    anew: on most nights nothing is simulated.
    """

    @task(execution_timeout=timedelta(minutes=20))
    def build() -> dict[str, Any]:
        """Topology and plans from the network, checked; kept as a draft."""
        from trafficfeed.pipeline.signals import topology_step

        return topology_step()

    @task(pool=SUMO_POOL, execution_timeout=timedelta(hours=3))
    def gate(built: dict[str, Any]) -> dict[str, Any]:
        """Stops, travel time and safety with our feed against none; the verdict is kept as a certificate."""
        from trafficfeed.pipeline.signals import gate_step

        return gate_step(built["version"])

    @task
    def release(judged: dict[str, Any]) -> dict[str, Any]:
        """Publish the draft, or hold it."""
        from trafficfeed.pipeline.signals import release_topology_step

        return release_topology_step(judged)

    release(gate(build()))


@dag(
    schedule="47 2 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["signals", "nightly"],
)
def signals_refit():
    """Set the threshold of the **countdown rule** anew on the city's own log of the last days, past data only.

    The live process takes the rule up within a minute, for each group from its next run on. Where the log is too
    short nothing changes.
    """

    @task(execution_timeout=timedelta(hours=1))
    def refit() -> dict[str, Any]:
        """From which probability on a countdown was right to a second as often as promised."""
        from trafficfeed.pipeline.signals import refit_step

        return refit_step()

    refit()


@dag(
    schedule=timedelta(hours=1),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "retries": 1},
    tags=["signals", "hourly"],
)
def signals_quality():
    """Release the **scorecard**: how good the countdowns of each group were on each of the last days."""

    @task(execution_timeout=timedelta(minutes=10))
    def scorecard() -> dict[str, Any]:
        """From the scores that the live process keeps."""
        from trafficfeed.pipeline.signals import scorecard_step

        return scorecard_step()

    scorecard()


signals_static()
signals_refit()
signals_quality()
