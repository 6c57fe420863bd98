"""What a channel is: it takes one page to one address, or says why not and what to do next."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import Field

from collectors.rule import Rule, Span, parse_span

_Wait = Annotated[Span, Field(gt=timedelta())]


class RetryPolicy(Rule):
    """How a page that failed is tried again. Every span may be as short as 1 s; none is 0."""

    first: _Wait = parse_span("1s")
    most: _Wait = parse_span("60s")
    give_up_after: _Wait = parse_span("24h")
    next_channel_after: _Wait = parse_span("30s")
    """The next channel of the same person is called at the latest this long after the first failure."""
    lease: _Wait = parse_span("30s")
    """A page that was claimed and of which nothing is heard for so long is sent again."""


class ChannelConfig(Rule):
    """What is written of a channel of any type. `send_resolved`: by it people hear that an incident has recovered."""

    send_resolved: bool = False


@dataclass(frozen=True)
class Message:
    """What a page says: `subject` and `text` for people, `short` for a small screen, `payload` for programs."""

    subject: str
    text: str
    short: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PageToSend:
    """One claimed page. `key` is stable over retries, restarts and upgrades; `attempt` counts from 1.

    `created_at` is when the page was promised, the same for each attempt: the date of a mail.
    """

    page: int
    key: str
    incident: str
    step: str
    target: str
    to: str
    attempt: int
    notifier: str
    message: Message
    created_at: datetime | None = None
    answers: str = ""
    """The id of the mail that this is the answer to."""


_LONGEST_WAIT = timedelta(seconds=300)


class Undeliverable(Exception):
    """A page did not arrive, as far as is known; the text says why and holds no secret.

    `permanent`: trying this address again is in vain. `unknown`: the bytes went out and no answer was read, so it may
    have arrived. `retry_after`: how long the receiver asks to be left alone, kept within five minutes.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, unknown: bool = False, retry_after: timedelta | None = None
    ) -> None:
        self.permanent, self.unknown = permanent, unknown
        self.retry_after = None if retry_after is None else min(max(retry_after, timedelta()), _LONGEST_WAIT)
        super().__init__(reason)


class Notifier(Protocol):
    """One file in `escalation/notifiers/`: a `Config`, and a class `Notify(config)` with these."""

    async def send(self, page: PageToSend) -> str | None:
        """Send one page; return the receiver's id of it, if it gives one. Raises Undeliverable."""
        ...

    async def close(self) -> None:
        """Let go of connections; may be called twice, and while nothing was ever sent."""
        ...


def backoff(attempt: int, key: str, policy: RetryPolicy) -> timedelta:
    """Return how long to wait after this attempt (from 1): doubling from `first` to `most`, with full jitter.

    Never less than half of `first`, never more than `most`. The jitter is drawn from the key, so that a replay waits
    just as long.
    """
    most = min(policy.most, policy.first * float(2 ** min(max(attempt, 1) - 1, 20)))
    drawn = int.from_bytes(hashlib.sha256(f"{key}/{attempt}".encode()).digest()[:4], "big") / 2**32
    least = min(most, policy.first * 0.5)
    return least + (most - least) * drawn


def asked_to_wait(seconds: float) -> timedelta:
    """A receiver's `Retry-After`, kept within five minutes however long it asks."""
    return timedelta(seconds=min(max(0.0, seconds), _LONGEST_WAIT.total_seconds()))


@dataclass(frozen=True)
class Attempt:
    """What became of one attempt at a page."""

    page: int
    sent: bool
    attempt: int = 0
    """Which attempt it was, from 1; 0: the last one."""
    provider_id: str = ""
    reason: str = ""
    permanent: bool = False
    unknown: bool = False
    retry_after: timedelta | None = None
