"""Delivery of what waits for a partner: signed POSTs, one after another, with a receipt for each."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import requests

import trafficfeed
from trafficfeed.publishing.push import seal
from trafficfeed.store.push_outbox import LEASE, PushOutbox, StoredPush

MOST_ATTEMPTS: Final = 14
_CONNECT_S: Final = 3.05
_LONGEST_S: Final = LEASE.total_seconds() / 2  # of one round: nothing may be sent when its lease is over
_OVERLOADED: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTarget:
    """Where a partner takes messages, and the secret that they are sealed with."""

    partner: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a round came to."""

    delivered: int = 0
    failed: int = 0
    dead: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            delivered=self.delivered + other.delivered, failed=self.failed + other.failed, dead=self.dead + other.dead
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a POST came to: `status` None where nobody answered; `trouble` "" where it was taken."""

    status: int | None
    trouble: str = ""
    after: timedelta | None = None

    @property
    def is_about_the_receiver(self) -> bool:
        """Whether the next message would fare no better."""
        return self.status is None or self.status >= 500 or self.status in _OVERLOADED


def deliver(
    outbox: PushOutbox,
    target: PushTarget,
    *,
    as_of: datetime,
    timeout_s: float = 5.0,
    most_attempts: int = MOST_ATTEMPTS,
    session: requests.Session | None = None,
) -> Delivered:
    """Send a partner what is due, until nothing is, half a minute is over, or the partner cannot take more.

    Whatever stops this process, no message is lost: one that was sent without its receipt being kept is sent again,
    with the same key.

    Parameters
    ----------
    outbox, target
        What waits, and for whom.
    as_of
        Aware: the time of the seals.
    timeout_s
        Longest wait for an answer; what is not 2xx is a failure, a redirection too.
    most_attempts
        After so many a message is given up.
    session
        Connections to go by; default: its own.
    """
    began = time.monotonic()
    total = Delivered()
    with session or requests.Session() as connections:
        while batch := outbox.claim(target.partner):
            for number, message in enumerate(batch):
                if time.monotonic() - began > _LONGEST_S:
                    outbox.let_go(batch[number:])
                    return total
                answer = _post(connections, target, message, as_of, timeout_s)
                total += _note(outbox, message, answer, most_attempts)
                if answer.trouble and answer.is_about_the_receiver:
                    outbox.let_go(batch[number + 1 :])
                    return total
    return total


def _post(
    connections: requests.Session, target: PushTarget, message: StoredPush, as_of: datetime, timeout_s: float
) -> _Answer:
    headers = seal(message.body, key=message.key, secret=target.secret, at=as_of)
    headers["User-Agent"] = f"trafficfeed/{trafficfeed.__version__}"
    try:
        with connections.post(
            target.url,
            data=message.body.encode(),
            headers=headers,
            timeout=(min(_CONNECT_S, timeout_s), timeout_s),
            allow_redirects=False,
            stream=True,  # what it says is not read
        ) as answer:
            if 200 <= answer.status_code < 300:
                return _Answer(status=answer.status_code)
            trouble = f"HTTP {answer.status_code} {answer.reason}".strip()
            return _Answer(status=answer.status_code, trouble=trouble, after=_after(answer.headers.get("Retry-After")))
    except requests.RequestException as error:
        return _Answer(status=None, trouble=f"{type(error).__name__}: {error}")


def _note(outbox: PushOutbox, message: StoredPush, answer: _Answer, most_attempts: int) -> Delivered:
    if not answer.trouble:
        assert answer.status is not None
        outbox.delivered(message, answer.status)
        return Delivered(delivered=1)
    is_dead = outbox.failed(message, answer.trouble, status=answer.status, most=most_attempts, after=answer.after)
    return Delivered(failed=1, dead=int(is_dead))


def _after(said: str | None) -> timedelta | None:
    return timedelta(seconds=int(said)) if said and said.isdecimal() and len(said) < 6 else None
