"""Flooding: in a storm every five minutes, else hourly, it is forecast, decided, released; driven; refit each night."""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from defaults import DEFAULT_ARGS, START, SUMO_POOL


@dag(
    schedule=timedelta(minutes=5),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "retries": 1},
    tags=["flooding", "every 5 minutes"],
)
def flooding_assess():
    """Ingest, forecast, decide and release, score: **each five minutes in a storm, hourly otherwise**.

    It counts as a storm while a site is not clear, a gauge shows water, or 10 cm are likely enough within six hours. A
    new reading does not wait for this: the process that takes it in decides and releases within seconds, also with
    Airflow down. Each closure's certificate is asked for with its order (`closures_validate`).
    """

    @task.short_circuit
    def due() -> dict[str, Any]:
        """Whether to assess now, and why."""
        from trafficfeed.pipeline.flooding import due_step

        found = due_step()
        return found if found["due"] else {}

    @task(execution_timeout=timedelta(minutes=3))
    def ingest() -> dict[str, Any]:
        """Every source that can be asked, once."""
        from trafficfeed.pipeline.flooding import ingest_step

        return ingest_step()

    @task(execution_timeout=timedelta(minutes=3))
    def forecast() -> dict[str, Any]:
        """Depths and chances of every site, 72 h ahead."""
        from trafficfeed.pipeline.flooding import forecast_step

        return forecast_step()

    @task(execution_timeout=timedelta(minutes=3))
    def decide() -> dict[str, Any]:
        """Closures, hazards and clearings, as orders and feeds."""
        from trafficfeed.pipeline.flooding import decide_step

        return decide_step()

    @task(execution_timeout=timedelta(minutes=3))
    def score() -> dict[str, Any]:
        """The scorecard of the last week."""
        from trafficfeed.pipeline.flooding import score_step

        return score_step()

    due() >> ingest() >> forecast() >> decide() >> score()


@dag(
    schedule=timedelta(minutes=15),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "retries": 1},
    tags=["flooding", "every 15 minutes"],
)
def flooding_simulate():
    """Drive SUMO through **the water that P90 foretells, with the closures that hold**, against nobody following.

    Apart from the assessment, which it would hold up. Nothing is driven where nothing is closed, or the question is the
    same as before.
    """

    @task(pool=SUMO_POOL, execution_timeout=timedelta(minutes=30))
    def simulate() -> dict[str, Any]:
        """What drivers who follow the feed gain, against nobody following."""
        from trafficfeed.pipeline.flooding import simulate_step

        return simulate_step()

    simulate()


@dag(
    schedule="37 3 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["flooding", "nightly"],
)
def flooding_refit():
    """Fit the **forecast's parameters** anew on what the city's own gauges, rain forecasts and tides recorded."""

    @task(execution_timeout=timedelta(hours=1))
    def refit() -> dict[str, Any]:
        """Each site shrunk to the city's; the next forecast uses them."""
        from trafficfeed.pipeline.flooding import refit_step

        return refit_step()

    refit()


flooding_assess()
flooding_simulate()
flooding_refit()
