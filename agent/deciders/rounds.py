"""People's rounds: each finding becomes an incident, and a round that nobody made is told to the desk (R36, R37)."""

from dataclasses import dataclass
from typing import Any

from agent.deciders.links import link
from agent.deciders.lists import told_or_not
from agent.deciders.records import reported
from agent.group import as_json
from agent.intents import RoundMade
from agent.turn import Turn
from collectors.moment import moment_text
from collectors.round import Finding, NotRead, Round, Window, judge, next_window
from correlation.incident import INSPECTION, Incident
from correlation.need import Missing
from correlation.permission import Forbidden
from correlation.refusal import Refusal
from escalation.notice import ROUND, Notice

_LEVELS = {"warn": 3, "crit": 2}
"""Urgency of a finding; its impact is that of one item, its service unaffected so far (procedure 4.6)."""
_IMPACT = 3


class NoSuchRound(Refusal):
    """There is no round of this name (404)."""


@dataclass(frozen=True)
class Record:
    """A round that was made, and the incidents of what was out of range."""

    number: str
    """The round and the beginning of the window that it fills; of one that fills none, when it was made."""
    incidents: tuple[str, ...]


def round_made(turn: Turn, intent: RoundMade) -> Record:
    """Keep the record of a round; what is out of range is registered. Raises NoSuchRound, Forbidden and Missing."""
    rule = turn.config.rounds.get(intent.round)
    if rule is None:
        raise NoSuchRound(f"there is no round {intent.round!r}: {', '.join(turn.config.rounds) or 'none is written'}")
    if not intent.actor.rights & {rule.owner, "desk", "pm"}:
        raise Forbidden(f"the record of {intent.round} is written by {rule.owner}, desk, pm; {intent.actor.id} is none")
    try:
        findings = judge(rule, intent.values)
    except NotRead as error:
        raise Missing(error.keys, str(error)) from error
    pending = turn.desk.notices.pending.get((ROUND, intent.round, 0))
    window = _window_of(turn, intent.round, rule)
    fills = window.opens <= turn.now
    name = f"{intent.round}/{moment_text(window.opens if fills else turn.now)}"
    found = tuple(_register(turn, intent, name, finding).number for finding in findings)
    facts = {"record": name, "values": dict(intent.values), "note": intent.note, "incidents": list(found)}
    turn.journal("round", intent.actor.id, as_json(facts))
    turn.audit(intent.actor.id, "inspection_record", facts)
    if pending is not None and fills:
        turn.desk.notices.close(pending, "over", turn.now, by=intent.actor.id)
        turn.desk.notices.plan_at = turn.now
    return Record(name, found)


def _register(turn: Turn, intent: RoundMade, record: str, finding: Finding) -> Incident:
    """The incident of a finding: the one of an earlier round, while it is open, else a new one; linked both ways."""
    item = finding.item
    title = f"{intent.round}: {item.key} out of range"
    said = f"{item.key} is {finding.value}{item.unit} ({finding.level})"
    incident = next((i for i in turn.board.incidents.values() if i.active and i.title == title), None)
    if incident is None:
        told = {"title": title, "source": "inspection", "channel": "inspection", "symptom": said, "impact": _IMPACT}
        body = {**told, "urgency": _LEVELS[finding.level], "category": item.category or "", "alertname": item.key}
        incident = reported(turn, {k: v for k, v in body.items() if v}, intent.actor.id)
    else:
        turn.touch(incident)
        turn.tell(incident.id, "note", intent.actor.id, {"text": said})
    link(turn, incident, INSPECTION, record, intent.actor.id)
    return incident


def awaited(turn: Turn, name: str) -> Notice:
    """What goes to the desk if the next window of a round stays empty."""
    rule = turn.config.rounds[name]
    window = _window_of(turn, name, rule)
    key = f"{ROUND}/{name}/{moment_text(window.opens)}"
    facts = {"round": name, "opens": moment_text(window.opens), "closes": moment_text(window.closes)}
    return Notice(id=0, key=key, name=ROUND, about=name, due_at=window.closes + rule.missed_after, facts=facts)


def _window_of(turn: Turn, name: str, rule: Round) -> Window:
    """The window that is to be filled next: that after the last one filled or missed."""
    done = turn.desk.notices.rounds_done.get(name)
    after = turn.now if done is None else max(done, turn.now)
    return next_window(rule, turn.config.zone, after)


def tell_of_missed(turn: Turn, notice: Notice) -> None:
    """Nobody filled it: the desk is told (R36)."""
    by_person: dict[str, list[dict[str, Any]]] = {
        person: [] for person, _ in turn.desk.directory.reach(["desk"], None, turn.now).people
    }
    told_or_not(turn, notice, "desk", "round_missed", by_person, notice.facts, even_nothing=True)
