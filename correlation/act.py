"""What a person does to an incident: the moves of procedure 4.4, each with its line in the timeline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from correlation.acts import ending, judging, leading, working
from correlation.acts.acted import Act, Acted, did_last
from correlation.incident import FROM, NEXT, PENDING, Action, IllegalAction, Incident
from correlation.permission import Actor
from correlation.severity import SeverityPolicy


def act(
    incident: Incident, action: Action, body: Mapping[str, Any], actor: Actor, severity: SeverityPolicy, now: datetime
) -> Acted:
    """Carry out one act, or raise IllegalAction (409), Missing (422) or Forbidden (403) and change nothing.

    The same act again by the same person changes nothing and is no error.
    """
    if _repeats(incident, action, actor):
        return Acted()
    check_state(incident, action, actor)
    acted = _DO[action](incident, Act(body, actor, severity, now))
    if not acted.unchanged and action in NEXT and not (action is Action.ACKNOWLEDGE and incident.state in PENDING):
        incident.move(NEXT[action], now)
    return acted


def check_state(incident: Incident, action: Action, actor: Actor) -> None:
    """Raise IllegalAction where this act is not possible now; the same one again by the same person always is."""
    if incident.state not in FROM[action] and not _repeats(incident, action, actor):
        raise IllegalAction(action, incident.state, incident.merged_into)


def _repeats(incident: Incident, action: Action, actor: Actor) -> bool:
    return action in NEXT and incident.state is NEXT[action] and did_last(incident, action, actor)


_DO: Mapping[Action, Callable[[Incident, Act], Acted]] = {
    Action.ACKNOWLEDGE: working.acknowledge,
    Action.ASSIGN: working.assign,
    Action.RETURN: working.give_back,
    Action.HANDOVER: working.handover,
    Action.NOTE: working.note,
    Action.SUSPEND: working.suspend,
    Action.RESUME: working.resume,
    Action.SNOOZE: working.snooze,
    Action.RESOLVE: ending.resolve,
    Action.ACCEPT: ending.accept,
    Action.ARCHIVE: ending.archive,
    Action.REJECT: ending.reject,
    Action.CANCEL: ending.cancel,
    Action.ESCALATE: working.escalate,
    Action.SET_SEVERITY: judging.set_severity,
    Action.CLASSIFY: judging.classify,
    Action.MERGE: judging.merge,
    Action.FEEDBACK: judging.feedback,
    Action.OUT_OF_SCOPE: ending.out_of_scope,
    Action.TO_SALES: ending.to_sales,
    Action.SALES_DECIDE: ending.sales_decide,
    Action.REPLAN: working.replan,
    Action.LINK: judging.link,
    Action.RAISE_CHANGE: working.raise_change,
    Action.CONFIRM_RULE: working.confirm_rule,
    Action.DECLARE_MAJOR: leading.declare_major,
    Action.BRIEF: leading.brief,
    Action.REVIEW: leading.review,
    Action.CALL_VENDOR: working.call_vendor,
    Action.CALLBACK: ending.call_back,
    Action.SET_ROOT: judging.set_root,
    Action.CONFIRM: judging.confirm,
    Action.SPLIT: judging.split,
    Action.RECALL: working.recall,
}
