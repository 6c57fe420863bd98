"""People change the rota: overrides and swaps are laid over the schedules, and taken back."""

from collections.abc import Sequence

from agent.deciders.lists import MOST_LINES, notify
from agent.group import as_json
from agent.intents import RotaChanged, RotaEnded
from agent.turn import Turn
from collectors.moment import moment_text
from correlation.need import Missing
from correlation.permission import Actor
from correlation.refusal import Refusal
from escalation.oncall import on_call
from escalation.rota import RotaChange, check_change, check_relieved
from escalation.store import UPSERT_ROTA, rota_values


class NoSuchChange(Refusal):
    """No row of the rota has this id (404)."""


def rota_changed(turn: Turn, intent: RotaChanged) -> list[RotaChange]:
    """Lay changes over the rota: all of them or none. Raises Missing and Forbidden."""
    for change in intent.changes:
        _check_names(turn, change)
        schedule, over = turn.config.schedules[change.schedule], turn.desk.directory.overrides.get(change.schedule, ())
        check_change(intent.actor, change, schedule, over)
        check_relieved(change, schedule, over)
    _lay(turn, intent.actor, "rota_changed", intent.changes)
    return list(intent.changes)


def rota_ended(turn: Turn, intent: RotaEnded) -> RotaChange:
    """Take a change back from now on, with the other half of its swap; what is over stays as it is."""
    change = turn.desk.rota.get(intent.id)
    if change is None:
        raise NoSuchChange(intent.id)
    schedule = turn.config.schedules.get(change.schedule)
    if schedule is not None and intent.actor.id != change.author:
        check_change(intent.actor, change, schedule)
    halves = [c for c in turn.desk.rota.values() if c.id == change.id or (change.swap and c.swap == change.swap)]
    ended = [_ended(half, turn, intent.actor) for half in halves if not half.is_over(turn.now)]
    if ended:
        _lay(turn, intent.actor, "rota_ended", ended)
    return turn.desk.rota.get(intent.id, change)


def _ended(change: RotaChange, turn: Turn, actor: Actor) -> RotaChange:
    values = {name: getattr(change, name) for name in change.__struct_fields__}
    return RotaChange(**{**values, "until": max(turn.now, change.from_at), "ended_by": actor.id})


def _lay(turn: Turn, actor: Actor, what: str, changes: Sequence[RotaChange]) -> None:
    told = [_facts(change) for change in changes]
    turn.journal(what, actor.id, as_json(told))
    two = _concerned(turn, changes)
    for change, facts in zip(changes, told, strict=True):
        turn.audit(actor.id, what, facts)
        turn.group.add(UPSERT_ROTA, *rota_values(change))
        turn.desk.rota[change.id] = change
    turn.desk.lay_rota()
    for person, theirs in two.items():
        step = f"{what}/{theirs[0]['id']}"
        more = {"changes": theirs[:MOST_LINES], "author": actor.id, "schedule": theirs[0]["schedule"]}
        notify(turn, step, person, turn.config.schedules[changes[0].schedule].role, what, (), turn.now, more)


def _concerned(turn: Turn, changes: Sequence[RotaChange]) -> dict[str, list[dict[str, str | None]]]:
    """By person, the changes that concern them: who stands in, and whom they relieve."""
    found: dict[str, list[dict[str, str | None]]] = {}
    for change in changes:
        schedule = turn.config.schedules.get(change.schedule)
        if schedule is None:
            continue
        over = turn.desk.directory.overrides.get(change.schedule, ())
        relieved = change.replaces or next(iter(on_call(schedule, change.from_at, over)), None)
        for person in dict.fromkeys((change.person, relieved)):
            if person is not None:
                found.setdefault(person, []).append({**_facts(change), "replaces": relieved})
    return found


def _facts(change: RotaChange) -> dict[str, str | None]:
    return {
        "id": change.id,
        "schedule": change.schedule,
        "person": change.person,
        "replaces": change.replaces,
        "from": moment_text(change.from_at),
        "until": moment_text(change.until),
        "reason": change.reason,
    }


def _check_names(turn: Turn, change: RotaChange) -> None:
    if change.schedule not in turn.config.schedules:
        known = ", ".join(turn.config.schedules) or "oncall.yaml has none"
        raise Missing(["schedule"], f"there is no schedule {change.schedule!r}: {known}")
    for person in (change.person, change.replaces):
        if person is not None and person not in turn.config.people:
            raise Missing(["person"], f"there is no person {person!r} in people.yaml")
    if change.person == change.replaces:
        raise Missing(["replaces"], f"{change.person} cannot stand in for themselves")
    if change.until is not None and change.until <= max(change.from_at, turn.now):
        raise Missing(["until"], "until must be a moment to come, after from")
