"""SPATEM encoded per second, single process, held against pycrate's general encoder; ``--json`` for figures alone."""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from trafficfeed.formats import its_asn1, spatem
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.states import GroupState, IntersectionState

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
GOAL_PER_S = 3000


def made_states(count: int, groups: int) -> list[IntersectionState]:
    """Return states of different intersections, each group with a forecast and a countdown."""
    return [_state(n, groups) for n in range(count)]


def _state(n: int, groups: int) -> IntersectionState:
    moment = NOON + timedelta(milliseconds=37 * n)
    return IntersectionState(
        intersection=f"junction-{n}",
        number=256 + n,
        region=1,
        revision=n % 128,
        observed_at=moment,
        groups=[_group(f"junction-{n}", g, moment) for g in range(1, groups + 1)],
    )


def _group(intersection: str, group: int, moment: datetime) -> GroupState:
    aspect = Aspect.PROTECTED_GREEN if group % 3 == 1 else Aspect.STOP_AND_REMAIN
    end = moment + timedelta(seconds=3 + group)
    forecast = Forecast(
        key=GroupKey(intersection, group),
        aspect=aspect,
        since=moment,
        made_at=moment,
        method=Method.ANALOGUES,
        min_end=end - timedelta(seconds=1),
        likely_end=end,
        max_end=end + timedelta(seconds=1),
        countdown_allowed=True,
    )
    return GroupState(group=group, aspect=aspect, since=moment, forecast=forecast)


def rate(work: Callable[[IntersectionState], bytes], states: list[IntersectionState], least_s: float) -> float:
    """Return how many states a second `work` encodes, over at least `least_s` seconds."""
    done, start = 0, perf_counter()
    while (spent := perf_counter() - start) < least_s:
        for state in states:
            work(state)
        done += len(states)
    return done / spent


def main() -> int:
    """Measure and print; return 1 where the goal is missed or an encoding differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--groups", type=int, default=8, help="signal groups of an intersection")
    parser.add_argument("--seconds", type=float, default=2.0, help="least time measured")
    options = parser.parse_args()
    states = made_states(1000, options.groups)
    general = lambda state: its_asn1.encode("SPATEM", spatem.value_of(state))  # noqa: E731
    differing = sum(spatem.encode(state) != general(state) for state in states[:200])
    result = {
        "groups": options.groups,
        "bytes": len(spatem.encode(states[0])),
        "encoded_per_s": round(rate(spatem.encode, states, options.seconds)),
        "pycrate_per_s": round(rate(general, states[:100], options.seconds)),
        "differing_from_pycrate": differing,
        "goal_per_s": GOAL_PER_S,
    }
    result["goal_met"] = bool(result["encoded_per_s"] >= GOAL_PER_S and not differing)
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:>24}  {value}" for key, value in result.items()))
    return 0 if result["goal_met"] else 1


if __name__ == "__main__":
    sys.exit(main())
