"""What a channel is: it takes one page to one address, or says why not and what to do next."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from collectors.rule import Rule, Span, parse_span


class RetryPolicy(Rule):
    """How a page that failed is tried again (reliability R18). Every span may be as short as 1 s."""

    first: Span = parse_span("1s")
    most: Span = parse_span("60s")
    give_up_after: Span = parse_span("24h")
    next_channel_after: Span = parse_span("30s")
    """The next channel of the same person is called at the latest this long after the first failure."""
    lease: Span = parse_span("30s")
    """A page that was claimed and of which nothing is heard for so long is sent again."""


@dataclass(frozen=True)
class Message:
    """What a page says: `subject` and `text` for people, `short` for a small screen, `payload` for programs."""

    subject: str
    text: str
    short: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PageToSend:
    """One claimed page. `key` is stable over retries, restarts and upgrades; `attempt` counts from 1."""

    page: int
    key: str
    incident: str
    step: str
    target: str
    to: str
    attempt: int
    notifier: str
    message: Message


class Undeliverable(Exception):
    """A page did not arrive, as far as is known; the text says why and holds no secret.

    `permanent`: trying this address again is in vain. `unknown`: the bytes went out and no answer was read, so it may
    have arrived. `retry_after`: how long the receiver asks to be left alone.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, unknown: bool = False, retry_after: timedelta | None = None
    ) -> None:
        self.permanent, self.unknown, self.retry_after = permanent, unknown, retry_after
        super().__init__(reason)


class Notifier(Protocol):
    """One file in `escalation/notifiers/`: a `Config`, and a class `Notify(config)` with these."""

    async def send(self, page: PageToSend) -> str | None:
        """Send one page; return the receiver's id of it, if it gives one. Raises Undeliverable."""
        ...

    async def close(self) -> None: ...


_LONGEST_WAIT = timedelta(seconds=300)


def backoff(attempt: int, key: str, policy: RetryPolicy) -> timedelta:
    """Return how long to wait after this attempt (from 1): doubling from `first` to `most`, with full jitter.

    The jitter is drawn from the key, so that a replay waits just as long.
    """
    most = min(policy.most, policy.first * float(2 ** min(attempt - 1, 20)))
    drawn = int.from_bytes(hashlib.sha256(f"{key}/{attempt}".encode()).digest()[:4], "big") / 2**32
    least = policy.first * 0.5
    return least + (most - least) * drawn


def asked_to_wait(seconds: float) -> timedelta:
    """A receiver's `Retry-After`, kept within five minutes."""
    return min(timedelta(seconds=max(0.0, seconds)), _LONGEST_WAIT)
