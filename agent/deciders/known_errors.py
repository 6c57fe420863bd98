"""The known errors of an incident: predicates at once, text after the commit, and what engineers say of them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from agent.intents import PersonActed, Suggested
from agent.turn import AGENT, Turn
from collectors.labels import Labels, all_match
from correlation.incident import Action, Incident
from correlation.need import Missing
from correlation.store import MARK_RANKING
from knowledge.feedback import Outcome
from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.match import PREDICATE, Match, match_predicates
from knowledge.store import UPSERT_TALLY, tally_values

_KNOWN_ERRORS = 5
_INCIDENTS_AGAIN = 1_000
_ALERTS_AT_ONCE = 500
_APART = timedelta(milliseconds=20)
LOOKED_AT = 50
"""Firing alerts of one incident that are held against a known error that was just written."""


def recognise(turn: Turn, incident: Incident, alerts: list[Labels]) -> None:
    """Find the known errors whose predicates hold (procedure R61, R62); the demoted ones come last."""
    known = {k["id"] for k in incident.known_errors}
    if fresh := match_predicates(alerts, turn.config.known_errors, but=known):
        _put(turn, incident, fresh)


def recognise_again(turn: Turn, entry: KnownError) -> list[Incident]:
    """Hold an entry that was just written against the incidents that are open; return those that it fits."""
    alone, fitting = Library([entry]), []
    for incident in [i for i in turn.board.incidents.values() if i.active]:
        if any(known["id"] == entry.id for known in incident.known_errors):
            continue
        members = turn.board.open_members(incident.id, LOOKED_AT)
        if found := match_predicates([turn.board.labels(episode) for episode in members], alone):
            _put(turn, incident, found)
            turn.touch(incident)
            turn.tell(incident.id, "known_errors_written", AGENT, {"ids": [entry.id]})
            fitting.append(incident)
    return fitting


def recognise_all_again(turn: Turn) -> None:
    """Hold the known errors of another configuration against the newest open incidents; rank for those without one.

    Those with the first few hundred alerts at once, the others each when it comes up: alerts wait for no more.
    """
    desk, room, at = turn.desk, _ALERTS_AT_ONCE, turn.now
    desk.to_recognise.clear()
    active = [incident for incident in turn.board.incidents.values() if incident.active]
    for incident in sorted(active, key=lambda i: -i.id)[:_INCIDENTS_AGAIN]:
        room -= min(len(turn.board.members.get(incident.id, ())), LOOKED_AT)
        if room >= 0:
            _recognise_anew(turn, incident)
        else:
            at += _APART
            desk.to_recognise[incident.id] = at
            turn.agenda.look_at(incident.id, at)


def recognise_in_turn(turn: Turn, incident: Incident) -> bool:
    """Hold the known errors against an incident whose turn has come; returns whether it had."""
    at = turn.desk.to_recognise.get(incident.id)
    if at is None or at > turn.now:
        return False
    del turn.desk.to_recognise[incident.id]
    _recognise_anew(turn, incident)
    return True


def _recognise_anew(turn: Turn, incident: Incident) -> None:
    before = {known["id"] for known in incident.known_errors}
    members = turn.board.open_members(incident.id, LOOKED_AT)
    recognise(turn, incident, [turn.board.labels(episode) for episode in members])
    if fresh := [known["id"] for known in incident.known_errors if known["id"] not in before]:
        turn.touch(incident)
        turn.tell(incident.id, "known_errors_written", AGENT, {"ids": fresh})
    elif not before:
        rank(turn, incident)


def let_go_of_unfit(turn: Turn, incident: Incident, *, renamed: bool) -> None:
    """Alerts have left an incident: known errors that were found by the labels of those alone go with them.

    What was found by the words of its title goes where it is called otherwise now. One of which an engineer has said
    how it did here stays, as do all of an incident that has more alerts left than are looked at.
    """
    left = list(turn.board.scene.of.get(incident.id, {}))
    if len(left) > _ALERTS_AT_ONCE:
        return
    labels = [turn.board.labels(e) for key in left if (e := turn.board.episodes.get(key)) is not None]
    unfit = [found["id"] for found in incident.known_errors if not _still_fits(turn, incident, found, labels, renamed)]
    if not unfit:
        return
    incident.known_errors = [found for found in incident.known_errors if found["id"] not in unfit]
    turn.touch(incident)
    turn.tell(incident.id, "known_errors_gone", AGENT, {"ids": unfit})
    if not is_known(incident):
        rank(turn, incident)


def _still_fits(turn: Turn, incident: Incident, found: dict[str, Any], left: list[Labels], renamed: bool) -> bool:
    entry = turn.config.known_errors.get(found["id"])
    if entry is None or found["id"] in incident.feedback:
        return True
    if found["why"]["code"] == PREDICATE:
        return any(all_match(group, labels) for group in entry.match for labels in left)
    return not renamed


def rank(turn: Turn, incident: Incident) -> None:
    """Have the known errors ranked by text after the commit; until that is done, the row says so over restarts."""
    turn.group.opened_unknown.append(incident.id)
    _mark(turn, incident, to_rank=True)


def _mark(turn: Turn, incident: Incident, *, to_rank: bool) -> None:
    if incident.to_rank != to_rank:
        incident.to_rank = to_rank
        if incident.id not in turn.group.incidents:
            turn.group.add(MARK_RANKING, to_rank, incident.id)


def is_known(incident: Incident) -> bool:
    """Whether a known error that is not demoted was found."""
    return not all(map(_demoted, incident.known_errors))


def suggested(turn: Turn, intent: Suggested) -> None:
    """The text ranking has come back; what is demoted, or was turned down for these words, is not suggested."""
    incident = turn.board.incidents.get(intent.incident)
    if incident is None:
        return
    known = {k["id"] for k in incident.known_errors}
    room = _KNOWN_ERRORS - sum(not _demoted(k) for k in incident.known_errors)
    text, feedback = incident.report, turn.desk.feedback
    apt = (m for m in intent.matches if not demoted(turn, m.id) and not feedback.turned_down(m.id, text))
    fresh = [m for m in apt if m.id not in known][:room]
    if fresh:
        _put(turn, incident, fresh)
        turn.group.incidents[incident.id] = incident
        turn.tell(incident.id, "known_errors_suggested", AGENT, {"ids": [m.id for m in fresh]})
    _mark(turn, incident, to_rank=False)
    turn.outbox.hurry(incident.id, turn.now)


def check_feedback(turn: Turn, intent: PersonActed) -> None:
    """Refuse a word on an entry that the library does not have."""
    name = intent.body.get("known_error")
    if intent.action is Action.FEEDBACK and name and turn.config.known_errors.get(name) is None:
        raise Missing(["known_error"], f"there is no known error {name!r}")


def take_feedback(turn: Turn, incident: Incident, intent: PersonActed) -> None:
    """Count what an engineer says of a known error; of one incident the last word counts."""
    if intent.action is not Action.FEEDBACK:
        return
    name, outcome = intent.body["known_error"], Outcome(intent.body["outcome"])
    before = incident.feedback.get(name)
    if before == outcome:
        return
    tally, policy = turn.desk.feedback.of(name), turn.config.feedback
    was_demoted = tally.demoted(policy)
    tally.say(incident.id, outcome, Outcome(before) if before else None, _alias(incident, name))
    turn.desk.feedback.keep(tally)
    turn.desk.feedback.judge(name, incident.report, outcome, before)
    turn.group.add(UPSERT_TALLY, *tally_values(tally))
    incident.feedback = {**incident.feedback, name: str(outcome)}
    if tally.demoted(policy) != was_demoted:
        kind = "known_error_reinstated" if was_demoted else "known_error_demoted"
        turn.tell(incident.id, kind, AGENT, {"known_error": name, "failures": tally.failures})


def _alias(incident: Incident, name: str) -> str:
    """What the incident says of itself; nothing where a predicate found the entry: labels need no words."""
    if any(found["id"] == name and found["why"]["code"] == PREDICATE for found in incident.known_errors):
        return ""
    return incident.report


def _put(turn: Turn, incident: Incident, fresh: Iterable[Match]) -> None:
    found = [*incident.known_errors, *(_match_facts(turn, match) for match in fresh)]
    incident.known_errors = sorted(found, key=_demoted)[:_KNOWN_ERRORS]


def _match_facts(turn: Turn, match: Match) -> dict[str, Any]:
    why = dict(match.why)
    if demoted(turn, match.id):
        why["facts"] = {**why["facts"], "demoted": True}
    return {"id": match.id, "confidence": match.confidence, "why": why}


def demoted(turn: Turn, name: str) -> bool:
    """Whether an entry has failed too often to be put forward."""
    return turn.desk.feedback.demoted(name, turn.config.feedback)


def _demoted(found: dict[str, Any]) -> bool:
    return bool(found["why"]["facts"].get("demoted"))
