"""Pages are claimed, tried, and what becomes of one that nobody hears."""

from typing import Any

from agent.deciders.correlated import take_in
from agent.deciders.recoveries import tell_late
from agent.group import as_json
from agent.intents import PagesClaimed, PageTried
from agent.loops.paging import Briefing, Claimed
from agent.threads import RECEIPT
from agent.turn import AGENT, Turn
from correlation.incident import Incident
from correlation.own import BRIEFLY, ORIGIN, own_alert
from escalation.outbox import lasted
from escalation.store import Page


def pages_claimed(turn: Turn, intent: PagesClaimed) -> list[Claimed]:
    """Take pages for sending; returns those that are still wanted, each with the facts of its incident as it is now."""
    pages = turn.outbox.claim(intent.pages, turn.now, turn.config.delivery)
    briefing = Briefing(turn.config, turn.board, turn.desk.past)
    return [briefing.claimed(page, turn.board.incidents.get(page.incident_id)) for page in pages]


def page_tried(turn: Turn, intent: PageTried) -> None:
    """An attempt at a page is over: it is sent, is tried again, or somebody else is called."""
    attempt = intent.attempt
    page = turn.outbox.pages.get(attempt.page)
    if page is None:
        return
    incident = turn.board.incidents.get(page.incident_id)
    policy = turn.config.delivery
    took = lasted(page, turn.now, policy)
    turn.outbox.attempted(attempt, incident, turn.now, policy, turn.config.addressees)
    turn.desk.counts[f"page/{page.notifier}/{'sent' if attempt.sent else 'failed'}"] += 1
    tell_late(turn, page)
    if incident is not None and (turn.outbox.unheard(page) or turn.outbox.in_vain(page, policy, took)):
        nobody_heard(turn, incident, page)
    if page.open and page.attempts > 1:
        return
    kind = "page_sent" if attempt.sent else "page_failed"
    facts: dict[str, Any] = {"step": page.step, "person": page.person, "notifier": page.notifier}
    turn.journal(kind, page.notifier, as_json({"page": page.id, "attempts": page.attempts}))
    reason = {"reason": attempt.reason[:300], "tries_again": page.open} if attempt.reason else {}
    if page.incident_id:
        turn.tell(page.incident_id, kind, AGENT, {**facts, "attempts": page.attempts, **reason})


def nobody_heard(turn: Turn, incident: Incident, page: Page) -> None:
    """No channel reaches anybody: the fallback people are paged instead."""
    if not incident.active or page.step == RECEIPT:
        return
    told = turn.outbox.fall_back(incident, page, turn.config.fallback, turn.config.people, turn.now)
    if not told and page.open:
        return
    if not told and page.seeks_responder and not turn.outbox.is_heard(page):
        reached_nobody(turn, incident)
    turn.tell(incident.id, "fell_back", AGENT, {"person": page.person, "step": page.step, "to": told})


def reached_nobody(turn: Turn, incident: Incident) -> None:
    """A step had nobody to tell: that is a self-incident."""
    if incident.source != "self":
        summary = f"{incident.number}: a step reached nobody"
        alert = own_alert("StepReachedNobody", {"group": incident.group}, summary, turn.now, lasts=BRIEFLY)
        take_in(turn, [alert], "self", ORIGIN)
