"""Problems: the cause behind incidents, what proposes one, and how it is worked on (procedure R66, R99-R102)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from pydantic import Field

from collectors.rule import Rule, Span, parse_span
from correlation.need import Missing, need
from correlation.permission import Actor, Forbidden
from correlation.refusal import Refusal

Json = dict[str, Any]
Body = Mapping[str, Any]


class ProblemState(StrEnum):
    """`proposed` waits for pm or dept_manager; `known_error` has a cause and a workaround."""

    PROPOSED = "proposed"
    OPEN = "open"
    KNOWN_ERROR = "known_error"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DECLINED = "declined"


class ProblemAction(StrEnum):
    """What a person may do with a problem."""

    OPEN = "open"
    DECLINE = "decline"
    DIAGNOSE = "diagnose"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    LINK = "link"


_S, _A = ProblemState, ProblemAction
ENDED = frozenset({_S.CLOSED, _S.DECLINED})
UNSOLVED = frozenset({_S.OPEN, _S.KNOWN_ERROR})
FROM: Mapping[ProblemAction, frozenset[ProblemState]] = {
    _A.OPEN: frozenset({_S.PROPOSED}),
    _A.DECLINE: frozenset({_S.PROPOSED}),
    _A.DIAGNOSE: UNSOLVED,
    _A.RESOLVE: UNSOLVED,
    _A.REOPEN: frozenset({_S.RESOLVED}),
    _A.CLOSE: frozenset({_S.RESOLVED}),
    _A.LINK: frozenset(_S) - {_S.DECLINED},
}
"""The states from which a person may act."""

_WORKERS = frozenset({"desk", "l1", "l2", "pm", "dept_manager"})
_DECIDERS = frozenset({"pm", "dept_manager"})
MAY_CREATE = _WORKERS
"""Who may open a problem: procedure 2.12."""
WHO_MAY: Mapping[ProblemAction, frozenset[str]] = {
    _A.OPEN: _DECIDERS,
    _A.DECLINE: _DECIDERS,
    _A.DIAGNOSE: _WORKERS,
    _A.RESOLVE: _WORKERS,
    _A.REOPEN: _DECIDERS,
    _A.CLOSE: _DECIDERS,
    _A.LINK: _WORKERS,
}
"""By act: the roles; a proposal is addressed to pm and dept_manager (procedure R66)."""


class Origin(StrEnum):
    """Why there is a problem: a person, or what the agent saw."""

    PERSON = "person"
    MAJOR = "major"
    WORKAROUND = "workaround"
    CAUSE_UNKNOWN = "cause_unknown"
    UNSOLVED = "unsolved"
    RECURRENCE = "recurrence"
    TREND = "trend"


class Problem(msgspec.Struct, kw_only=True):
    """What is known of one problem. Moments are aware and UTC."""

    id: int
    number: str
    title: str
    state: ProblemState
    origin: Origin
    facts: Json = {}
    """What the agent saw, where it was the agent: counts, spans, the incident."""
    about: str
    """What it is about, so that nothing is proposed twice: `incident:INC-…`, `alert:…`, `category:…`."""
    incidents: list[str] = []
    version: int = 1
    owner: str | None = None
    root_cause: str = ""
    workaround: str = ""
    solution: str = ""
    known_error: str | None = None
    reason: str = ""
    """Why it was declined or reopened."""
    opened_by: str
    opened_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class IllegalProblemAction(Refusal):
    """This act is not possible in this state; `allowed` names those that are (409)."""

    def __init__(self, action: ProblemAction, state: ProblemState) -> None:
        self.allowed = [str(a) for a, states in FROM.items() if state in states]
        super().__init__(f"{action} is not possible while the problem is {state}; possible: {', '.join(self.allowed)}")


def check_state(action: ProblemAction, state: ProblemState) -> None:
    """Raise IllegalProblemAction where this act is not possible in this state."""
    if state not in FROM[action]:
        raise IllegalProblemAction(action, state)


def number_of(row_id: int) -> str:
    """The number of a problem: its place in the order of problems, never reused."""
    return f"PRB-{row_id:04}"


def check(actor: Actor, action: ProblemAction) -> None:
    """Raise Forbidden unless the actor may do this."""
    who = WHO_MAY[action]
    if not actor.rights & who:
        raise Forbidden(
            f"{action} of a problem is for {', '.join(sorted(who))}; "
            f"{actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}"
        )


def act(problem: Problem, action: ProblemAction, body: Body, now: datetime) -> Json | None:
    """Carry out one act; return its facts for the record, or None where it changes nothing.

    Raises IllegalProblemAction (409) or Missing (422), and changes nothing then. The act that led to the state the
    problem is in changes nothing the second time.
    """
    if _LEADS.get(action) is problem.state and action is not ProblemAction.DIAGNOSE:
        return None
    check_state(action, problem.state)
    facts = _DO[action](problem, body, now)
    if facts is not None:
        problem.version += 1
        problem.updated_at = now
        problem.ended_at = now if problem.ended else None
    return facts


_LEADS = {_A.OPEN: _S.OPEN, _A.DECLINE: _S.DECLINED, _A.RESOLVE: _S.RESOLVED, _A.CLOSE: _S.CLOSED}


def _open(problem: Problem, body: Body, now: datetime) -> Json:
    problem.state = ProblemState.OPEN
    problem.owner = body.get("owner") or problem.owner
    return {"owner": problem.owner or ""}


def _decline(problem: Problem, body: Body, now: datetime) -> Json:
    need(body, "reason")
    problem.state, problem.reason = ProblemState.DECLINED, body["reason"]
    return {"reason": problem.reason}


def _diagnose(problem: Problem, body: Body, now: datetime) -> Json | None:
    """The cause, with a workaround it is a known error (ITIL: a problem analysed and not yet resolved)."""
    need(body, "root_cause")
    workaround = body.get("workaround") or problem.workaround
    known_error = body.get("known_error") or problem.known_error
    found = (body["root_cause"], workaround, known_error)
    if found == (problem.root_cause, problem.workaround, problem.known_error):
        return None
    problem.root_cause, problem.workaround, problem.known_error = found
    problem.state = ProblemState.KNOWN_ERROR if workaround or known_error else ProblemState.OPEN
    return {"root_cause": problem.root_cause, "workaround": workaround, "known_error": known_error or ""}


def _resolve(problem: Problem, body: Body, now: datetime) -> Json:
    need(body, "solution")
    problem.state, problem.solution = ProblemState.RESOLVED, body["solution"]
    return {"solution": problem.solution}


def _reopen(problem: Problem, body: Body, now: datetime) -> Json:
    need(body, "reason")
    known = problem.root_cause and (problem.workaround or problem.known_error)
    problem.state = ProblemState.KNOWN_ERROR if known else ProblemState.OPEN
    problem.reason = body["reason"]
    return {"reason": problem.reason}


def _close(problem: Problem, body: Body, now: datetime) -> Json:
    problem.state = ProblemState.CLOSED
    return {}


def _link(problem: Problem, body: Body, now: datetime) -> Json | None:
    need(body, "incidents")
    fresh = [number for number in dict.fromkeys(body["incidents"]) if number not in problem.incidents]
    problem.incidents = [*problem.incidents, *fresh]
    return {"incidents": fresh} if fresh else None


_DO: Mapping[ProblemAction, Callable[[Problem, Body, datetime], Json | None]] = {
    _A.OPEN: _open,
    _A.DECLINE: _decline,
    _A.DIAGNOSE: _diagnose,
    _A.RESOLVE: _resolve,
    _A.REOPEN: _reopen,
    _A.CLOSE: _close,
    _A.LINK: _link,
}


# what proposes one


MOST_LISTED = 100
"""Incidents that one proposal counts and names at most, the newest."""


class Repeats(Rule):
    """So many incidents within this span propose a problem; `count: 0` proposes none."""

    count: int = Field(ge=0, le=MOST_LISTED)
    within: Span


class ProblemPolicy(Rule):
    """problems.yaml: when incidents that resemble each other propose a problem (procedure R102)."""

    recurrence: Repeats = Repeats(count=3, within=parse_span("7d"))
    """Incidents of one alert."""
    trend: Repeats = Repeats(count=20, within=parse_span("7d"))
    """Incidents of one category."""
    unsolved: bool = True
    """Whether what was resolved by a workaround, or without its cause, proposes one (R66)."""

    @property
    def longest(self) -> timedelta:
        """How far back incidents must be remembered."""
        return max(self.recurrence.within, self.trend.within)


class Seen(msgspec.Struct, frozen=True):
    """An incident as the counting remembers it."""

    id: int
    number: str
    opened_at: datetime
    alert: str
    """The alert it began with, by origin and fingerprint; empty where a person reported it."""
    category: str

    @property
    def abouts(self) -> tuple[str, ...]:
        """What it resembles others in: its alert, its category."""
        found = (("alert", self.alert), ("category", self.category))
        return tuple(f"{kind}:{name}" for kind, name in found if name)


class Repeated(msgspec.Struct, frozen=True):
    """Incidents that resemble each other: what a problem is proposed for."""

    origin: Origin
    about: str
    facts: Json
    incidents: list[Seen]


def after_resolve(body: Body) -> Origin | None:
    """What a person's `resolve` proposes a problem for (procedure R66, R99, R100)."""
    if body.get("type") == "workaround":
        return Origin.WORKAROUND
    return Origin.CAUSE_UNKNOWN if body.get("root_cause_known") is False else None


def repeated(
    fresh: Seen,
    alike: Callable[[str], Iterable[Seen]],
    policy: ProblemPolicy,
    settled: Mapping[str, datetime],
    now: datetime,
) -> list[Repeated]:
    """What a new incident makes of those before it: a recurrence of its alert, a trend of its category.

    `alike` gives the incidents about one thing, the new one among them. `settled` says when a problem about the same
    was last ended: only what came after counts.
    """
    found = []
    for about in fresh.abouts:
        kind, _, name = about.partition(":")
        origin, limit = _REPEATS[kind](policy)
        since = max(now - limit.within, settled.get(about, now - limit.within))
        since_then = [s for s in alike(about) if s.opened_at > since]
        if limit.count and len(since_then) >= limit.count:
            facts = {"count": len(since_then), "within_s": int(limit.within.total_seconds()), kind: name}
            found.append(Repeated(origin, about, facts, since_then))
    return found


_REPEATS: Mapping[str, Callable[[ProblemPolicy], tuple[Origin, Repeats]]] = {
    "alert": lambda policy: (Origin.RECURRENCE, policy.recurrence),
    "category": lambda policy: (Origin.TREND, policy.trend),
}


# what it is written as


def known_error_draft(problem: Problem, category: str = "") -> str:
    """Return the problem as a draft for `knowledge/`, in the form of a known error's file.

    `category` is that of its incidents. Raises Missing where it has no cause or no workaround yet.
    """
    absent = [name for name in ("root_cause", "workaround") if not getattr(problem, name)]
    if absent:
        raise Missing(absent, f"a known error needs {' and '.join(absent)}: `diagnose` the problem first")
    front = [
        ("id", problem.known_error or problem.number.lower()),
        ("title", problem.title),
        ("category", category),
        ("owner", problem.owner or ""),
        ("status", "draft"),
    ]
    lines = ["---", *(f"{key}: {_quoted(value)}" for key, value in front if value), "---", ""]
    for heading, text in (
        ("Symptoms", f"Incidents: {', '.join(problem.incidents)}" if problem.incidents else ""),
        ("Root cause", problem.root_cause),
        ("Workaround", problem.workaround),
        ("Solution", problem.solution),
    ):
        if text:
            lines += [f"## {heading}", "", _as_text(text), ""]
    return "\n".join(lines)


def _quoted(value: str) -> str:
    """A text as a scalar of YAML."""
    return msgspec.json.encode(value[:200]).decode()


def _as_text(text: str) -> str:
    """A person's words below a heading: what would be a heading of its own is moved in."""
    return "\n".join(f"\\{line}" if line.startswith("#") else line for line in text.splitlines())
