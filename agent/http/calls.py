"""One call of the API: its route, who makes it, what was sent; and the frame around every answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, get_origin

import pydantic_core
from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.http.answers import Answer
from agent.http.explain import Wrong
from agent.http.problems import Problem, problem_of
from agent.intents import Mark
from correlation.permission import Actor

M = TypeVar("M", bound=BaseModel)
LIMIT = 1024 * 1024
READ_DEADLINE_S = 10.0
JSON = "application/json"


class Query(BaseModel):
    """The query of a route: an unknown key and one given twice are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Result:
    """What a route answers: a model, its status, and headers."""

    content: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    response: web.Response | None = None
    """A download, in place of the model."""


@dataclass
class Call:
    """A call in progress: `raw` is its body, `sent` the same as JSON, `query` as the model that the route names."""

    request: web.Request
    actor: Actor
    now: datetime
    language: str
    query: Any = None
    raw: bytes = b""
    sent: Any = None
    mark: Mark | None = None
    """The caller's Idempotency-Key; None: they sent none. The intent that does what is asked carries it, so that the
    store knows in the same transaction that it was done."""
    done: str | None = None
    """Where the same was done before under this key, and its answer was lost: the number of what was made or changed
    then. The route does nothing, and answers with that."""

    def marked(self, about: str = "") -> Mark | None:
        """The mark for an intent. `about` is by what its result is found again, where that has no number."""
        return replace(self.mark, about=about) if self.mark is not None else None

    @property
    def number(self) -> str:
        return self.request.match_info["number"]

    def body(self, model: type[M]) -> M:
        """The body as a model. Raises Problem 422 that names what is missing and what is wrong."""
        try:
            return model.model_validate(self.sent)
        except ValidationError as error:
            raise _unprocessable(error, model) from None


Do = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True)
class Route:
    """One operation: `name` is its operationId and its line in the table of auth.py."""

    method: str
    path: str
    name: str
    summary: str
    do: Do
    answer: type[BaseModel]
    query: type[Query] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    if_match: bool = False
    upload_limit: int = 0
    """The body is a file of at most this many bytes."""
    download: bool = False
    """The answer is a file."""
    takes_long: bool = False
    """It works through all of the store, and is answered when that is done."""
    finds: Callable[[Call], Awaitable[object]] | None = None
    """What raises 404 where the path names nothing that the caller sees: that comes before who may (403)."""

    @property
    def takes_body(self) -> bool:
        return self.body is not None


def read_query(sent: MultiMapping[str], model: type[Query] | None) -> Query | None:
    """The query as a model. Raises Problem 422 for an unknown key, one given twice, and what does not fit."""
    fields = model.model_fields if model is not None else {}
    values: dict[str, Any] = {}
    for key in dict.fromkeys(sent.keys()):
        given = [value.replace("\x00", "�") for value in sent.getall(key)]
        if key not in fields:
            known = f": {', '.join(fields)}" if fields else ""
            raise _query_fault(key, f"there is no such key here{known}")
        if any(not _is_text(value) for value in given):
            raise _query_fault(key, "it is no UTF-8")
        repeatable = get_origin(fields[key].annotation) is list
        if len(given) > 1 and not repeatable:
            raise _query_fault(key, "it is given twice")
        values[key] = given if repeatable else given[0]
    if model is None:
        return None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _unprocessable(error, model) from None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _query_fault(key: str, message: str) -> Problem:
    shown = key.encode("utf-8", "replace").decode()[:100]
    return Problem(422, f"{shown}: {message}", faults=[{"field": shown, "message": message}])


async def read_raw(request: web.Request, limit: int = LIMIT) -> bytes:
    """The body, within its limit and its deadline. Raises Problem 413 and 415."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise Problem(415, "the body must not be encoded: send it as it is")
    if (request.content_length or 0) > limit:
        raise Problem(413, f"the body is over the limit of {limit} bytes")
    raw = bytearray()
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            async for chunk in request.content.iter_any():
                raw += chunk
                if len(raw) > limit:
                    raise Problem(413, f"the body is over the limit of {limit} bytes")
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise Problem(408, "the body came too slowly") from None
    return bytes(raw)


def read_json(request: web.Request, raw: bytes) -> Any:
    """The JSON of a body; an empty body is `{}`, whatever it is called.

    Raises Problem 400, also where a key stands twice in one object: nobody can tell which was meant; and 415.
    """
    if not raw:
        return {}
    if request.content_type != JSON:
        raise Problem(415, f"send {JSON}")
    try:
        sent = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
    json.loads(raw, object_pairs_hook=_once_each, parse_int=str)
    return sent


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise Problem(400, f"the body has the key {key[:100]!r} twice in one object: send it once")
        seen.add(key)


def _unprocessable(error: ValidationError, model: type[BaseModel]) -> Problem:
    wrong = Wrong(error, model)
    problem = Problem(422, str(wrong), faults=wrong.faults[:100])
    if wrong.missing:
        problem.facts["missing"] = wrong.missing
    return problem


def response_of(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    kind = JSON if answer.status < 400 else "application/problem+json"
    return web.Response(status=answer.status, body=answer.body, content_type=kind, headers=dict(headers))


def answer_to(error: Exception) -> web.Response:
    """The answer that an exception becomes."""
    return problem_of(error).response()
