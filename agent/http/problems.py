"""An answer that refuses: RFC 9457 problems, and what each refusal of the house becomes."""

import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError

from agent.deciders.automation import IllegalRun, NoSuchRun
from agent.deciders.customers import NoSuchNotice, NoticeOver
from agent.deciders.items import ItemConflict, NoSuchItem
from agent.deciders.library import FiledKnownError, NoSuchKnownError
from agent.deciders.records import Stale
from agent.deciders.rota import NoSuchChange
from agent.deciders.rounds import NoSuchRound
from agent.pipeline import Overloaded, Undecided
from agent.storage.writer import StoreDown
from agent.turn import NoSuchIncident
from correlation.attachment import TooMuch
from correlation.incident import IllegalAction
from correlation.need import Missing, NotNow
from correlation.permission import Forbidden
from knowledge.casebook import NoSuchCase
from knowledge.change import IllegalChangeAction
from knowledge.improvement import IllegalImprovementAction
from knowledge.problem import IllegalProblemAction
from knowledge.written import BadEntry

log = structlog.get_logger("api")
TYPE = "application/problem+json"


class Problem(Exception):
    """Answer with this status and sentence; `facts` stand beside them (`allowed`, `missing`, …)."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        self.status, self.detail, self.facts = status, detail, facts
        self.headers = dict(headers or {})
        super().__init__(detail)

    def body(self) -> dict[str, Any]:
        title = HTTPStatus(self.status).phrase
        return {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail, **self.facts}

    def response(self) -> web.Response:
        body = json.dumps(self.body(), ensure_ascii=False).encode()
        return web.Response(status=self.status, body=body, content_type=TYPE, headers=self.headers)


class Fault(BaseModel):
    """One thing wrong with what was sent."""

    field: str
    message: str


class ProblemView(BaseModel):
    """RFC 9457, with the extensions that a refusal may carry."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str
    allowed: list[str] | None = None
    missing: list[str] | None = None
    faults: list[Fault] | None = None
    version: int | None = None
    made_on: int | None = None
    request_id: str | None = None


def unauthorized() -> Problem:
    """The one answer to an absent, unknown, revoked and expired token alike."""
    return Problem(401, "a valid token is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})


def not_found(what: str) -> Problem:
    return Problem(404, what)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception becomes; one of ours that nobody expected is logged and told by its id alone."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, TooMuch):
        return Problem(413, str(error))
    if isinstance(error, _DOWN):
        log.warning("the store does not answer", error=f"{type(error).__name__}: {error}"[:300])
        return Problem(503, "the store does not answer now: try again", {"Retry-After": "1"})
    refusal = _refusal(error)
    if refusal is not None:
        return refusal
    request_id = secrets.token_hex(8)
    if not isinstance(error, Undecided):
        log.error("an answer failed", request_id=request_id, exc_info=error)
    return Problem(500, "a fault of Tocsin: its log has it under this id", request_id=request_id)


_DOWN = (StoreDown, Overloaded, SQLAlchemyError, OSError, TimeoutError)


def _refusal(error: Exception) -> Problem | None:
    """The answer to what refuses an act (docs/api.md); None where that is no refusal."""
    problem = None
    match error:
        case NoSuchIncident():
            problem = not_found("there is no such incident")
        case NoSuchChange():
            problem = not_found("there is no such override")
        case Forbidden():
            problem = Problem(403, str(error))
        case NoSuchNotice():
            problem = not_found("there is no such notice")
        case NoticeOver() | IllegalRun():
            problem = Problem(409, str(error), allowed=[])
        case NoSuchRound() | NoSuchCase() | NoSuchItem() | NoSuchKnownError() | NoSuchRun():
            problem = not_found(str(error))
        case ItemConflict() | FiledKnownError() | NotNow():
            problem = Problem(409, str(error))
        case IllegalAction() | IllegalProblemAction() | IllegalChangeAction() | IllegalImprovementAction():
            problem = Problem(409, str(error), allowed=error.allowed)
        case Stale():
            problem = Problem(409, str(error), version=error.now)
        case BadEntry():
            problem = Problem(422, str(error), faults=[{"field": f, "message": m} for f, m in error.faults])
            if error.missing:
                problem.facts["missing"] = list(error.missing)
        case Missing():
            problem = Problem(422, str(error), missing=error.fields)
    return problem
