"""Check `notice`: planned work that begins too soon for anybody to hear of it."""

from collections.abc import Iterator
from datetime import timedelta

from trafficfeed.closures.checks.case import Case
from trafficfeed.closures.orders import Reason
from trafficfeed.findings import Finding, Severity

SHORTEST_NOTICE = timedelta(hours=24)
UNPLANNED = frozenset({Reason.EMERGENCY, Reason.ACCIDENT, Reason.FLOODING})


def check(case: Case) -> Iterator[Finding]:
    """Find a planned order whose first window begins less than a day ahead; one that holds already began too soon."""
    if case.order.reason in UNPLANNED:
        return
    coming = [w for placed in case.own for w in placed.windows if w.end > case.as_of]
    if not coming:
        return
    notice = min(w.start for w in coming) - case.as_of
    if notice >= SHORTEST_NOTICE:
        return
    hours = notice.total_seconds() / 3600
    when = f"begins in {hours:.1f} h" if hours > 0 else "has begun already"
    yield Finding(
        rule="notice",
        severity=Severity.WARNING,
        message=f"a planned order ({case.order.reason}) that {when}: drivers and map apps hear of it too late",
        where="measures",
        mend=f"plan it {SHORTEST_NOTICE / timedelta(hours=1):.0f} h ahead; if it is unforeseen, say so with the reason",
        detail={"notice_h": round(hours, 2), "shortest_h": SHORTEST_NOTICE / timedelta(hours=1)},
    )
