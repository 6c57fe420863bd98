"""Configuration items are written over: who, why, until when; the incident during which it was says so (R103)."""

from collections.abc import Mapping
from typing import Any

from agent.configuration.faults import suggest
from agent.deciders.links import link
from agent.group import as_json
from agent.intents import ItemEdited, PersonActed
from agent.turn import Turn
from correlation.configuration_item import GRADING, MAY_EDIT, MAY_GRADE, ItemEdit
from correlation.incident import ITEM, Action, Incident
from correlation.need import Missing
from correlation.permission import Actor, Forbidden
from correlation.refusal import Refusal
from correlation.rings import told_of
from correlation.rules import ConfigurationItem
from correlation.store import INSERT_ITEM_EDIT, item_edit_values
from knowledge.feedback import HELPED

_NO_WORK = ("no_fault", "user_withdrawn")


class NoSuchItem(Refusal):
    """No configuration item has this name (404)."""


class ItemConflict(Refusal):
    """What is written does not go with the items that there are (409)."""


def item_edited(turn: Turn, intent: ItemEdited) -> str:
    """Write over an item; return its name. Raises what refuses it."""
    desk, values, actor = turn.desk, dict(intent.values), intent.actor
    held = desk.register.items.get(intent.item)
    _check_rights(actor, values)
    names = desk.register.items
    if held is None and not intent.new:
        raise NoSuchItem(f"there is no configuration item {intent.item!r}{suggest(intent.item, names)}")
    same = next((name for name in names if name.lower() == intent.item.lower()), None) if intent.new else None
    if same is not None:
        raise ItemConflict(f"there is a configuration item {same!r} already: change that one")
    _check_names(turn, intent.item, values)
    incident = turn.incident(intent.incident) if intent.incident else None
    if held is not None and (not values or (intent.until is None and _as_it_is(held, values))):
        return intent.item
    edit = ItemEdit(
        id=turn.board.last_ids.get("item_edit", 0) + 1,
        item=intent.item,
        values=values,
        author=actor.id,
        reason=intent.reason,
        at=turn.now,
        until=intent.until,
    )
    ring = desk.ring_through(edit) if "depends_on" in values else []
    if ring:
        raise ItemConflict(told_of(ring))
    turn.board.next_id("item_edit")
    facts = {"item": intent.item, "changes": values, "reason": intent.reason, "until": intent.until}
    turn.journal("item", actor.id, as_json(facts))
    turn.group.add(INSERT_ITEM_EDIT, *item_edit_values(edit))
    desk.item_edits.append(edit)
    desk.lay_items(turn.now)
    turn.audit(actor.id, "configuration_item", {"item": intent.item, "changes": values, "reason": intent.reason})
    if incident is not None:
        _write_back(turn, incident, edit)
    return intent.item


def _check_rights(actor: Actor, values: Mapping[str, Any]) -> None:
    if not actor.rights & MAY_EDIT:
        raise Forbidden(f"configuration items are edited by {', '.join(sorted(MAY_EDIT))}; {actor.id} is none of these")
    graded = sorted(GRADING & values.keys())
    if graded and not actor.rights & MAY_GRADE:
        raise Forbidden(f"{', '.join(graded)} of an item is for {', '.join(sorted(MAY_GRADE))}; {actor.id} is neither")


def _check_names(turn: Turn, item: str, values: Mapping[str, Any]) -> None:
    known = turn.desk.register.items
    for name in values.get("depends_on") or ():
        if name not in known or name == item:
            unknown = f"there is no configuration item {name!r}{suggest(name, known)}: add it first, or take it out"
            raise ItemConflict(told_of([item]) if name == item else unknown)


def _as_it_is(item: ConfigurationItem, values: Mapping[str, Any]) -> bool:
    return all(value is not None and getattr(item, name) == value for name, value in values.items())


def _write_back(turn: Turn, incident: Incident, edit: ItemEdit) -> None:
    link(turn, incident, ITEM, edit.item, edit.author)
    facts = {"item": edit.item, "changes": edit.values, "reason": edit.reason}
    turn.tell(incident.id, "item_changed", edit.author, facts)
    incident.version += 1
    turn.touch(incident)


# customers' rules


def rules_of_restricted(turn: Turn, incident: Incident) -> dict[str, str]:
    """The restricted items of an incident, each with its customer's rule (procedure R68)."""
    return turn.desk.register.restricted(incident.linked(ITEM))


def check_rules_confirmed(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Refuse work on a restricted item until an engineer has confirmed its customer's rule."""
    resolved = intent.action is Action.RESOLVE and intent.body.get("type") not in _NO_WORK
    used = intent.action is Action.FEEDBACK and intent.body.get("outcome") in HELPED
    if not resolved and not used:
        return
    left = [item for item in rules_of_restricted(turn, incident) if item not in incident.rules_confirmed]
    if left:
        rules = "; ".join(f"{item}: {turn.desk.register.items[item].rule or 'ask its owner'}" for item in left)
        raise Missing(["confirm-rule"], f"work there follows the customer's rules: `confirm-rule` first ({rules})")
