"""The tables of problems, changes and links, and how their values become rows."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

from correlation.incident import Why
from correlation.rows import columns, number_key, select, upsert
from knowledge.change import Change, ChangeState
from knowledge.feedback import UNKNOWN, Outcome, Tally, failures_in
from knowledge.improvement import Improvement, ImprovementOrigin, ImprovementState
from knowledge.past import Solved, alert_of
from knowledge.problem import Origin, Problem, ProblemState
from knowledge.run import Run, RunState
from knowledge.written import WrittenError


class ProblemRow(SQLModel, table=True):
    """A problem: the columns are the fields of `Problem`; `facts` and `incidents` are JSON."""

    __tablename__ = "problem"
    __table_args__ = (Index("ix_problem_number", "number", unique=True), Index("ix_problem_state", "state"))
    id: int = Field(sa_column=number_key())
    number: str
    title: str
    state: str
    origin: str
    facts: str = Field(sa_type=Text)
    about: str
    incidents: str = Field(sa_type=Text)
    version: int
    owner: str | None
    root_cause: str = Field(sa_type=Text)
    workaround: str = Field(sa_type=Text)
    solution: str = Field(sa_type=Text)
    known_error: str | None
    reason: str = Field(sa_type=Text)
    opened_by: str
    opened_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class ImprovementRow(SQLModel, table=True):
    """A suggestion of improvement: the columns are the fields of `Improvement`."""

    __tablename__ = "improvement"
    __table_args__ = (Index("ix_improvement_number", "number", unique=True), Index("ix_improvement_state", "state"))
    id: int = Field(sa_column=number_key())
    number: str
    title: str
    text: str = Field(sa_type=Text)
    about: str
    incident: str | None
    origin: str
    state: str
    version: int
    suggested_by: str
    suggested_at: datetime
    owner: str | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    ended_at: datetime | None
    updated_at: datetime


class ChangeRow(SQLModel, table=True):
    """A request for change: the columns are the fields of `Change`."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_number", "number", unique=True), Index("ix_change_state", "state"))
    id: int = Field(sa_column=number_key())
    number: str
    title: str
    risk: str = Field(sa_type=Text)
    plan: str = Field(sa_type=Text)
    back_out: str = Field(sa_type=Text)
    state: str
    version: int
    incident: str | None
    problem: str | None
    author: str
    approver: str | None
    reason: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    raised_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime


class LinkRow(SQLModel, table=True):
    """An incident and what it has to do with: a problem, change, item, known error or incident (procedure R97)."""

    __tablename__ = "link"
    __table_args__ = (Index("ix_link_target", "kind", "target"),)
    incident_id: int = Field(
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
    )
    kind: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    at: datetime
    by: str


class TallyRow(SQLModel, table=True):
    """What engineers said of a known error: the columns are the fields of `Tally`; `aliases` and `said` are JSON."""

    __tablename__ = "known_error_tally"
    known_error: str = Field(primary_key=True)
    used: int
    helped_partly: int
    did_not_work: int
    not_applicable: int
    failures: int
    aliases: str = Field(sa_type=Text)
    said: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "[]"})


class KnownErrorRow(SQLModel, table=True):
    """A known error that a person wrote: the columns are the fields of `WrittenError`; `entry` is JSON."""

    __tablename__ = "known_error"
    id: str = Field(primary_key=True)
    entry: str = Field(sa_type=Text)
    version: int
    author: str
    written_at: datetime
    edited_by: str
    edited_at: datetime
    reason: str = Field(sa_type=Text)


class RunRow(SQLModel, table=True):
    """A run of an action: the columns are the fields of `Run`; `labels`, `argv` and `why` are JSON."""

    __tablename__ = "automation_run"
    __table_args__ = (
        Index("ix_automation_run_incident", "incident_id"),
        Index("ix_automation_run_started", "started_at"),
    )
    id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    number: str
    known_error: str
    action: str
    target: str
    origin: str
    fingerprint: str
    labels: str = Field(sa_type=Text)
    argv: str = Field(sa_type=Text)
    state: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    why: str | None = Field(sa_type=Text)
    output: str = Field(sa_type=Text)
    verify_at: datetime | None
    verified: bool | None


UPSERT_RUN, RUN_FIELDS = upsert(RunRow), columns(RunRow)
OPEN_RUNS = f"{select(RunRow)} WHERE state IN ('proposed', 'approved', 'started') OR verify_at IS NOT NULL ORDER BY id"
LAST_RUNS = f"{select(RunRow)} ORDER BY id DESC LIMIT ?"
RUN_BY_ID = f"{select(RunRow)} WHERE id = ?"
RUN_STARTS = "SELECT action, target, started_at FROM automation_run WHERE started_at > ? ORDER BY started_at"
FORGET_RUNS = "DELETE FROM automation_run WHERE incident_id = ?"
UPSERT_KNOWN_ERROR, WRITTEN_ERRORS = upsert(KnownErrorRow), f"{select(KnownErrorRow)} ORDER BY id"
WRITTEN_ERROR, COUNT_WRITTEN_ERRORS = f"{select(KnownErrorRow)} WHERE id = ?", "SELECT COUNT(*) FROM known_error"
UPSERT_PROBLEM, UPSERT_CHANGE, UPSERT_LINK = upsert(ProblemRow), upsert(ChangeRow), upsert(LinkRow)
FORGET_LINKS = "DELETE FROM link WHERE incident_id = ?"
_ENDED_PROBLEMS = "state IN ('closed', 'declined')"
OPEN_PROBLEMS = f"{select(ProblemRow)} WHERE NOT {_ENDED_PROBLEMS}"
UPSERT_TALLY, TALLIES = upsert(TallyRow), select(TallyRow)
OPEN_CHANGES = f"{select(ChangeRow)} WHERE state IN ('requested', 'approved')"
SETTLED_PROBLEMS = f"SELECT about, ended_at FROM problem WHERE {_ENDED_PROBLEMS} AND ended_at > ?"  # noqa: S608
PROBLEM_BY_NUMBER = f"{select(ProblemRow)} WHERE number = ?"
UPSERT_IMPROVEMENT = upsert(ImprovementRow)
IMPROVEMENT_BY_NUMBER = f"{select(ImprovementRow)} WHERE number = ?"
CHANGE_BY_NUMBER = f"{select(ChangeRow)} WHERE number = ?"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def problem_values(problem: Problem) -> tuple[Any, ...]:
    """A tuple for UPSERT_PROBLEM."""
    values = {name: getattr(problem, name) for name in Problem.__struct_fields__}
    values |= {"state": str(problem.state), "origin": str(problem.origin)}
    values |= {"facts": _json(problem.facts), "incidents": _json(problem.incidents)}
    return tuple(values[name] for name in columns(ProblemRow))


def problem_from(row: tuple[Any, ...]) -> Problem:
    """The problem of a row in the order of its columns."""
    values = dict(zip(columns(ProblemRow), row, strict=True))
    values |= {"state": ProblemState(values["state"]), "origin": Origin(values["origin"])}
    values |= {name: msgspec.json.decode(values[name]) for name in ("facts", "incidents")}
    return Problem(**values)


def improvement_values(improvement: Improvement) -> tuple[Any, ...]:
    """A tuple for UPSERT_IMPROVEMENT."""
    values = {name: getattr(improvement, name) for name in Improvement.__struct_fields__}
    values |= {"state": str(improvement.state), "origin": str(improvement.origin)}
    return tuple(values[name] for name in columns(ImprovementRow))


def improvement_from(row: tuple[Any, ...]) -> Improvement:
    """The suggestion of a row in the order of its columns."""
    values = dict(zip(columns(ImprovementRow), row, strict=True))
    values |= {"state": ImprovementState(values["state"]), "origin": ImprovementOrigin(values["origin"])}
    return Improvement(**values)


def change_values(change: Change) -> tuple[Any, ...]:
    """A tuple for UPSERT_CHANGE."""
    values = {name: getattr(change, name) for name in Change.__struct_fields__} | {"state": str(change.state)}
    return tuple(values[name] for name in columns(ChangeRow))


def change_from(row: tuple[Any, ...]) -> Change:
    """The change of a row in the order of its columns."""
    values = dict(zip(columns(ChangeRow), row, strict=True))
    return Change(**values | {"state": ChangeState(values["state"])})


def tally_values(tally: Tally) -> tuple[Any, ...]:
    """A tuple for UPSERT_TALLY."""
    values = {name: getattr(tally, name) for name in Tally.__struct_fields__}
    values |= {"aliases": _json(tally.aliases), "said": _json(tally.said)}
    return tuple(values[name] for name in columns(TallyRow))


def tally_from(row: tuple[Any, ...]) -> Tally:
    """The tally of a row in the order of its columns.

    Of failures that an earlier release counted it is not known whose they are.
    """
    values = dict(zip(columns(TallyRow), row, strict=True))
    said = msgspec.json.decode(values["said"], type=list[tuple[int, Outcome]])
    if failures_in(said) != values["failures"]:
        said = [(UNKNOWN, Outcome.DID_NOT_WORK)] * values["failures"]
    return Tally(**values | {"aliases": msgspec.json.decode(values["aliases"]), "said": said})


def written_values(written: WrittenError) -> tuple[Any, ...]:
    """A tuple for UPSERT_KNOWN_ERROR."""
    values = {name: getattr(written, name) for name in WrittenError.__struct_fields__}
    values |= {"entry": _json(written.entry)}
    return tuple(values[name] for name in columns(KnownErrorRow))


def written_from(row: tuple[Any, ...]) -> WrittenError:
    """The known error of a row in the order of its columns."""
    values = dict(zip(columns(KnownErrorRow), row, strict=True))
    return WrittenError(**values | {"entry": msgspec.json.decode(values["entry"])})


def run_values(run: Run) -> tuple[Any, ...]:
    """A tuple for UPSERT_RUN."""
    values = {name: getattr(run, name) for name in Run.__struct_fields__} | {"state": str(run.state)}
    values |= {"labels": _json(run.labels), "argv": _json(run.argv)}
    values |= {"why": _json(run.why) if run.why is not None else None}
    return tuple(values[name] for name in columns(RunRow))


def run_from(row: tuple[Any, ...]) -> Run:
    """The run of a row in the order of its columns."""
    values = dict(zip(columns(RunRow), row, strict=True))
    values |= {name: msgspec.json.decode(values[name]) for name in ("labels", "argv")}
    values |= {"why": msgspec.json.decode(values["why"], type=Why) if values["why"] else None}
    values |= {"state": RunState(values["state"])}
    values |= {"verified": None if values["verified"] is None else bool(values["verified"])}
    return Run(**values)


def solved_from(row: tuple[Any, ...]) -> Solved:
    """The solved incident of a row of correlation.store.SOLVED."""
    row_id, number, title, root, category, resolved_at, resolution = row
    said = msgspec.json.decode(resolution)
    return Solved(
        id=row_id,
        number=number,
        title=title,
        alert=alert_of(msgspec.json.decode(root) if root else None),
        category=category,
        resolved_at=resolved_at,
        type=said.get("type") or "",
        resolution=said.get("resolution") or "",
    )
