"""The runs of actions: proposed, decided by a person or by the site's rule, started once, and what came of it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from correlation.incident import Why
from knowledge.automation import LONGEST_LIMIT, ActionRule, Hindered


class RunState(StrEnum):
    """What became of a run. `started` is written before anything is run, and is never begun again."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"
    DRY_RUN = "dry_run"
    STOPPED = "stopped"
    DECLINED = "declined"
    EXPIRED = "expired"


OPEN_RUNS = frozenset({RunState.PROPOSED, RunState.APPROVED, RunState.STARTED})
MOST_SETTLED = 1_000
_AGAIN = frozenset({RunState.EXPIRED, RunState.DRY_RUN})
"""What came to nothing by itself: such a run may be proposed once more."""


class Run(msgspec.Struct, kw_only=True):
    """An action proposed for one alert of an incident, and what became of it.

    `labels` are those of the alert, `argv` what is run. `why` says why it was stopped or failed. `verify_at` is when
    the alert must have ended, `verified` what was seen then.
    """

    id: int
    incident_id: int
    number: str
    known_error: str
    action: str
    target: str
    origin: str
    fingerprint: str
    labels: dict[str, str]
    argv: list[str]
    state: RunState
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    why: Why | None = None
    output: str = ""
    verify_at: datetime | None = None
    verified: bool | None = None

    @property
    def open(self) -> bool:
        """Whether something is still to come of it."""
        return self.state in OPEN_RUNS or self.verify_at is not None

    @property
    def about(self) -> tuple[str, str, str, str]:
        """What is done, to what, and for which alert."""
        return (self.action, self.target, self.origin, self.fingerprint)

    @property
    def facts(self) -> dict[str, Any]:
        """What the timeline says of it each time."""
        return {"run": self.id, "action": self.action, "target": self.target, "known_error": self.known_error}


class Runs:
    """The runs of which something is still to come, and when which target was last acted upon."""

    def __init__(self, runs: Iterable[Run] = (), starts: Iterable[tuple[str, str, datetime]] = ()) -> None:
        self.by_id: dict[int, Run] = {}
        self._starts: dict[tuple[str, str], list[datetime]] = {}
        self._last: dict[tuple[str, str, str, str], Run] = {}
        """The last run of an action on a target for an alert."""
        self.settled: dict[int, Run] = {}
        """The latest of those that nothing is to come of, and those that a person asks for: what is over is said so."""
        self.told: set[tuple[int, str, str]] = set()
        """Incident, known error and code of the refusals that the timeline has already."""
        for run in runs:
            self.keep(run)
        for action, target, at in starts:
            self.note_start(action, target, at)

    def keep(self, run: Run) -> None:
        """Hold a run while something is to come of it."""
        self._last[run.about] = run
        if run.open:
            self.by_id[run.id] = run
            return
        self.by_id.pop(run.id, None)
        self.settled[run.id] = run
        if len(self.settled) > MOST_SETTLED:
            gone = self.settled.pop(next(iter(self.settled)))
            if self._last.get(gone.about) is gone:
                del self._last[gone.about]

    def was_asked(self, action: str, target: str, key: tuple[str, str], since: datetime) -> bool:
        """Whether this was proposed for this firing before, and came to more than nothing."""
        last = self._last.get((action, target, *key))
        return last is not None and last.proposed_at >= since and last.state not in _AGAIN

    def of(self, incident: int) -> list[Run]:
        return [run for run in self.by_id.values() if run.incident_id == incident]

    def in_state(self, state: RunState) -> list[Run]:
        """Those of a state, oldest first."""
        return sorted((run for run in self.by_id.values() if run.state is state), key=lambda run: run.id)

    def next_verification(self) -> datetime | None:
        return min((run.verify_at for run in self.by_id.values() if run.verify_at is not None), default=None)

    def note_start(self, action: str, target: str, at: datetime) -> None:
        starts = [one for one in self._starts.get((action, target), ()) if at - one <= LONGEST_LIMIT]
        self._starts[(action, target)] = [*starts, at]

    def check_limit(self, rule: ActionRule, action: str, target: str, now: datetime) -> None:
        """Raise Hindered where the target has had enough of this action."""
        recent = [at for at in self._starts.get((action, target), ()) if now - at < rule.limit.within]
        if len(recent) >= rule.limit.runs:
            raise Hindered(
                "action_rate",
                target=target,
                runs=len(recent),
                within_s=round(rule.limit.within.total_seconds()),
            )
