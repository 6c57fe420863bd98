"""Whoever was paged for an incident hears when it has recovered by itself, once and by what paged them."""

from collections.abc import Iterable

from agent.turn import AGENT, Turn
from correlation.incident import Incident, Why
from correlation.own import LAPSING
from escalation.recovery import (
    RECOVERED,
    Heard,
    contact_of,
    forget_end,
    landed,
    may_have_arrived,
    note_end,
    parts_of,
    tells_end,
)
from escalation.store import Page, Step


def tell_recovered(turn: Turn, incident: Incident, silence: Why | None) -> None:
    """It has just been resolved by the agent: tell those whom its pages have reached, unless a `silence` holds it.

    While somebody has snoozed it their word waits. Whoever a page is on its way to is told when that has landed.
    """
    forget_end(incident)
    in_flight = [page for row in _rows(incident) for page in turn.outbox.in_flight(row) if not tells_end(page)]
    flying = [page for page in in_flight if _takes_end(turn, _heard(turn, page))]
    waited_for = {_heard(turn, page).channel for page in flying}
    reached = (one for one in _reached(turn, incident) if _takes_end(turn, one))
    heard = [one for one in reached if one.channel not in waited_for]
    if _lapses(turn, incident) or not (heard or flying):
        return
    if silence is not None:
        turn.tell(incident.id, "recovery_not_told", AGENT, {"why": {"code": silence.code, "facts": silence.facts}})
        return
    step = _step(turn, incident)
    told = _tell(turn, incident, step.key, heard)
    why = {"told": told, "holes": []}
    turn.ladder.taken(step, "paged" if told else "done", turn.now, why, incident, turn.group)
    turn.ladder.refresh(incident, turn.group)
    note_end(incident, step.key, [page.id for page in flying])
    if told:
        turn.tell(incident.id, "step", AGENT, {"step": step.key, "outcome": "paged", **why, "do": []})


def tell_late(turn: Turn, page: Page) -> None:
    """A page that was on its way when its incident recovered has landed: whoever it reached hears the end now."""
    incident = _whole(turn, page.incident_id)
    if incident is None or page.state == "claimed":
        return
    step = landed(incident, page.id)
    if step is None:
        return
    turn.group.incidents[incident.id] = incident
    one = _heard(turn, page)
    again = any(_heard(turn, other).channel == one.channel for other in turn.outbox.in_flight(page.incident_id))
    if may_have_arrived(page) and not page.open and not again and not incident.active:
        _tell(turn, incident, step, [one])


def not_over(turn: Turn, incident: Incident) -> None:
    """It fires again, or somebody refused its resolution: whoever has not heard that it was over does not."""
    forget_end(incident)
    turn.outbox.cancel_ends(incident.id, "it is not over")


def _rows(incident: Incident) -> list[int]:
    return [incident.id, *parts_of(incident)]


def _reached(turn: Turn, incident: Incident) -> list[Heard]:
    """Whom its pages have reached, as the store says and those that have landed with this very group."""
    rows = set(_rows(incident))
    found = {one.channel: one for one in turn.desk.reached.pop(incident.id, [])}
    for page in turn.group.pages.values():
        if page.incident_id in rows and may_have_arrived(page):
            one = _heard(turn, page)
            found.setdefault(one.channel, one)
    return list(found.values())


def _heard(turn: Turn, page: Page) -> Heard:
    whole = _whole(turn, page.incident_id)
    merged = parts_of(whole).get(page.incident_id, "") if whole is not None else ""
    return Heard(page.person, page.role, page.notifier, page.address, merged)


def _takes_end(turn: Turn, one: Heard) -> bool:
    return contact_of(one, turn.config.people, turn.config.notifiers) is not None


def _whole(turn: Turn, row: int) -> Incident | None:
    """The incident of a row, or what that has become part of."""
    incident = turn.board.incidents.get(row)
    while incident is not None and incident.merged_into is not None:
        incident = turn.board.incidents.get(turn.board.numbers.get(incident.merged_into, 0))
    return incident


def _step(turn: Turn, incident: Incident) -> Step:
    turn.ladder.call(incident, RECOVERED, [], turn.now, turn.group, relapse=incident.relapse)
    return max(turn.agenda.of(incident.id), key=lambda step: step.id)


def _tell(turn: Turn, incident: Incident, step: str, heard: Iterable[Heard]) -> list[str]:
    """Promise each their word; return who they are."""
    people, told = turn.config.people, []
    not_before = max(turn.now, incident.held_until or turn.now)
    for one in heard:
        rank = contact_of(one, people, turn.config.notifiers)
        if rank is not None:
            turn.outbox.tell_end(incident, step, one, people[one.person].contacts, rank, turn.now, not_before)
            told.append(one.person)
    return list(dict.fromkeys(told))


def _lapses(turn: Turn, incident: Incident) -> bool:
    """Whether it is of troubles of our own alone that nobody tells the end of: that they lapsed says nothing."""
    board = turn.board
    keys = [mark.key for mark in board.scene.of.get(incident.id, {}).values()]
    labels = [board.labels(board.episodes[key]) for key in keys if key in board.episodes]
    return incident.source == "self" and all(one.get("alertname") in LAPSING for one in labels)
