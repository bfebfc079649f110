"""Closures: an order version is checked, simulated, judged and released; each minute, what got lost is caught."""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from defaults import DEFAULT_ARGS, START, SUMO_POOL, report_failure

ORDER_ID = Param(
    type="string",
    pattern=r"^[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]$",
    title="Order",
    description="the order's id; what it says is read from the store",
)
VERSION = Param(type="integer", minimum=1, title="Version", description="which immutable version of it")


@dag(
    schedule=None,
    start_date=START,
    max_active_runs=1,
    params={"order_id": ORDER_ID, "version": VERSION},
    default_args={**DEFAULT_ARGS, "on_failure_callback": report_failure},
    tags=["closures", "on request"],
)
def closures_validate():
    """Check, simulate, judge and release **one version of one order**.

    Asked for by the API when an officer submits an order (run id `<order>-<version>`, so asking twice starts one run),
    and by `closures_reconcile` when that got lost. The run carries ids only: each task reads the store, and where a
    later version has taken its place, the rest is skipped. The SUMO runs share the pool `sumo`, one slot a
    core; a run that was killed is repeated, one that had finished is found by its hash.
    """

    @task.short_circuit
    def check(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Instant checks on the road graph; the rest is skipped where there is nothing to simulate."""
        from trafficfeed.pipeline.closures import check_step

        outcome = check_step(params["order_id"], params["version"])
        return outcome if outcome.get("proceed", True) else {}

    @task
    def plan_runs(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Which pairs of runs, base and plan, decide it."""
        from trafficfeed.pipeline.closures import plan_step

        return plan_step(params["order_id"], params["version"])

    @task(pool=SUMO_POOL, map_index_template="{{ label }}", execution_timeout=timedelta(hours=2))
    def run_pair(request: dict[str, Any]) -> str:
        """One run request, in SUMO or from the cache."""
        from trafficfeed.pipeline.closures import run_step

        get_current_context()["label"] = str(request.get("label") or request.get("seed") or "run")
        return run_step(request)

    @task(pool=SUMO_POOL, trigger_rule="none_failed")
    def conclude(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare by vehicle, judge by the thresholds, write the certificate."""
        from trafficfeed.pipeline.closures import conclude_step

        return conclude_step(params["order_id"], params["version"])

    @task
    def release() -> dict[str, Any]:
        """Publish the feeds as of now."""
        from trafficfeed.pipeline.closures import release_step

        return release_step()

    check() >> (requests := plan_runs()) >> run_pair.expand(request=requests) >> conclude() >> release()


@dag(
    schedule=timedelta(minutes=1),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "retries": 1},
    tags=["closures", "every minute"],
)
def closures_reconcile():
    """Catch what got lost, and let time pass.

    Delivers triggers that waited in the outbox while Airflow was down, asks again for submitted orders that have
    neither a certificate nor a run, activates and ends orders by the clock, and releases the feeds as of now.
    """

    @task(execution_timeout=timedelta(minutes=10))
    def reconcile() -> dict[str, Any]:
        """One round."""
        from trafficfeed.pipeline.closures import reconcile_step

        return reconcile_step()

    reconcile()


closures_validate()
closures_reconcile()
