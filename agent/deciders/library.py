"""A person writes a known error, or edits one that was written so: on the record, and found at once."""

from agent.deciders.automation import propose_anew
from agent.deciders.known_errors import recognise_again
from agent.deciders.records import Stale
from agent.group import as_json
from agent.intents import KnownErrorWritten
from agent.turn import Turn
from correlation.permission import Forbidden
from correlation.refusal import Refusal
from knowledge.automation import MAY_ATTACH, not_allowed
from knowledge.store import UPSERT_KNOWN_ERROR, written_values
from knowledge.written import API, MAY_WRITE, BadEntry, WrittenError, entry_of, origin_of, taken


class NoSuchKnownError(Refusal):
    """No known error has this id (404)."""


class FiledKnownError(Refusal):
    """It stands in a file, and is changed there (409)."""


def known_error_written(turn: Turn, intent: KnownErrorWritten) -> str:
    """Write a known error; return its id. Raises what refuses it."""
    desk, who = turn.desk, intent.actor
    if not who.rights & MAY_WRITE:
        raise Forbidden(f"known errors are written by {', '.join(sorted(MAY_WRITE))}; {who.id} is none of these")
    held = _held(turn, intent)
    values = dict(intent.values) if held is None else {**held.entry, **intent.values}
    values = {name: value for name, value in values.items() if value is not None}
    entry = entry_of({**values, "id": intent.id})
    _check_action(turn, intent, entry.action or (held.entry.get("action", "") if held else ""), entry.action)
    if held is not None and values == held.entry:
        return intent.id
    written = WrittenError(
        id=intent.id,
        entry=values,
        version=1 if held is None else held.version + 1,
        author=who.id if held is None else held.author,
        written_at=turn.now if held is None else held.written_at,
        edited_by=who.id,
        edited_at=turn.now,
        reason=intent.reason,
    )
    desk.written[written.id] = written
    desk.lay_known_error(entry)
    facts = {"known_error": written.id, "changes": dict(intent.values), "reason": intent.reason}
    turn.journal("known_error", who.id, as_json(facts))
    turn.group.add(UPSERT_KNOWN_ERROR, *written_values(written))
    turn.audit(who.id, "known_error", {**facts, "version": written.version})
    if entry.in_force:
        recognise_again(turn, entry)
        has_it = (i for i in turn.board.incidents.values() if any(k["id"] == entry.id for k in i.known_errors))
        propose_anew(turn, list(has_it))
    return written.id


def _check_action(turn: Turn, intent: KnownErrorWritten, was_or_is: str, action: str) -> None:
    """Whoever writes where an action holds decides what it is run on: that is for few, and for what is allowed."""
    if was_or_is and not intent.actor.rights & MAY_ATTACH:
        who = ", ".join(sorted(MAY_ATTACH))
        raise Forbidden(f"a known error with an action is written by {who}; {intent.actor.id} is neither")
    if action and action not in turn.config.automation.actions:
        raise BadEntry([("action", not_allowed(action, turn.config.automation))])


def _held(turn: Turn, intent: KnownErrorWritten) -> WrittenError | None:
    """What is edited; None: it is new. Raises what refuses it."""
    held, there = turn.desk.written.get(intent.id), turn.config.known_errors.get(intent.id)
    if intent.made_on is None:
        if there is not None and (held is not None or origin_of(there) != "pack"):
            raise BadEntry([("id", taken(there))])
        if held is not None:
            raise BadEntry([("id", f"the id {intent.id!r} is taken: give this one another")])
        return None
    if there is None and held is None:
        raise NoSuchKnownError(f"there is no known error {intent.id!r}")
    if held is None or (there is not None and there.source != API):
        place = f"{there.source}:{there.line}" if there is not None else "a file"
        raise FiledKnownError(f"{intent.id!r} is written in {place}: change it there, and reload")
    if held.version != intent.made_on:
        raise Stale(held.version)
    return held
