"""Files are attached to an incident, within its limits, by whoever may write into its timeline."""

import hashlib
from typing import NamedTuple

from agent.deciders.acts import check_visible
from agent.group import as_json
from agent.intents import FileAttached
from agent.storage.store import INSERT_ATTACHMENT
from agent.turn import Turn
from collectors.mail import Enclosed
from correlation.act import check_state
from correlation.attachment import TooMuch, check_size, safe_kind, safe_name
from correlation.incident import Action, Incident
from correlation.need import Missing
from correlation.permission import check


class Attached(NamedTuple):
    """An attachment by its id; `number` is by what its answer is found again."""

    id: int

    @property
    def number(self) -> str:
        return str(self.id)


def file_attached(turn: Turn, intent: FileAttached) -> Attached:
    """Attach it. Raises what refuses a note, TooMuch, Missing."""
    incident, paged = turn.incident(intent.number), turn.outbox.paged(turn.incident(intent.number).id)
    check_visible(intent.actor, incident, paged)
    check(intent.actor, Action.NOTE, incident, paged)
    check_state(incident, Action.NOTE, intent.actor)
    attached = attach(turn, incident, intent.name, intent.kind, intent.content, intent.actor.id)
    turn.touch(incident)
    incident.version += 1
    turn.journal("attach", intent.actor.id, as_json({"number": incident.number, "attachment": attached}))
    return Attached(attached)


def attach(turn: Turn, incident: Incident, name: str, kind: str, content: bytes, by: str) -> int:
    """Keep a file with the incident. Raises TooMuch, Missing."""
    there = turn.desk.attached.get(incident.number, 0)
    check_size(len(content), there)
    turn.desk.attached[incident.number] = there + len(content)
    row_id, file = turn.board.next_id("attachment"), safe_name(name)
    digest = hashlib.sha256(content).hexdigest()
    row = (row_id, incident.id, turn.now, by, file, safe_kind(kind), len(content), digest, content)
    turn.group.add(INSERT_ATTACHMENT, *row)
    turn.tell(incident.id, "attached", by, {"file": file, "size": len(content), "attachment": row_id})
    return row_id


def attach_enclosed(turn: Turn, incident: Incident, file: Enclosed, by: str) -> None:
    """Keep a file of a mail; one that is over a limit is told, and costs the mail nothing."""
    try:
        attach(turn, incident, file.name, file.kind, file.content, by)
    except (TooMuch, Missing):
        facts = {"file": safe_name(file.name), "size": len(file.content)}
        turn.tell(incident.id, "not_attached", by, facts)
