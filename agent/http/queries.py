"""What may be asked of each list."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from agent.http.bodies import MOMENT, NUMBER
from agent.http.calls import Query
from agent.http.cursors import CURSOR
from collectors.moment import parse_moment
from correlation.incident import State

_STATES = ("active", "open", *(str(state) for state in State))


def _state(word: str) -> str:
    if word not in _STATES:
        raise ValueError(f"{word!r} is no state: write one of {', '.join(_STATES)}")
    return word


def _moment(text: str) -> str:
    if parse_moment(text) is None:
        raise ValueError(f"{text!r} is no moment: write 2026-03-02T09:00:00Z")
    return text


Cursor = Annotated[str, StringConstraints(pattern=CURSOR)]
Limit = Annotated[int, Field(ge=1, le=500)]
When = Annotated[
    str,
    StringConstraints(pattern=MOMENT),
    AfterValidator(_moment),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-02T09:00:00Z"]),
]
StateWord = Annotated[str, AfterValidator(_state), Field(json_schema_extra={"enum": list(_STATES)})]
Word = Annotated[str, StringConstraints(max_length=64)]
"""Short enough that all of a query fits into the 8,190 bytes of a request line, however it is encoded."""


class Paged(Query):
    limit: Limit = 50
    cursor: Cursor | None = None
    """`next` of the page before."""


class IncidentsQuery(Paged):
    state: list[StateWord] = []
    """One of the twelve, `active` (before resolved) or `open` (before archived, cancelled or out_of_scope)."""
    severity: list[Annotated[int, Field(ge=1, le=4)]] = []
    group: Word | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Words of the title, the number, the symptom or the service."""
    since: When | None = None
    """Opened at or after."""
    updated_since: When | None = None
    sort: Literal["due", "opened", "updated"] = "due"


class AlertsQuery(Paged):
    origin: Word | None = None
    fingerprint: Word | None = None
    decision: Literal["opened", "joined", "duplicate", "suppressed", "suspect", "stale"] | None = None
    """`duplicate`: told more than once."""


class PagesQuery(Paged):
    incident: Annotated[str, StringConstraints(pattern=NUMBER)] | None = None
    person: Word | None = None


class RunsQuery(Paged):
    incident: Annotated[str, StringConstraints(pattern=NUMBER)] | None = None
    state: list[
        Literal[
            "proposed",
            "approved",
            "started",
            "succeeded",
            "failed",
            "timed_out",
            "unknown",
            "dry_run",
            "stopped",
            "declined",
            "expired",
        ]
    ] = []


class ProblemsQuery(Paged):
    state: list[Literal["proposed", "open", "known_error", "resolved", "closed", "declined"]] = []


class KnownErrorsQuery(Query):
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")] | None = None
    """`next` of the page before."""


class ChangesQuery(Paged):
    state: list[Literal["requested", "approved", "refused", "withdrawn", "done", "backed_out"]] = []
    incident: Annotated[str, StringConstraints(pattern=NUMBER)] | None = None


class OnCallQuery(Query):
    at: When | None = None
