"""What the DAGs share: the pool, the patience, and how a failure says itself."""

from datetime import datetime, timedelta
from typing import Any

SUMO_POOL = "sumo"  # one slot a core, made by `trafficfeed up`
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
OWNER = "trafficfeed"


def report_failure(context: dict[str, Any]) -> None:
    """Write a task's last failure to the order's audit log, where its author looks."""
    from trafficfeed.pipeline.closures import record_failure

    params, task = context["params"], context["task_instance"]
    reason = context.get("exception") or context.get("reason") or "the task was killed, and its retries are used up"
    record_failure(params["order_id"], int(params["version"]), f"{task.dag_id}.{task.task_id}: {reason}")


# A killed worker uses up a retry, so no task has none; every task may run twice, for runs are cached by their hash.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 2,
    "retry_delay": timedelta(seconds=5),
}
