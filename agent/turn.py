"""One intent's turn at the desk: what a decider looks at, and the ways in which it leaves a trace of what it did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.configuration.config import Config
from agent.desk import Desk
from agent.group import Group
from agent.storage.store import INSERT_AUDIT
from correlation.correlate import Round, Rules
from correlation.incident import Incident
from correlation.refusal import Refusal
from correlation.store import to_json
from knowledge.change import Change
from knowledge.problem import Problem
from knowledge.store import UPSERT_CHANGE, UPSERT_PROBLEM, change_values, problem_values

AGENT = "agent"


class NoSuchIncident(Refusal):
    """No incident has this number (404)."""


class Turn:
    """What a decider is given beside its intent.

    `now` is the one moment of all that it decides. `touch`, `tell`, `audit`, `journal` and `keep_…` put rows into
    `group`: what a decider changes without one of them is forgotten at the next start.
    """

    def __init__(self, desk: Desk, now: datetime, group: Group) -> None:
        self.desk, self.now, self.group = desk, now, group
        self.board, self.agenda, self.outbox, self.ladder = desk.board, desk.agenda, desk.outbox, desk.ladder

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.desk.config

    @property
    def rules(self) -> Rules:
        """What correlation decides by."""
        return self.desk.rules

    def round(self, kind: str = "", by: str = "") -> Round:
        """A round of correlation at this moment, `by` a person or by nobody.

        `kind` is the source that the incidents it opens name.
        """
        return Round(self.board, self.rules, self.now, kind, by=by)

    def incident(self, number: str) -> Incident:
        """Return the incident of this number. Raises NoSuchIncident."""
        held = self.board.numbers.get(number)
        if held is None:
            raise NoSuchIncident(number)
        return self.board.incidents[held]

    def journal(self, kind: str, source: str, body: bytes) -> None:
        """Keep what came in."""
        self.group.journal(self.desk.seq, self.now, kind, source, body)

    def touch(self, incident: Incident) -> None:
        """Write the incident's row with this group."""
        incident.updated_at = self.now
        self.group.incidents[incident.id] = incident
        self.board.note_holder(incident)

    def tell(self, incident: int, kind: str, actor: str, facts: Mapping[str, Any]) -> None:
        """Put a line on the incident's timeline."""
        self.group.timeline(self.board.next_id("timeline"), incident, self.now, kind, actor, facts)

    def keep_problem(self, problem: Problem) -> None:
        """Write the problem's row with this group."""
        self.desk.casebook.problems[problem.number] = problem
        self.group.add(UPSERT_PROBLEM, *problem_values(problem))

    def keep_change(self, change: Change) -> None:
        """Write the change's row with this group."""
        self.desk.casebook.changes[change.number] = change
        self.group.add(UPSERT_CHANGE, *change_values(change))

    def audit(self, who: str, what: str, facts: Mapping[str, Any], row_id: int = 0) -> None:
        """Put a line on the record of acts that concern no incident, under `row_id` where that was drawn."""
        number = row_id or self.board.next_id("audit")
        self.group.add(INSERT_AUDIT, number, self.now, who, what, to_json(dict(facts)))
