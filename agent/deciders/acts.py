"""What a person does to an incident: may they, is it possible, and what follows from it."""

from collections.abc import Callable, Collection, Mapping

from agent.deciders.around_acts import afterwards, prepared
from agent.deciders.changes import on_change_raised
from agent.deciders.effects import (
    call,
    dispatch,
    on_acknowledged,
    on_clocks,
    on_handed_over,
    on_held,
    on_manual,
    on_regraded,
    on_reopened,
    on_replan,
    on_reporter_told,
    on_resolved,
    on_returned,
    on_stopped,
    on_to_sales,
    on_unsatisfied,
    on_vendor_called,
)
from agent.deciders.escalations import acknowledge_step, is_management_ack, take_note
from agent.deciders.links import on_linked
from agent.deciders.majors import on_major
from agent.deciders.merging import on_merged
from agent.deciders.names import check_category, check_group, check_moments, check_worker, works
from agent.deciders.recalls import check_recall, on_recalled, propose_recall
from agent.deciders.recurrences import on_recurs
from agent.deciders.roots import on_root_set
from agent.deciders.splits import on_confirmed, on_split
from agent.deciders.watching import look_after
from agent.group import as_json
from agent.intents import PersonActed
from agent.turn import NoSuchIncident, Turn
from correlation import act as acts
from correlation.incident import Action, Incident
from correlation.need import Missing
from correlation.permission import Actor, check, check_lowering, check_may_escalate, check_on_behalf, owns
from correlation.repeats import is_repeated, remember


def person_acted(turn: Turn, intent: PersonActed) -> Incident:
    """A person acts on an incident; returns it as it is then.

    Raises NoSuchIncident, Forbidden, IllegalAction, NotNow or Missing, and changes nothing then.
    """
    incident = turn.incident(intent.number)
    check_visible(intent.actor, incident, turn.outbox.paged(incident.id))
    if is_repeated(incident, intent.action, intent.body, intent.actor.id):
        return incident
    check_person(turn, intent, incident)
    if intent.action is Action.ACKNOWLEDGE and is_management_ack(turn, intent.actor, incident):
        return acknowledge_step(turn, intent.actor, incident)
    acts.check_state(incident, intent.action, intent.actor)
    sent = intent.body
    check_moments(sent, turn.now)
    intent = prepared(turn, incident, intent)
    check_names(turn, intent, incident)
    acted = acts.act(incident, intent.action, intent.body, whose(turn, intent), turn.config.severity, turn.now)
    noted = intent.action is Action.ACKNOWLEDGE and take_note(turn, incident, intent.actor)
    if acted.unchanged and not noted:
        return incident
    body = as_json({"number": intent.number, "action": intent.action, "body": dict(intent.body), "by": intent.actor.id})
    turn.journal("act", intent.actor.id, body)
    turn.touch(incident)
    incident.heard_at = turn.now
    if noted:
        turn.tell(incident.id, "escalation_acknowledged", intent.actor.id, {})
        turn.ladder.refresh(incident, turn.group)
    for event in acted.events:
        facts = {**event.facts, "on_behalf_of": intent.on_behalf_of} if intent.on_behalf_of else event.facts
        turn.tell(incident.id, event.kind, intent.actor.id, facts)
    incident.version += 1
    turn.board.note_holder(incident)
    for effect in sorted(acted.effects):
        _EFFECTS[effect](turn, incident, intent)
    propose_recall(turn, incident)
    afterwards(turn, incident, intent)
    look_after(turn, incident)
    remember(incident, intent.action, sent, intent.actor.id)
    return incident


def whose(turn: Turn, intent: PersonActed) -> Actor:
    """Whose deed it is: what the desk acknowledges for somebody who works here (procedure R78) is theirs."""
    name = intent.on_behalf_of or ""
    known = turn.config.people.get(name)
    if intent.action is not Action.ACKNOWLEDGE or known is None or not works(turn.config, name):
        return intent.actor
    return Actor(name, frozenset(known.roles), turn.config.teams_of(name))


def check_person(turn: Turn, intent: PersonActed, incident: Incident) -> None:
    """Refuse whoever may not do this to the incident (403), whatever else is wrong."""
    actor, paged = intent.actor, turn.outbox.paged(incident.id)
    if intent.was_paged:
        paged = paged | {actor.id}
    check(actor, intent.action, incident, paged)
    if intent.action is Action.ESCALATE:
        check_may_escalate(actor, turn.ladder.terms.manual(incident).who)
    if intent.on_behalf_of is not None:
        check_on_behalf(actor)
    check_lowering(actor, intent.action, incident, intent.body)


def check_visible(actor: Actor, incident: Incident, paged: Collection[str]) -> None:
    """Raise NoSuchIncident for whoever of outside does not own it."""
    if actor.outside and not owns(actor, incident, paged, shared=True):
        raise NoSuchIncident(incident.number)


def check_names(turn: Turn, intent: PersonActed, incident: Incident) -> None:
    """Refuse names of nobody and nothing: after what the state refuses, before anything moves."""
    body, config = intent.body, turn.config
    check_worker(config, body.get("person"))
    for field in ("group", "to", "suggested_group"):
        if not (field == "to" and body.get("to") == "l2"):
            check_group(config, field, body.get(field))
    for field in ("category", "final_category"):
        if body.get(field) not in (incident.category, incident.initial_category):
            check_category(config, field, body.get(field))
    if intent.action is Action.RECALL and body.get("for"):
        check_recall(turn, incident, body)
    if intent.action is Action.MERGE and body.get("into"):
        into = turn.incident(body["into"])
        if into is incident:
            raise Missing(["into"], f"{body['into']} is this incident: name the one that takes it in")
        if not into.active:
            raise Missing(["into"], f"{body['into']} takes nothing in: it is {into.state}")


_EFFECTS: Mapping[str, Callable[[Turn, Incident, PersonActed], None]] = {
    "acknowledged": on_acknowledged,
    "resolved": on_resolved,
    "stopped": on_stopped,
    "reopened": on_reopened,
    "regraded": on_regraded,
    "paused": on_clocks,
    "resumed": on_clocks,
    "held": on_held,
    "manual": on_manual,
    "replan": on_replan,
    "merged": on_merged,
    "linked": on_linked,
    "change_raised": on_change_raised,
    "major": on_major,
    "vendor_called": on_vendor_called,
    "unsatisfied": on_unsatisfied,
    "page_assignee": lambda turn, incident, _: dispatch(turn, "assigned", ["assignee"], incident),
    "page_group": lambda turn, incident, _: dispatch(turn, "assigned", ["l1"], incident),
    "root_set": on_root_set,
    "confirmed": on_confirmed,
    "split": on_split,
    "page_l2": lambda turn, incident, _: call(turn, "handover", ["l2"], incident),
    "returned": on_returned,
    "recurs": on_recurs,
    "handed_over": on_handed_over,
    "recalled": on_recalled,
    "tell_reporter": on_reporter_told,
    "tell_sales": on_to_sales,
}
