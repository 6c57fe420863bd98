"""What is known of an incident at the moment a page about it is sent, and of why this one person is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

import msgspec

from escalation.words import Language

MOST_ALERTS, MOST_STEPS, MOST_KNOWN, MOST_NEAR = 20, 20, 5, 3
"""As many of each are told at the most."""


class Described(NamedTuple):
    """What the sender of an alert tells beside its labels: annotations, and where it is looked at (`generatorURL`)."""

    annotations: Mapping[str, str]
    generator_url: str = ""


@dataclass(frozen=True)
class KnownErrorShown:
    """A known error as it is sent along: what to do, and why it is believed to fit."""

    id: str
    title: str
    workaround: str
    safety_note: str
    why: str
    confidence: float


@dataclass(frozen=True)
class NearShown:
    """A solved incident that resembles this one, as it is sent along where no known error fits."""

    number: str
    title: str
    resolution: str
    why: str
    link: str = ""


class PageFacts(msgspec.Struct, frozen=True):
    """The facts that `compose` puts into words.

    `said` is shared by the pages of one moment that are about one incident in the same words: what they all say is
    put into words by the first of them.
    """

    number: str = ""
    title: str = ""
    severity: int = 4
    state: str = ""
    category: str = ""
    group: str = ""
    group_called: str = ""
    """What this reader calls the group."""
    assignee: str | None = None
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    response_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    alerts: Sequence[Mapping[str, Any]] = ()
    """The first of them, as their source told them: `labels`, `annotations`, `startsAt`, `generatorURL`."""
    alert_count: int = 0
    firing: int = 0
    """How many there are in all, and how many of them fire still."""
    root: str = ""
    """What the first of `alerts` says, where the others are taken to come of it."""
    known_errors: Sequence[KnownErrorShown] = ()
    step: str = ""
    role: str = ""
    target: str = ""
    """Who is told, by the role that they hold, at which step."""
    reason: Mapping[str, Any] = {}
    """Why: `code` and `facts`."""
    late_s: float = 0.0
    """How long after its due instant it is sent."""
    unconfirmed: bool = False
    """It was sent before, and whether it arrived is not known."""
    supersedes: Sequence[str] = ()
    """The steps that were due at the same time and that this one stands for."""
    nearest: Sequence[NearShown] = ()
    looked_for: bool = True
    """False where known errors are still looked through for it."""
    links: Mapping[str, str] = {}
    """By what they are for: `acknowledge` and `console` for people, `open` for programs."""
    template: str = ""
    """In which words a customer is told; empty: in ours."""
    names: Mapping[str, str] = {}
    """What people are called in its words, by id; programs are told ids."""
    zone: tzinfo | None = None
    """Where the reader's clock is; None: not known."""
    said: dict[Language, Any] = msgspec.field(default_factory=dict)
