"""Rows past their retention go; of the evidence only its beginning, with an act of the audit that says up to where."""

from agent.evidence import LET_GO
from agent.intents import OldRowsDue
from agent.loading.old_rows import ANSWERS_KEPT, Due
from agent.storage.store import FORGET_ANSWERS, FORGET_ATTACHMENTS, FORGET_JOURNAL, FORGET_LETTER, FORGET_MAILS
from agent.turn import AGENT, Turn
from correlation.store import (
    FORGET_ALERT,
    FORGET_EPISODE,
    FORGET_INCIDENT,
    FORGET_TIMELINE,
    FORGET_TOUCH,
    UPSERT_CHAIN,
    chain_values,
)
from escalation.store import FORGET_NOTICES, FORGET_PAGES, FORGET_STEPS
from knowledge.store import FORGET_LINKS, FORGET_RUNS

_OF_INCIDENT = (FORGET_STEPS, FORGET_PAGES, FORGET_NOTICES, FORGET_LINKS, FORGET_RUNS, FORGET_MAILS, FORGET_ATTACHMENTS)
"""What goes with an incident."""


def old_rows(turn: Turn, intent: OldRowsDue) -> bool:
    """Forget what has been found to be older than the retention says; return whether there is more."""
    due, turn.desk.due_to_go = turn.desk.due_to_go, Due()
    counts = turn.desk.counts
    turn.group.add(FORGET_ANSWERS, turn.now - ANSWERS_KEPT)
    for table, statements, keys in (
        ("journal", (FORGET_JOURNAL,), due.journal),
        ("dead_letter", (FORGET_LETTER,), due.letters),
        ("alert", (FORGET_ALERT, FORGET_EPISODE, FORGET_TOUCH), due.episodes),
        ("incident", (*_OF_INCIDENT, FORGET_INCIDENT), due.incidents),
    ):
        for key in keys:
            for statement in statements:
                turn.group.add(statement, key)
        counts[f"gone/{table}"] += len(keys)
    for incident in due.incidents:
        turn.board.drop(incident)
        turn.desk.past.forget(incident)
    if due.timeline:
        _let_go(turn, due)
        counts["gone/timeline"] += len(due.timeline)
    return due.more


def _let_go(turn: Turn, due: Due) -> None:
    """The chain begins behind these rows from now on: its anchor is what the audit says of the last of them."""
    chain = turn.desk.chains.timeline
    chain.base_id, chain.base_link = due.timeline[-1], due.timeline_link
    turn.group.evidence.append((FORGET_TIMELINE, (chain.base_id,)))
    turn.group.add(UPSERT_CHAIN, *chain_values(chain))
    facts = {"rows": len(due.timeline), "through": chain.base_id, "link": chain.base_link}
    turn.audit(AGENT, LET_GO, facts)
