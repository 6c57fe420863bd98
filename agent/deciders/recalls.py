"""When everybody is busy, whoever works on what is less urgent is proposed for recall (procedure R54)."""

from collections.abc import Mapping
from typing import Any

from agent.deciders.links import inform
from agent.intents import PersonActed
from agent.turn import AGENT, Turn
from correlation.incident import Incident, State
from correlation.need import Missing

MOST_URGENT = 1
"""Only for incidents of this urgency is anybody taken from their work."""
_TO_TAKE = frozenset({State.NEW, State.ASSIGNED})


def propose_recall(turn: Turn, incident: Incident) -> None:
    """Tell desk and project manager whom they might recall, once for each group that it goes to."""
    if incident.urgency > MOST_URGENT or incident.assignee is not None or incident.state not in _TO_TAKE:
        return
    queue = f"{incident.group}/{incident.tier}"
    if incident.targets.get("recall") == queue:
        return
    low = _least_urgent(turn, incident)
    if low is None or low.assignee is None:
        return
    incident.targets = {**incident.targets, "recall": queue}
    turn.tell(incident.id, "recall_proposed", AGENT, {"person": low.assignee, "incident": low.number})
    inform(turn, incident, "recall_proposed", ["desk", "pm"])


def _least_urgent(turn: Turn, incident: Incident) -> Incident | None:
    """What the engineer with the least urgent work holds; None while one of them is free, or nothing is less urgent."""
    engineers = _engineers(turn, incident)
    held = {who: turn.board.held_by(who) for who in engineers}
    if not engineers or not all(held.values()):
        return None
    work = [one for mine in held.values() for one in mine if _gives_way(one, incident)]
    # whoever has something more urgent beside it stays with that
    work = [one for one in work if all(_gives_way(other, incident) for other in held[one.assignee or ""])]
    return max(work, key=lambda one: (one.urgency, one.severity, one.opened_at, one.id), default=None)


def _engineers(turn: Turn, incident: Incident) -> list[str]:
    """Who may be given it: those of its line in its group, else those of the line who belong to no group."""
    people, role = turn.config.people, "l2" if incident.tier == "l2" else "l1"
    group = turn.config.groups.get(incident.group)
    teams = {incident.group} | ({group.l2} if role == "l2" and group is not None and group.l2 else set())
    line = [who for who, person in people.items() if role in person.roles]
    return [w for w in line if teams & set(people[w].groups)] or [w for w in line if not people[w].groups]


def _gives_way(low: Incident, high: Incident) -> bool:
    return low.state is State.IN_PROGRESS and low.urgency > high.urgency and not low.major


def check_recall(turn: Turn, low: Incident, body: Mapping[str, Any]) -> None:
    """Refuse a recall for what is not more urgent, from a major incident, or from what nobody holds."""
    number = body.get("for")
    if not isinstance(number, str) or number not in turn.board.numbers:
        raise Missing(["for"], f"there is no incident {number!r} to recall somebody for")
    high = turn.incident(number)
    if high is low or high.state not in _TO_TAKE:
        raise Missing(["for"], f"{number} is {high.state}: nobody is looked for")
    if low.major or low.urgency <= high.urgency:
        what = "is a major incident" if low.major else f"has urgency {low.urgency}, {number} has {high.urgency}"
        raise Missing(["for"], f"{low.number} {what}: nobody is recalled from it (procedure R54)")
    if low.assignee is None:
        raise Missing(["assignee"], f"nobody works on {low.number}: assign {number}")


def on_recalled(turn: Turn, low: Incident, intent: PersonActed) -> None:
    """The engineer has the urgent one; the other is back in its queue, with its clock running, and is told so."""
    high, person = turn.incident(intent.body["for"]), intent.body["person"]
    high.assignee = person
    high.move(State.ASSIGNED, turn.now)
    high.version += 1
    turn.touch(high)
    turn.tell(
        high.id, "assigned", intent.actor.id, {"person": person, "group": high.group, "recalled_from": low.number}
    )
    turn.ladder.call(high, "recalled", ["assignee"], turn.now, turn.group)
    turn.ladder.refresh(high, turn.group)
    turn.ladder.call(low, "preempted", ["l2" if low.tier == "l2" else "l1", "desk"], turn.now, turn.group)
    turn.ladder.refresh(low, turn.group)
