"""Around an act: what it must know of problems, changes, items and people beforehand, and what follows for them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.deciders.changes import next_number
from agent.deciders.improvements import suggest_from
from agent.deciders.items import check_rules_confirmed, rules_of_restricted
from agent.deciders.known_errors import check_feedback, take_feedback
from agent.deciders.links import check_link, link_what_helped
from agent.deciders.majors import look_for_major
from agent.deciders.names import check_leader
from agent.deciders.problems import after_act
from agent.deciders.roots import alert_named
from agent.deciders.splits import alerts_named
from agent.intents import PersonActed
from agent.turn import Turn
from correlation.incident import CHANGE, Action, Incident
from correlation.need import Missing
from escalation.vendor import clock_of


def prepared(turn: Turn, incident: Incident, intent: PersonActed) -> PersonActed:
    """The act with what only the desk knows; raises Missing for names that are nobody's and for rules unconfirmed."""
    body = intent.body
    _check_people(turn, body)
    check_feedback(turn, intent)
    check_rules_confirmed(turn, incident, intent)
    if intent.action is Action.LINK and body.get("kind") and body.get("target"):
        check_link(turn, incident, body["kind"], body["target"])
    if intent.action is Action.SUSPEND and body.get("for") == "change":
        _check_change(turn, incident)
    more = _what_the_desk_knows(turn, incident, intent)
    return replace(intent, body={**body, **more}) if more else intent


def _what_the_desk_knows(turn: Turn, incident: Incident, intent: PersonActed) -> Mapping[str, Any]:
    body, more = intent.body, dict[str, Any]()
    match intent.action:
        case Action.RAISE_CHANGE:
            more["number"] = next_number(turn)
        case Action.SET_ROOT if body.get("alert"):
            more |= alert_named(turn, incident, body["alert"])
        case Action.SPLIT if body.get("alerts"):
            more |= alerts_named(turn, incident, body["alerts"])
        case Action.CALL_VENDOR:
            vendor = turn.config.vendors.get(body.get("vendor") or "")
            more["clock"] = clock_of(vendor, turn.config.calendars, turn.now)
        case Action.RECALL:
            more["person"] = incident.assignee or ""
        case Action.CONFIRM_RULE:
            more["rules"] = rules_of_restricted(turn, incident)
    return more


def _check_people(turn: Turn, body: Mapping[str, Any]) -> None:
    check_leader(turn.config, "commander", body.get("commander"))
    roles = body.get("roles")
    for person in roles.values() if isinstance(roles, Mapping) else ():
        check_leader(turn.config, "roles", person)


def _check_change(turn: Turn, incident: Incident) -> None:
    """What waits for a change waits for one that is still to come."""
    if incident.linked(CHANGE) and not turn.desk.casebook.open_changes_of(incident.number):
        raise Missing(["raise-change"], "its changes have all ended: `raise-change` another, or go on without")


def afterwards(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """What an act means for problems, links, the major flow and the register of improvements."""
    link_what_helped(turn, incident, intent)
    take_feedback(turn, incident, intent)
    look_for_major(turn, incident)
    after_act(turn, incident, intent)
    suggest_from(turn, incident, intent)
