"""How problems, changes, briefs and the edits of configuration items are shown."""

from typing import Any

from pydantic import ConfigDict

from agent.http.views import At, View, Why


class ProblemShown(View):
    """A problem: the cause behind incidents."""

    model_config = ConfigDict(title="ProblemRecord")

    number: str
    title: str
    state: str
    """proposed, open, known_error, resolved, closed, declined."""
    version: int
    why: Why
    """Why there is one: a person, a major incident, a workaround, an unknown cause, a recurrence, a trend."""
    incidents: list[str]
    owner: str | None
    root_cause: str
    workaround: str
    solution: str
    known_error: str | None
    reason: str
    opened_by: str
    opened_at: At
    updated_at: At
    ended_at: At | None


class KnownErrorDraft(View):
    """A problem as an entry of the library: what `knowledge/FILE` would hold."""

    id: str
    file: str
    text: str


class ChangeShown(View):
    """A request for change."""

    model_config = ConfigDict(title="Change")

    number: str
    title: str
    risk: str
    plan: str
    back_out: str
    state: str
    """requested, approved, refused, withdrawn, done, backed_out."""
    version: int
    incident: str | None
    problem: str | None
    author: str
    approver: str | None
    reason: str
    outcome: str
    raised_at: At
    decided_at: At | None
    ended_at: At | None
    updated_at: At


class ItemEditShown(View):
    """What a person wrote over an item."""

    changes: dict[str, Any]
    author: str
    reason: str
    at: At
    until: At | None


class ItemShown(View):
    """A configuration item as it holds now: topology.yaml, and the edits laid over it."""

    model_config = ConfigDict(title="ConfigurationItem")

    id: str
    kind: str
    criticality: str
    depends_on: list[str]
    owner: str | None
    location: str | None
    vendor: str | None
    restricted: bool
    rule: str
    edits: list[ItemEditShown]
    """Those that hold, oldest first; empty where topology.yaml alone speaks."""


class ItemDetail(ItemShown):
    model_config = ConfigDict(title="ConfigurationItemInFull")

    incidents: list[str]
    """The newest incidents that it was part of, at most 50."""


class BriefLine(View):
    block: str
    name: str
    label: str
    text: str
    known: bool


class BriefShown(View):
    """The special brief as it stands: every field, also those that are still to be verified."""

    model_config = ConfigDict(title="Brief")

    number: str
    major: bool
    complete: bool
    unknown: list[str]
    fields: list[BriefLine]
    text: str
