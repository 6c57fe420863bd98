"""Actions of known errors: proposed, decided, checked by every guard at the moment of running, and what came of it.

Nothing is run here. A run that is `started` is in the store before its program is, and is never begun again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agent.deciders.known_errors import demoted
from agent.deciders.links import inform
from agent.group import as_json
from agent.intents import RunDecided, RunEnded, RunsClaimed
from agent.turn import AGENT, Turn
from collectors.labels import Labels, all_match
from correlation.incident import ITEM, Episode, Incident, Why, key_of
from correlation.permission import Forbidden
from correlation.refusal import Refusal
from knowledge.automation import (
    MOST_OF_INCIDENT,
    NONE,
    ActionRule,
    Hindered,
    check_stop_rules,
    filled,
    targets_of,
)
from knowledge.known_error import KnownError
from knowledge.match import PREDICATE
from knowledge.run import Run, RunState
from knowledge.store import UPSERT_RUN, run_values

_TOLD = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.UNKNOWN})
"""What whoever has the incident is told of at once."""


_LOOKED_AT = 2_000


class NoSuchRun(Refusal):
    """No run has this id (404)."""


class IllegalRun(Refusal):
    """It does not wait to be decided (409)."""


# proposing


def propose(turn: Turn, incident: Incident, labels: Labels, episode: Episode, *, again: bool = False) -> None:
    """Propose what known errors found by predicate would have done about this alert.

    `again`: its firing may have been looked at before, and what was proposed for it is not proposed a second time.
    """
    if not turn.config.automation.enabled or not incident.active or not episode.open:
        return
    for found in incident.known_errors:
        entry = turn.config.known_errors.get(found["id"])
        if entry is None or not entry.action or found["why"]["code"] != PREDICATE:
            continue
        if any(all_match(group, labels) for group in entry.match) and not demoted(turn, entry.id):
            _propose(turn, incident, entry, labels, episode, again=again)


def propose_anew(turn: Turn, incidents: Iterable[Incident]) -> None:
    """What stands behind proposals has changed (grouping, configuration, a known error): make those that are missing.

    What waits for an alert that is another incident's by now is over. So many firing alerts are looked at, at most.
    """
    if not turn.config.automation.enabled:
        return
    left = _LOOKED_AT
    for incident in incidents:
        _expire(turn, (run for run in turn.desk.runs.of(incident.id) if _has_left(turn, run)))
        has_action = any(_action_of(turn, found["id"]) for found in incident.known_errors)
        for episode in turn.board.open_members(incident.id, left) if has_action and incident.active else ():
            left -= 1
            propose(turn, incident, turn.board.labels(episode), episode, again=True)


def _action_of(turn: Turn, known_error: str) -> str:
    entry = turn.config.known_errors.get(known_error)
    return entry.action if entry is not None else ""


def _has_left(turn: Turn, run: Run) -> bool:
    episode = turn.board.episodes.get(key_of(run.origin, run.fingerprint))
    return episode is not None and episode.open and episode.incident != run.incident_id


def _propose(
    turn: Turn, incident: Incident, entry: KnownError, labels: Labels, episode: Episode, *, again: bool
) -> None:
    try:
        rule, target = _aimed(turn, entry, labels)
        if _is_asked(turn, incident, entry, target, episode, again=again):
            return
        _check_restricted(turn, incident, rule, labels)
        argv = filled(rule, labels)
    except Hindered as hindered:
        _refuse(turn, incident, entry, hindered.why)
        return
    run = Run(
        id=turn.board.next_id("automation_run"),
        incident_id=incident.id,
        number=incident.number,
        known_error=entry.id,
        action=entry.action,
        target=target,
        origin=episode.origin,
        fingerprint=episode.fingerprint,
        labels=dict(labels),
        argv=argv,
        state=RunState.PROPOSED,
        proposed_at=turn.now,
    )
    approver = {} if rule.approve == NONE else {"approve": rule.approve}
    turn.tell(incident.id, "action_proposed", AGENT, {**run.facts, "argv": argv, **approver})
    if rule.approve == NONE:
        run.state, run.decided_by, run.decided_at = RunState.APPROVED, AGENT, turn.now
    elif not any(one.state is RunState.PROPOSED for one in turn.desk.runs.of(incident.id)):
        why = {"code": "action_waits", "run": run.id, "action": run.action, "target": run.target}
        inform(turn, incident, "action_waits", [rule.approve], why=why)
        turn.touch(incident)
    keep(turn, run)


def _aimed(turn: Turn, entry: KnownError, labels: Labels) -> tuple[ActionRule, str]:
    """The site's rule for the action of a known error, and what it would be run on. Raises Hindered."""
    rule = turn.config.automation.actions.get(entry.action)
    if rule is None:
        raise Hindered("action_unknown", action=entry.action)
    target = labels.get(rule.target, "")
    if not target:
        raise Hindered("action_value_missing", label=rule.target)
    return rule, target


def _is_asked(turn: Turn, incident: Incident, entry: KnownError, target: str, episode: Episode, *, again: bool) -> bool:
    """Whether no more is asked of this: it waits already, enough waits, or (`again`) it was answered for this alert."""
    runs, mark = turn.desk.runs, turn.board.scene.marks.get(episode.key)
    since = mark.placed_at if mark is not None and mark.placed_at is not None else episode.starts_at
    if again and runs.was_asked(entry.action, target, (episode.origin, episode.fingerprint), since):
        return True
    waiting = [run for run in runs.of(incident.id) if run.open]
    return len(waiting) >= MOST_OF_INCIDENT or any((r.action, r.target) == (entry.action, target) for r in waiting)


def _refuse(turn: Turn, incident: Incident, entry: KnownError, why: Why) -> None:
    """Say once for each incident and reason why an action is not even proposed."""
    mark = (incident.id, entry.id, why.code)
    if mark not in turn.desk.runs.told:
        turn.desk.runs.told.add(mark)
        facts = {"known_error": entry.id, "action": entry.action, "why": _plain(why)}
        turn.tell(incident.id, "action_refused", AGENT, facts)
        turn.desk.counts["run/refused"] += 1


# deciding


def run_decided(turn: Turn, intent: RunDecided) -> Run:
    """A person approves or declines a run; return it. What a guard stopped has its `why`, and waits on.

    With `dry_run` it is only told what would be run, and the run waits on.

    Raises what refuses the person.
    """
    run = turn.desk.runs.by_id.get(intent.run)
    run = run or turn.desk.runs.settled.get(intent.run)
    if run is None:
        raise NoSuchRun(f"there is no run {intent.run}")
    rule = turn.config.automation.actions.get(run.action)
    actor, approver = intent.actor, rule.approve if rule is not None else "ops"
    if approver not in actor.rights | actor.roles:
        raise Forbidden(f"{run.action} is approved by {approver}; {actor.id} is {', '.join(sorted(actor.roles))}")
    if run.decided_by == actor.id and (run.state is RunState.DECLINED) is not intent.approve:
        return run
    if run.state is not RunState.PROPOSED:
        raise IllegalRun(f"run {run.id} is {run.state}: only what is proposed is decided")
    body = {"run": run.id, "approve": intent.approve, "dry_run": intent.dry_run, "reason": intent.reason}
    turn.journal("run", actor.id, as_json(body))
    told = {**run.facts, "reason": intent.reason} if intent.reason else run.facts
    if not intent.approve:
        run.state, run.decided_by, run.decided_at = RunState.DECLINED, actor.id, turn.now
        turn.tell(run.incident_id, "action_declined", actor.id, told)
        keep(turn, run)
        return run
    try:
        run.argv = check(turn, run)
    except Hindered as hindered:
        _stopped(turn, run, hindered.why, actor.id)
        return run
    if intent.dry_run:
        turn.tell(run.incident_id, "action_dry_run", actor.id, {**told, "argv": run.argv})
        return run
    run.state, run.decided_by, run.decided_at, run.why = RunState.APPROVED, actor.id, turn.now, None
    turn.tell(run.incident_id, "action_approved", actor.id, {**told, "argv": run.argv})
    keep(turn, run)
    return run


def _stopped(turn: Turn, run: Run, why: Why, by: str) -> None:
    run.why = why
    turn.tell(run.incident_id, "action_stopped", by, {**run.facts, "why": _plain(why)})
    turn.desk.counts["run/stopped"] += 1
    keep(turn, run)


# guards


def check(turn: Turn, run: Run) -> list[str]:
    """Return the arguments of a run that nothing stands against now. Raises Hindered with the first guard that does."""
    policy = turn.config.automation
    rule = policy.actions.get(run.action)
    if not policy.enabled:
        raise Hindered("action_off")
    if rule is None:
        raise Hindered("action_unknown", action=run.action)
    incident = turn.board.incidents.get(run.incident_id)
    if incident is None or not incident.active:
        raise Hindered("action_incident_over", state=str(incident.state) if incident else "")
    episode = turn.board.episodes.get(key_of(run.origin, run.fingerprint))
    if episode is None or not episode.open or episode.incident != incident.id:
        raise Hindered("action_alert_over")
    _check_entry(turn, run)
    _check_restricted(turn, incident, rule, run.labels)
    argv = filled(rule, run.labels)
    if argv != run.argv:
        run.argv = argv
        raise Hindered("action_changed", argv=argv)
    turn.desk.runs.check_limit(rule, run.action, run.target, turn.now)
    firing = (turn.board.labels(e) for e in turn.board.episodes.values() if e.open)
    check_stop_rules(rule, run.labels, firing, [i for i in turn.board.incidents.values() if i.active])
    return argv


def _check_entry(turn: Turn, run: Run) -> None:
    """The known error must still ask for it, of this alert, and must not have failed too often meanwhile."""
    entry = turn.config.known_errors.get(run.known_error)
    asks = entry is not None and entry.in_force and entry.action == run.action
    if entry is None or not asks or not any(all_match(group, run.labels) for group in entry.match):
        raise Hindered("action_not_asked", known_error=run.known_error)
    if demoted(turn, entry.id):
        raise Hindered("action_demoted", known_error=entry.id)


def _check_restricted(turn: Turn, incident: Incident, rule: ActionRule, labels: Labels) -> None:
    """Nothing is run on an item under its customer's rule, nor where that item is or what it stands on (R68).

    Whichever label names it.
    """
    register = turn.desk.register
    named = [value.partition(":")[0] for value in targets_of(rule, labels)]
    about = register.item_of(labels)
    found = register.under_rule([*named, *([about] if about else []), *incident.linked(ITEM)])
    if found:
        beside = sorted(found.keys() - set(found.values()))
        raise Hindered("action_restricted", items=sorted(set(found.values())), **({"of": beside} if beside else {}))


# running


def runs_claimed(turn: Turn, intent: RunsClaimed) -> list[Run]:
    """Every guard is asked again; what passes is `started` with this commit, and may be run once it is stored."""
    runs, policy = turn.desk.runs, turn.config.automation
    room = policy.at_once - len(runs.in_state(RunState.STARTED))
    claimed: list[Run] = []
    for run in runs.in_state(RunState.APPROVED):
        if len(claimed) >= room:
            break
        try:
            run.argv = check(turn, run)
        except Hindered as hindered:
            run.state, run.ended_at = RunState.STOPPED, turn.now
            _stopped(turn, run, hindered.why, AGENT)
            continue
        if policy.dry_run or policy.actions[run.action].dry_run:
            _end(turn, run, RunState.DRY_RUN, {"argv": run.argv})
            continue
        run.state, run.started_at = RunState.STARTED, turn.now
        runs.note_start(run.action, run.target, turn.now)
        turn.journal("run_started", AGENT, as_json({"run": run.id, "argv": run.argv}))
        turn.tell(run.incident_id, "action_started", AGENT, {**run.facts, "argv": run.argv})
        keep(turn, run)
        claimed.append(run)
    return claimed


def run_ended(turn: Turn, intent: RunEnded) -> None:
    """What the runner saw; `unknown` where nobody saw the end, and then a person has to look."""
    run = turn.desk.runs.by_id.get(intent.run)
    if run is None or run.state is not RunState.STARTED:
        return
    run.exit_code, run.output = intent.exit_code, intent.output
    facts: dict[str, Any] = {} if intent.exit_code is None else {"exit_code": intent.exit_code}
    if intent.error:
        facts["error"] = intent.error
    turn.journal("run_ended", AGENT, as_json({"run": run.id, "state": intent.state, **facts}))
    rule = turn.config.automation.actions.get(run.action)
    if intent.state is RunState.SUCCEEDED and rule is not None and rule.verify is not None:
        run.verify_at = turn.now + rule.verify
    _end(turn, run, intent.state, facts)


def _end(turn: Turn, run: Run, state: RunState, facts: Mapping[str, Any]) -> None:
    run.state, run.ended_at = state, turn.now
    turn.desk.counts[f"run/{state}"] += 1
    for kind, said in (
        ("action_succeeded", RunState.SUCCEEDED),
        ("action_failed", RunState.FAILED),
        ("action_timed_out", RunState.TIMED_OUT),
        ("action_unknown_end", RunState.UNKNOWN),
        ("action_dry_run", RunState.DRY_RUN),
    ):
        if said is state:
            turn.tell(run.incident_id, kind, AGENT, {**run.facts, **facts})
    keep(turn, run)
    if state in _TOLD:
        tell_somebody(turn, run)


def verify(turn: Turn) -> None:
    """Where a run was to end its alert by now: has it?"""
    for run in [r for r in turn.desk.runs.by_id.values() if r.verify_at is not None and r.verify_at <= turn.now]:
        episode = turn.board.episodes.get(key_of(run.origin, run.fingerprint))
        run.verify_at, run.verified = None, episode is None or not episode.open
        kind = "action_verified" if run.verified else "action_not_verified"
        turn.tell(run.incident_id, kind, AGENT, run.facts)
        keep(turn, run)
        if not run.verified:
            tell_somebody(turn, run)


def tell_somebody(turn: Turn, run: Run) -> None:
    """Whoever has the incident is told that an action needs a look; where nobody has it, the first line."""
    incident = turn.board.incidents.get(run.incident_id)
    if incident is not None:
        inform(turn, incident, "action_failed", ["assignee"] if incident.assignee else ["l1"])
        turn.touch(incident)


def expire(turn: Turn, incident: Incident) -> None:
    """The incident needs no action any more: what waited for one is over."""
    runs = turn.desk.runs
    runs.told = {mark for mark in runs.told if mark[0] != incident.id}
    _expire(turn, runs.of(incident.id))


def _expire(turn: Turn, runs: Iterable[Run]) -> None:
    for run in list(runs):
        if run.state in (RunState.PROPOSED, RunState.APPROVED):
            run.state, run.ended_at = RunState.EXPIRED, turn.now
            turn.tell(run.incident_id, "action_expired", AGENT, run.facts)
            keep(turn, run)


def keep(turn: Turn, run: Run) -> None:
    """Write the run's row with this group."""
    turn.desk.runs.keep(run)
    turn.group.add(UPSERT_RUN, *run_values(run))
    turn.group.runs = True


def _plain(why: Why) -> dict[str, Any]:
    return {"code": why.code, "facts": why.facts}
