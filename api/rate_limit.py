"""How often one address may do what needs no token: a bucket each that fills with time, and one for all together."""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import Final

_ADDRESSES: Final = 10_000
"""Remembered at most: who has not been seen for longest is forgotten, and begins with a full bucket."""
_OF_ALL: Final = 50


class RateLimit:
    """Lets so many a minute through, in bursts up to a minute's worth.

    Parameters
    ----------
    per_minute
        Of one address; of all together fifty times as many.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._all = (_OF_ALL * per_minute, 0.0)
        self._lock = threading.Lock()

    def wait_s(self, address: str, now: datetime, count: int = 1) -> float:
        """Take `count` from the address's bucket and return 0; or return how long to wait, and take nothing."""
        at = now.timestamp()
        with self._lock:
            own = self._filled(self._buckets.get(address, (self._per_minute, at)), self._per_minute, at)
            everybody = self._filled(self._all, _OF_ALL * self._per_minute, at)
            lacks = max(count - own, (count - everybody) / _OF_ALL)
            if lacks > 0:
                return lacks / self._per_minute * 60.0
            self._all = (everybody - count, at)
            self._buckets[address] = (own - count, at)
            self._buckets.move_to_end(address)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
            return 0.0

    @staticmethod
    def _filled(bucket: tuple[float, float], most: float, at: float) -> float:
        held, since = bucket
        return min(held + most * max(at - since, 0.0) / 60.0, most)
