"""A breach that is to be expected fires the step that the policy names, now and not at its mark (procedure R90)."""

from agent.turn import AGENT, Turn
from collectors.moment import moment_text
from correlation.incident import Incident
from escalation.forecast import is_estimated_late


def look_ahead(turn: Turn, incident: Incident) -> None:
    """Fire it, or have the incident come up when silence alone will have it fire."""
    ladder = turn.ladder
    step = (
        ladder.still_to_come(incident, ladder.terms.breach_policy(incident).fire, turn.now) if incident.active else None
    )
    if step is None:
        return
    eta, due_at = incident.next_action_eta, incident.resolve_due_at
    early_at = ladder.comes_early_at(incident, turn.now)
    if is_estimated_late(ladder.terms.breach_policy(incident), eta, due_at):
        facts = {"eta": moment_text(eta), "due_at": moment_text(due_at)}
    elif early_at is not None and early_at <= turn.now:
        facts = {"silent_since": moment_text(incident.heard_at or incident.opened_at), "due_at": moment_text(due_at)}
    else:
        if early_at is not None:
            turn.agenda.look_at(incident.id, early_at)
        return
    step.why = {"code": "breach_expected", **facts}
    turn.agenda.move(step, turn.now)
    turn.group.steps[step.id] = step
    ladder.refresh(incident, turn.group)
    turn.tell(incident.id, "breach_expected", AGENT, {"step": step.key, **facts})
