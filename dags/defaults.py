"""What the DAGs share: the pool, the patience, which failures are final, and how a failure says itself."""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

SUMO_POOL = "sumo"  # one slot a core, made by `trafficfeed up`
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

_FINAL = ["OrderInvalid", "OrderConflict", "ScenarioInvalid", "SourceMalformed", "FeedNonConformant"]


def report_failure(context: dict[str, Any]) -> None:
    """Write a task's last failure to the order's audit log, where its author looks."""
    from trafficfeed.pipeline.closures import record_failure

    params, task = context["params"], context["task_instance"]
    name = task.task_id if task.map_index < 0 else f"{task.task_id}[{task.map_index}]"
    reason = context.get("exception") or context.get("reason") or "the task was killed, and its retries are used up"
    record_failure(params["order_id"], int(params["version"]), f"{task.dag_id}.{name}: {reason}")


# A killed worker uses up a retry, so no task has none; each may run twice, for runs are cached by their hash.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "trafficfeed",
    "retries": 2,
    "retry_delay": timedelta(seconds=5),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[f"trafficfeed.errors.{name}" for name in _FINAL],
                action=RetryAction.FAIL,
                reason="trying again would not change the order or the city",
            )
        ]
    ),
}
