"""The moves between states as one table: from where, by what, to where, by whom (procedure 4.4, 2.12)."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from correlation.incident import FROM, NEXT, PENDING, RELAPSABLE, WAITING, Action, State
from correlation.permission import WHO_MAY

_S, _A = State, Action
LEADS: Mapping[Action, Mapping[State, tuple[State, ...]]] = {
    _A.ACKNOWLEDGE: dict.fromkeys((_S.NEW, _S.ASSIGNED), (_S.IN_PROGRESS,)),
    _A.ASSIGN: dict.fromkeys((*WAITING, _S.IN_PROGRESS, *PENDING), (_S.ASSIGNED,)),
    _A.CLASSIFY: {_S.NEW: (_S.ASSIGNED,)},
    _A.SUSPEND: {_S.IN_PROGRESS: (_S.PENDING_CUSTOMER, _S.PENDING_VENDOR, _S.PENDING_CHANGE)},
    _A.RAISE_CHANGE: {_S.IN_PROGRESS: (_S.PENDING_CHANGE,)},
    _A.REJECT: dict.fromkeys(RELAPSABLE, (_S.IN_PROGRESS, _S.ASSIGNED)),
    _A.CALLBACK: dict.fromkeys(RELAPSABLE, (_S.IN_PROGRESS, _S.ASSIGNED)),
    _A.SALES_DECIDE: {_S.SALES_DECISION: (_S.NEW, _S.OUT_OF_SCOPE)},
    _A.RECALL: {_S.IN_PROGRESS: (_S.ASSIGNED,)},
    _A.MERGE: dict.fromkeys((*WAITING, _S.IN_PROGRESS, *PENDING, _S.SALES_DECISION), (_S.CANCELLED,)),
}
"""Where acts lead whose body or whose state decides it; the others lead where NEXT says, or nowhere."""

BY_ITSELF: tuple[tuple[State, State, str], ...] = (
    (_S.NEW, _S.RESOLVED, "recovered"),
    (_S.ASSIGNED, _S.RESOLVED, "recovered"),
    (_S.IN_PROGRESS, _S.RESOLVED, "recovered"),
    (_S.RESOLVED, _S.IN_PROGRESS, "fires again"),
    (_S.RESOLVED, _S.ASSIGNED, "fires again"),
    (_S.PENDING_REVIEW, _S.IN_PROGRESS, "fires again"),
    (_S.PENDING_REVIEW, _S.ASSIGNED, "fires again"),
    (_S.PENDING_CUSTOMER, _S.IN_PROGRESS, "resume_at"),
    (_S.PENDING_VENDOR, _S.IN_PROGRESS, "resume_at"),
    (_S.PENDING_CHANGE, _S.IN_PROGRESS, "resume_at, or the change has ended"),
    (_S.IN_PROGRESS, _S.ASSIGNED, "the timetable hands over"),
    (_S.RESOLVED, _S.ARCHIVED, "archive_after, where a pack has no review"),
    (_S.PENDING_REVIEW, _S.ARCHIVED, "archive_after, where a pack has no review"),
)
"""The moves of the agent itself."""


class Move(NamedTuple):
    """One way from a state to another; `who` are the roles that may, with what is limited to their own."""

    from_state: State
    to: State
    act: str
    who: tuple[str, ...]


def moves() -> Iterator[Move]:
    """Yield every move that a person can make, in the order of states and acts."""
    for state in State:
        for action, states in FROM.items():
            if state not in states:
                continue
            leads = LEADS[action].get(state, ()) if action in LEADS else (NEXT[action],) if action in NEXT else ()
            for to in leads:
                if to is not state:
                    yield Move(state, to, str(action), tuple(WHO_MAY[action]))


def diagram() -> str:
    """The table as a Mermaid state diagram; docs/procedure.md holds it."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for move in moves():
        arrows.setdefault((move.from_state, move.to), []).append(move.act)
    for start, end, why in BY_ITSELF:
        arrows.setdefault((start, end), []).append(f"({why})")
    lines = [f"    {start} --> {end}: {', '.join(dict.fromkeys(acts))}" for (start, end), acts in arrows.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> new", "    [*] --> assigned", *lines, "    archived --> [*]"])


def table() -> str:
    """The moves of people as a table in Markdown: state, act, next state, who may."""
    rows = [f"| `{m.from_state}` | `{m.act}` | `{m.to}` | {', '.join(m.who)} |" for m in moves()]
    return "\n".join(["| from | act | to | who may |", "| --- | --- | --- | --- |", *rows])
