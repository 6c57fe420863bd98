"""What a correlation changed: its rows, then what the later rooms make of it."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from agent.deciders.automation import propose, propose_anew
from agent.deciders.classifying import await_classification
from agent.deciders.effects import stop
from agent.deciders.known_errors import LOOKED_AT, is_known, rank, recognise
from agent.deciders.lessons import keep_lessons, write_forgotten
from agent.deciders.links import inform_also, inform_groups_of, link_items
from agent.deciders.majors import look_for_major
from agent.deciders.problems import count
from agent.deciders.recalls import propose_recall
from agent.deciders.recoveries import not_over
from agent.deciders.solved import forget_solved
from agent.deciders.untold import look_whether_told
from agent.deciders.watching import look_after
from agent.turn import AGENT, Turn
from collectors.alert import Alert
from collectors.labels import Labels
from correlation.correlate import Outcome, correlate
from correlation.incident import Key
from correlation.own import ORIGIN
from correlation.store import UPSERT_BEAT, UPSERT_COUNTER
from escalation.recovery import take_in_part

_QUIET = frozenset({"alerts_joined", "alerts_ended"})
"""Events that do not make a new version of the record: no edit is refused for them."""


def take_in(
    turn: Turn,
    alerts: list[Alert],
    kind: str,
    source: str,
    received_at: datetime | None = None,
) -> Outcome:
    """Correlate alerts and do all that follows from it; `kind` is the source that incidents opened by them name.

    `received_at` is when the message came; None: they are our own, of this moment.
    """
    out = correlate(alerts, turn.board, turn.rules, turn.now, kind)
    follow(turn, out, source, received_at or turn.now)
    return out


def follow(turn: Turn, out: Outcome, source: str, received_at: datetime) -> None:
    """Write what a correlation changed, then have the later rooms act on it; alerts of our own that it raised are taken
    in last.
    """
    turn.group.outcome(out, source, received_at)
    turn.group.suspected |= out.suspected
    turn.desk.counts.update(out.decisions)
    for origin in out.beats:
        beat = turn.board.beats[origin]
        turn.group.add(UPSERT_BEAT, origin, beat.last_at, beat.apart_s, beat.missed, beat.gap_s)
    if out.taught:
        keep_lessons(turn, out.taught.values())
        write_forgotten(turn, out.forgotten)
    for incident in out.dirty.values():
        turn.touch(incident)
        if incident.resolves_at is not None:
            turn.agenda.look_at(incident.id, incident.resolves_at)
        if incident.digest_at is not None:
            turn.agenda.look_at(incident.id, incident.digest_at)
        if incident.id in turn.desk.told_held:  # what came may not be held
            turn.agenda.look_at(incident.id, turn.now)
    opened = {incident.id for incident in out.opened}
    for incident, into in out.merged:
        take_in_part(into, incident)
        if incident.id in opened:  # opened and put right by the same message: it has its record all the same
            turn.ladder.begin(incident, turn.group)
        stop(turn, incident, "merged")
        turn.agenda.look_at(incident.id, turn.now)
    _pass_on(turn, out)
    if out.own:
        own, out.own = out.own, []
        take_in(turn, own, "self", ORIGIN)


def _pass_on(turn: Turn, out: Outcome) -> None:
    """What the later rooms make of it: known errors, ladders and timelines of incidents that were opened or changed."""
    opened = {i.id for i in out.opened}
    if opened:
        turn.group.add(UPSERT_COUNTER, *turn.board.counter)
    for number, alerts in out.fresh_alerts.items():
        recognise(turn, turn.board.incidents[number], list(alerts.values()))
    gone = {incident.id for incident, _ in out.merged}
    for incident in out.opened:
        if incident.id in gone:
            continue
        turn.ladder.begin(incident, turn.group)
        await_classification(turn, incident)
        if not is_known(incident):
            rank(turn, incident)
        propose_recall(turn, incident)
        look_whether_told(turn, incident)
    for number, event in out.events:
        if event.kind == "opened" and number not in gone and "also" in event.facts:
            inform_also(turn, turn.board.incidents[number], event.facts["also"])
    if turn.config.classification.routes:
        inform_groups_of(turn, out.new)
    _keep_ladders(turn, out, opened, gone)
    for number, event in (*out.events, *out.summaries()):
        turn.tell(number, event.kind, AGENT, event.facts)
        if number not in opened and event.kind not in _QUIET:
            turn.board.incidents[number].version += 1
    _relate(turn, out)


def _keep_ladders(turn: Turn, out: Outcome, opened: set[int], gone: set[int]) -> None:
    """The ladders of incidents that were raised, fire again, rest or have grown."""
    for number in out.raised - opened - gone:
        turn.ladder.regrade(turn.board.incidents[number], turn.group)
    for number in out.relapsed:
        forget_solved(turn, turn.board.incidents[number])
        not_over(turn, turn.board.incidents[number])
        turn.ladder.relapse(turn.board.incidents[number], turn.now, turn.group)
    for number in out.clocks - gone:
        turn.ladder.clocks_moved(turn.board.incidents[number], turn.group)
    for number, why in out.grown.items():
        if number not in gone:
            turn.ladder.grew(turn.board.incidents[number], why, turn.now, turn.group)
    for number in (out.clocks | out.raised | out.relapsed | opened) - gone:
        look_after(turn, turn.board.incidents[number])


def _firing(turn: Turn, keys: Iterable[Key]) -> list[Labels]:
    """The labels of those of these alerts that fire, of so many at most as are looked at."""
    found = map(turn.board.episodes.get, keys)
    firing = (episode for episode in found if episode is not None and episode.open)
    return [turn.board.labels(episode) for episode in islice(firing, LOOKED_AT)]


def _relate(turn: Turn, out: Outcome) -> None:
    """What incidents that a correlation changed have to do with: items, problems, the major flow."""
    if turn.desk.register.items:
        for alert, episode in out.new:
            incident = turn.board.incidents.get(episode.incident)
            if incident is not None:
                link_items(turn, incident, [alert.labels])
    gone = {incident.id for incident, _ in out.merged}
    for number in ({i.id for i in out.opened} | out.raised) - gone:
        look_for_major(turn, turn.board.incidents[number])
    for incident in out.opened:
        if incident.id not in gone:
            count(turn, incident)
    regrouped = [number for number in sorted(out.regrouped.keys() - gone) if number in turn.board.incidents]
    for number in regrouped:
        recognise(turn, turn.board.incidents[number], _firing(turn, out.regrouped[number]))
    propose_anew(turn, (turn.board.incidents[number] for number in regrouped))
    for alert, episode in out.new if turn.config.automation.enabled else ():
        known = turn.board.incidents.get(episode.incident)
        if known is not None and known.known_errors:
            propose(turn, known, alert.labels, episode)
