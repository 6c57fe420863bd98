"""The rows of one group of intents: written in one transaction, or not at all."""

from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec

from agent.storage.store import INSERT_AUDIT
from agent.storage.tables import LOCK, UNLOCK
from agent.storage.writer import Compressed
from correlation.incident import Episode, Incident, Why
from correlation.outcome import Outcome
from correlation.rows import insert_into
from correlation.store import (
    CHANGE_EPISODE,
    EXPLAIN_EPISODE,
    INSERT_ALERT,
    INSERT_EPISODE,
    INSERT_TIMELINE,
    MOVE_EPISODE,
    MOVE_START,
    PLACE_EPISODE,
    UPSERT_CHAIN,
    UPSERT_INCIDENT,
    UPSERT_TOUCH,
    alert_values,
    chain_values,
    changed_values,
    episode_values,
    incident_values,
    placed_values,
    to_json,
    touch_values,
)
from correlation.tables import JournalRow
from correlation.timeline import Chain, Chains
from escalation.store import UPSERT_PAGE, UPSERT_STEP, Page, Step, page_values, step_values

INSERT_JOURNAL = insert_into(JournalRow)
_NOTHING = Why("none")


class Group:
    """Collects the rows that the deciders of a group write; `batch` makes one transaction of them.

    What may change several times within a group (episodes, steps, pages, incidents) is held as the object and becomes
    a row when all is decided. In the transaction episodes that were told again come first, then the other rows by
    statement, in the order in which each statement was first used, then incidents, and changes of the evidence last.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        """By statement, what it is executed with."""
        self.touched: dict[int, Episode] = {}
        """Episodes that were told again."""
        self.incidents: dict[int, Incident] = {}
        self.steps: dict[int, Step] = {}
        self.pages: dict[int, Page] = {}
        self.events: list[tuple[int, str]] = []
        """Incident and kind of each new line of a timeline: event streams tell of them."""
        self.opened_unknown: list[int] = []
        """Incidents for which no predicate holds: their text is ranked after the commit."""
        self.suspected: set[str] = set()
        """Origins whose Alertmanagers are asked what is active: an alert of theirs may have ended unseen."""
        self.evidence: list[tuple[str, tuple[Any, ...]]] = []
        """Changes of the evidence on the record: statement and values, made between UNLOCK and LOCK."""
        self.runs = False
        """A run of an action was decided upon: the runner looks."""
        self.reload = False
        """Rows were changed that the desk holds: it is read anew after the commit."""
        self.lateness: list[float] = []
        """Seconds by which each step of this group was taken late."""

    def add(self, sql: str, *values: Any) -> None:
        """One more execution of a statement."""
        self.rows.setdefault(sql, []).append(values)

    def journal(self, seq: int, at: datetime, kind: str, source: str, body: bytes) -> None:
        """A row of the journal: what came in, as it came."""
        self.add(INSERT_JOURNAL, seq, at, kind, source, Compressed(body))

    def timeline(self, row_id: int, incident: int, at: datetime, kind: str, actor: str, facts: Any) -> None:
        """A line on the timeline of an incident; streams of events tell of it after the commit."""
        self.add(INSERT_TIMELINE, row_id, incident, at, kind, actor, to_json(facts))
        self.events.append((incident, kind))

    def outcome(self, out: Outcome, source: str, received_at: datetime) -> None:
        """The rows of alerts and episodes of a correlation."""
        fresh = set()
        for alert, episode in out.new:
            fresh.add(episode.id)
            why, rejected = out.whys.get(episode.id, (_NOTHING, None))
            self.add(INSERT_ALERT, *alert_values(alert, episode, source, received_at))
            self.add(INSERT_EPISODE, *episode_values(episode, why, rejected, out.placed.get(episode.id)))
        for episode in out.touched.values():
            if episode.id not in fresh:
                self.touched[episode.id] = episode
        for episode in out.changed.values():
            if episode.id in fresh:
                continue
            self.touched[episode.id] = episode
            self.add(CHANGE_EPISODE, *changed_values(episode))
            self.add(MOVE_START, episode.starts_at, episode.starts_text, episode.latest_at, episode.id)
            if episode.id in out.whys:
                why, rejected = out.whys[episode.id]
                self.add(EXPLAIN_EPISODE, to_json(why), to_json(rejected) if rejected else None, episode.id)

        for number, incident in out.moved.items():
            why, _ = out.whys[number]
            self.add(MOVE_EPISODE, incident, "joined", to_json(why), number)
        for number, mark in out.placed.items():
            if number not in fresh:
                self.add(PLACE_EPISODE, *placed_values(mark), number)

    def batch(self, chains: Chains) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """All of it, ready for the writer. Rows of the evidence are bound to the rows before them in `chains`."""
        self._seal(chains)
        for step in self.steps.values():
            self.add(UPSERT_STEP, *step_values(step))
        for page in self.pages.values():
            self.add(UPSERT_PAGE, *page_values(page))
        for incident in self.incidents.values():
            self.add(UPSERT_INCIDENT, *incident_values(incident))
        return [*self._touches(), *self.rows.items(), *self._unlocked()]

    def _touches(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """In the order of the rows: neighbours share a page."""
        rows = [touch_values(self.touched[number]) for number in sorted(self.touched)]
        return [(UPSERT_TOUCH, rows)] if rows else []

    def _unlocked(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        if not self.evidence:
            return []
        mark = token_hex(16)
        changes = [(sql, [values]) for sql, values in self.evidence]
        return [(UNLOCK, [(mark,)]), *changes, (LOCK, [(mark,)])]

    @staticmethod
    def salt() -> str:
        """A fresh salt, of one row alone."""
        return token_hex(16)

    def _seal(self, chains: Chains) -> None:
        told, noted = self.rows.get(INSERT_TIMELINE), self.rows.get(INSERT_AUDIT)
        if told:
            add = chains.timeline.add
            self.rows[INSERT_TIMELINE] = [(*row, *add(self.salt(), *row)) for row in told]
            self.add(UPSERT_CHAIN, *chain_values(chains.timeline))
        if noted:
            self.rows[INSERT_AUDIT] = [sealed_act(chains.audit, *row) for row in noted]
            self.add(UPSERT_CHAIN, *chain_values(chains.audit))


def sealed_act(chain: Chain, row_id: int, at: datetime, who: str, what: str, facts: str) -> tuple[Any, ...]:
    """A tuple for INSERT_AUDIT, bound to the act before it."""
    return (row_id, at, who, what, facts, *chain.add(token_hex(16), row_id, 0, at, what, who, facts))


def as_json(value: Any) -> bytes:
    """An intent's content for the journal."""
    return msgspec.json.encode(value, enc_hook=str)
