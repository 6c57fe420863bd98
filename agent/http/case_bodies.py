"""What people send about problems, changes and configuration items."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from agent.http.bodies import DAY, Body, Moment, Name, Number, Person, Text, clean
from agent.http.calls import Call
from agent.http.problems import Problem
from knowledge.change import ChangeAction
from knowledge.problem import ProblemAction

PROBLEM = r"^PRB-[0-9]{4,18}$"
CHANGE = r"^CHG-[0-9]{4,18}$"
IMPROVEMENT = r"^IMP-[0-9]{4,18}$"
ITEM = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$"
ItemName = Annotated[str, StringConstraints(pattern=ITEM)]
Title = Annotated[Name, StringConstraints(max_length=200)]
Incidents = Annotated[list[Number], Field(max_length=200)]


def facts_of(call: Call, model: type[Body], check_state: Callable[[], None]) -> Mapping[str, Any]:
    """What was sent of an act; what the body lacks (422) is said after what the state refuses (409)."""
    try:
        return call.body(model).facts()
    except Problem:
        check_state()
        raise


# problems


class OpenProblem(Body):
    """A person opens a problem (procedure 2.12: desk, l1, l2, pm, dept_manager)."""

    title: Title
    incidents: Incidents = []
    owner: Person | None = None


class TakeUp(Body):
    """A proposal is taken up."""

    owner: Person | None = None


class Because(Body):
    reason: Text


class Diagnose(Body):
    """The cause is found; with a workaround, or the known error that has it, the problem is a known error."""

    root_cause: Text
    workaround: Text | None = None
    known_error: Name | None = None
    """An entry of the library that holds the workaround."""


class Solve(Body):
    solution: Text


class Close(Body):
    pass


class AddIncidents(Body):
    incidents: Annotated[list[Number], Field(min_length=1, max_length=200)]


PROBLEM_ACTS: dict[ProblemAction, tuple[type[Body], str]] = {
    ProblemAction.OPEN: (TakeUp, "Take a proposal up"),
    ProblemAction.DECLINE: (Because, "Decline a proposal"),
    ProblemAction.DIAGNOSE: (Diagnose, "The cause is known"),
    ProblemAction.RESOLVE: (Solve, "It is solved for good"),
    ProblemAction.REOPEN: (Because, "It is not solved after all"),
    ProblemAction.CLOSE: (Close, "Nothing is left to do"),
    ProblemAction.LINK: (AddIncidents, "Incidents that it caused"),
}
"""The body of each act on a problem, and what the act says."""


# changes


class RaiseChange(Body):
    """A request for change (procedure R69). With `incident` it is the act `raise-change` of that incident."""

    title: Title
    risk: Text
    plan: Text
    back_out: Text
    incident: Number | None = None
    problem: Annotated[str, StringConstraints(pattern=PROBLEM)] | None = None


class Approve(Body):
    reason: Text | None = None


class Outcome(Body):
    note: Text


CHANGE_ACTS: dict[ChangeAction, tuple[type[Body], str]] = {
    ChangeAction.APPROVE: (Approve, "Approve; never one's own"),
    ChangeAction.REFUSE: (Because, "Refuse"),
    ChangeAction.WITHDRAW: (Because, "Take it back"),
    ChangeAction.COMPLETE: (Outcome, "It is done"),
    ChangeAction.BACK_OUT: (Outcome, "It was undone"),
}
"""The body of each act on a change, and what the act says."""


# configuration items

Criticality = Literal["critical", "important", "normal", "low"]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ItemValues(Body):
    """What may be written over an item; null goes back to what topology.yaml says."""

    kind: Short | None = None
    owner: Short | None = None
    location: Short | None = None
    vendor: Short | None = None
    criticality: Criticality | None = None
    """For pm and ops, as `restricted` and `rule`."""
    depends_on: Annotated[list[ItemName], Field(max_length=200)] | None = None
    restricted: bool | None = None
    """Work on it follows its customer's rule, which engineers confirm first."""
    rule: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = None
    reason: Text
    until: Moment | None = None
    """When what is written here ends by itself."""
    incident: Number | None = None
    """The incident during whose handling it changed (procedure R103)."""

    def values(self) -> dict[str, Any]:
        """What was written of the item itself, nulls included."""
        beside = {"reason", "until", "incident", "id"}
        return {name: getattr(self, name) for name in self.model_fields_set if name not in beside}


class EditItem(ItemValues):
    """What changes of it; where nothing is written, nothing does."""


class AddItem(ItemValues):
    id: ItemName


# automation

RUN = r"^[0-9]{1,18}$"


class ApproveRun(Body):
    dry_run: bool | None = None
    """Only say what would be run; it waits on."""
    reason: Text | None = None


# known errors

ENTRY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
Words = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(clean)]
_EXAMPLE = [{"alertname": "DiskSpaceLow", "mountpoint": "/var/spool"}]


class KnownErrorValues(Body):
    """A known error, by the keys of its front matter and the names of its sections."""

    title_zh: Title | None = None
    match: Annotated[Any, Field(examples=[_EXAMPLE])] = None
    """As in a file: a mapping of labels, a list of matchers, or a list of such groups, one of which suffices."""
    category: Name | None = None
    owner: Name | None = None
    status: Literal["draft", "reviewed", "published", "retired"] | None = None
    """`published` where it is left out."""
    review_at: Annotated[str, StringConstraints(pattern=DAY), Field(json_schema_extra={"format": "date"})] | None = None
    """The day on which somebody reads it again."""
    action: Name | None = None
    """What may be run, by its name in `automation` of tocsin.yaml; for pm and ops."""
    symptoms: Words | None = None
    symptoms_zh: Words | None = None
    root_cause: Words | None = None
    root_cause_zh: Words | None = None
    workaround: Words | None = None
    """What helps at once; this or the Chinese one is needed."""
    workaround_zh: Words | None = None
    solution: Words | None = None
    solution_zh: Words | None = None
    safety_note: Words | None = None
    safety_note_zh: Words | None = None
    reason: Text | None = None

    def values(self) -> dict[str, Any]:
        """What was written of the entry itself, nulls included."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in ("id", "reason")}


class WriteKnownError(KnownErrorValues):
    id: Annotated[str, StringConstraints(pattern=ENTRY)]
    title: Title


class EditKnownError(KnownErrorValues):
    """What changes of it; null takes away."""

    title: Title | None = None
