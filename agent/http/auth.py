"""Who calls, and what they may call: the one table of routes x roles."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from agent.clock import Clock
from agent.configuration.config import Config
from agent.http.problems import Problem
from agent.tokens import holder_of
from correlation.configuration_item import MAY_EDIT
from correlation.incident import Action
from correlation.permission import Actor
from knowledge import change, improvement, problem
from knowledge.automation import APPROVERS
from knowledge.written import MAY_WRITE

ANYBODY: Final = "anybody"
"""Everybody with a token; customers and vendors see only their own."""
INSIDE: Final = "inside"
"""Everybody of the organisation: all but those who are only customer, vendor or reporter."""
INCIDENT: Final = "incident"
"""Decided by the incident: the table of correlation/permission.py."""

Access = str | frozenset[str]
_REPORTING = frozenset({"desk", "l1", "l2", "pm", "dept_manager", "sales", "ops", "reporter", "customer"})
_ON_CALL = frozenset({"desk", "l1", "l2", "pm", "dept_manager", "sales", "ops"})
"""Who may stand in a rota: whose rows they may change, the row itself says."""
_SILENCING = frozenset({"desk", "l1", "l2", "pm"})
_EDITING = frozenset({"desk", "l1", "l2", "pm"})

ACCESS: Final[Mapping[str, Access]] = {
    # v1
    "list_incidents": ANYBODY,
    "get_incident": ANYBODY,
    "get_timeline": ANYBODY,
    "get_why": ANYBODY,
    "get_plan": ANYBODY,
    "report_incident": _REPORTING,
    "edit_incident": _EDITING,
    "archive_incidents": frozenset({"pm"}),
    **{str(action).replace("-", "_"): INCIDENT for action in Action},
    "get_statistics": _REPORTING | {"viewer"},
    "list_alerts": INSIDE,
    "list_pages": INSIDE,
    "list_dead_letters": INSIDE,
    "get_oncall": INSIDE,
    "list_shifts": INSIDE,
    "list_overrides": INSIDE,
    "create_override": _ON_CALL,
    "end_override": _ON_CALL,
    "create_swap": _ON_CALL,
    "import_calendar": _ON_CALL,
    "get_calendar": INSIDE,
    "get_me": ANYBODY,
    "list_notices": INSIDE,
    **dict.fromkeys(("hold_notice", "release_notice", "edit_notice"), _ON_CALL),
    "list_callbacks": INSIDE,
    "list_rounds": INSIDE,
    "record_round": _ON_CALL,
    "list_silences": INSIDE,
    "create_silence": _SILENCING,
    "end_silence": _SILENCING,
    "list_known_errors": INSIDE,
    "get_known_error": INSIDE,
    "write_known_error": MAY_WRITE,
    "edit_known_error": MAY_WRITE,
    "list_configuration_items": INSIDE,
    "get_configuration_item": INSIDE,
    "add_configuration_item": MAY_EDIT,
    "edit_configuration_item": MAY_EDIT,
    "list_automation_runs": INSIDE,
    "get_automation_run": INSIDE,
    "approve_automation_run": APPROVERS,
    "decline_automation_run": APPROVERS,
    "get_brief": INSIDE,
    "list_problems": INSIDE,
    "get_problem": INSIDE,
    "draft_known_error": INSIDE,
    "open_problem": problem.MAY_CREATE,
    **{f"{action}_problem": who for action, who in problem.WHO_MAY.items() if action != "open"},
    "take_up_problem": problem.WHO_MAY[problem.ProblemAction.OPEN],
    "list_changes": INSIDE,
    "get_change": INSIDE,
    "request_change": change.MAY_RAISE,
    **{f"{action}_change".replace("-", "_"): who for action, who in change.WHO_MAY.items()},
    "list_improvements": INSIDE,
    "get_improvement": INSIDE,
    "suggest_improvement": improvement.MAY_SUGGEST,
    **{f"{action}_improvement": improvement.MAY_DECIDE for action in improvement.ImprovementAction},
    "list_attachments": ANYBODY,
    "get_attachment": ANYBODY,
    "attach": INCIDENT,
    "erase_person": frozenset({"ops"}),
    "events": ANYBODY,
    "openapi": ANYBODY,
    # Alertmanager's
    "v2_status": INSIDE,
    "v2_alerts": INSIDE,
    "v2_alert_groups": INSIDE,
    "v2_receivers": INSIDE,
    "v2_silences": INSIDE,
    "v2_get_silence": INSIDE,
    "v2_post_silence": _SILENCING,
    "v2_delete_silence": _SILENCING,
    # beside
    "reload": frozenset({"ops"}),
}
"""By operation: who may call it at all. Rights are those of `permission.RIGHTS_OF`: a director has dept_manager's."""


def may(actor: Actor, operation: str) -> bool:
    """Whether the actor may call an operation; for an act on an incident the incident has the last word."""
    access = ACCESS[operation]
    if isinstance(access, frozenset):
        return bool(actor.rights & access)
    return access != INSIDE or not actor.outside


def require(actor: Actor, operation: str) -> None:
    """Raise the 403 that names the roles that may."""
    if may(actor, operation):
        return
    access = ACCESS[operation]
    who = ", ".join(sorted(access)) if isinstance(access, frozenset) else "people of the organisation"
    raise Problem(403, f"{operation} is for {who}; {actor.id} is {', '.join(sorted(actor.roles)) or 'nothing'}")


class Auth:
    """Finds the person behind a request's token."""

    def __init__(self, engine: AsyncEngine, get_config: Callable[[], Config], clock: Clock) -> None:
        self._engine, self._config, self._clock = engine, get_config, clock

    async def actor_of(self, request: web.Request) -> Actor | None:
        """Who calls, with their roles and groups of this moment; None: nobody we know.

        A token is sent as `Bearer`, or as the password of `Basic` (for programs that know nothing else).
        """
        token = token_in(request.headers.get("Authorization", ""))
        return await self.holder_of(token) if token is not None else None

    async def holder_of(self, token: str) -> Actor | None:
        """Whose token it is; None: it is nobody's, or nobody's any more."""
        holder = await holder_of(token, self._engine)
        if holder is None or holder.person is None or not holder.valid(self._clock.now()):
            return None
        return self.person(holder.person, holder.roles)

    def person(self, name: str, roles: frozenset[str] = frozenset()) -> Actor | None:
        """A person as people.yaml has them, with the roles of their token; None: gone from it, and no roles left."""
        config = self._config()
        known = config.people.get(name)
        if known is None:
            return Actor(name, roles) if roles else None
        return Actor(name, roles | frozenset(known.roles), config.teams_of(name))


def token_in(header: str) -> str | None:
    """The token of an Authorization header."""
    scheme, _, rest = header.partition(" ")
    if len(header) > 1024:
        return None
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
