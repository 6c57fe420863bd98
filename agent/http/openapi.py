"""The document of the API: OpenAPI 3.1, made from the models of the routes, and a page that lists them."""

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agent.deciders.names import leads, works
from agent.http import incident_page
from agent.http.auth import ACCESS
from agent.http.bodies import ATTACHMENT, NUMBER
from agent.http.calls import JSON, Route, answer_to, read_query
from agent.http.case_bodies import CHANGE, ENTRY, IMPROVEMENT, ITEM, PROBLEM, RUN
from agent.http.problems import TYPE, ProblemView
from agent.version import VERSION
from correlation.incident import Action
from knowledge.change import ChangeAction
from knowledge.improvement import ImprovementAction
from knowledge.problem import ProblemAction

if TYPE_CHECKING:
    from agent.http.api import Api

_REF = "#/components/schemas/{model}"
_PATHS: dict[str, dict[str, Any]] = {
    "number": {"type": "string", "pattern": NUMBER},
    "id": {"type": "string", "format": "uuid"},
    "round": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]*$"},
    "notice": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    "problem": {"type": "string", "pattern": PROBLEM},
    "change": {"type": "string", "pattern": CHANGE},
    "improvement": {"type": "string", "pattern": IMPROVEMENT},
    "item": {"type": "string", "pattern": ITEM},
    "attachment": {"type": "string", "pattern": ATTACHMENT},
    "known_error": {"type": "string", "pattern": ENTRY},
    "run": {"type": "string", "pattern": RUN},
}
_ABOUT = """Alerts become incidents, incidents reach people.

Every POST takes the header `Idempotency-Key` (1 to 200 printable characters, kept 24 h): the same key and body get the
first answer again, another body 422. It is no parameter of each operation, since what it allows depends on what was
sent before."""
_ALWAYS = {
    400: "It cannot be read",
    401: "No valid token",
    422: "Something is missing or wrong",
    503: "The store does not answer: try again",
}
_WITH_ROLES = {403: "For others: the text names the roles"}
_WITH_PATH = {404: "There is none, or none of yours"}
_WITH_BODY = {408: "Too slow", 413: "Too large", 415: "Another content type"}
_WITH_STATE = {409: "Not in this state: `allowed` names what is; or edited meanwhile: `version` and `made_on`"}


_NAMING = frozenset({"get_calendar", "request_change", "open_problem", "add_configuration_item", "suggest_improvement"})
"""Their body names incidents and problems, which must be there."""
_STATEFUL = frozenset(
    {
        "attach",
        "get_statistics",
        "edit_incident",
        "create_silence",
        "add_configuration_item",
        "edit_configuration_item",
        "edit_known_error",
        "approve_automation_run",
        "decline_automation_run",
        "request_change",
        "take_up_problem",
        *(f"{action}_problem" for action in ProblemAction),
        *(f"{action}_improvement" for action in ImprovementAction),
        *(f"{action}_change".replace("-", "_") for action in ChangeAction),
    }
)


def document(routes: Iterable[Route], names: Mapping[str, Iterable[str]] | None = None) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes. `names` are the people and groups there are, for fields of such."""
    routes = list(routes)
    wanted: list[tuple[type[BaseModel], str]] = [(ProblemView, "serialization")]
    wanted += [(route.answer, "serialization") for route in routes]
    wanted += [(route.body, "validation") for route in routes if route.body is not None]
    refs, defined = models_json_schema(_once(wanted), ref_template=_REF)  # type: ignore[arg-type]  # modes are Literal
    schemas = defined.get("$defs", {})
    _name(schemas, names or {})
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": VERSION,
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _name(schema: Any, names: Mapping[str, Iterable[str]]) -> None:
    """Write out the names that a field may take (`x-names` in bodies.py)."""
    if isinstance(schema, list):
        for part in schema:
            _name(part, names)
    if isinstance(schema, dict):
        known = sorted(names.get(schema.get("x-names", ""), ()))
        if known:
            schema["enum"] = known
        for part in list(schema.values()):
            _name(part, names)


def _once(wanted: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    return list(dict.fromkeys(wanted))


def _operation(route: Route, refs: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.path.split("/")[3]],
        "description": _for_whom(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, refs),
    }
    if route.upload_limit:
        file = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    if route.body is not None:
        schema = refs[(route.body, "validation")]
        defined = schemas[schema["$ref"].rpartition("/")[2]]
        required = "required" in defined or "anyOf" in defined
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": schema}}}
    return operation


def _for_whom(route: Route) -> str:
    access = ACCESS[route.name]
    if isinstance(access, frozenset):
        return f"For {', '.join(sorted(access))}."
    return {
        "anybody": "For everybody; customers and vendors see their own.",
        "inside": "For everybody of the organisation.",
        "incident": "Who may, the incident decides: see `docs/api.md`.",
    }[access]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    return [{"name": n, "in": "path", "required": True, "schema": _PATHS[n]} for n in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(mode="validation")
    assert "$defs" not in schema, "queries are flat"
    found = []
    for name, field in schema["properties"].items():
        told = {k: v for k, v in field.items() if k not in ("title", "description", "default")}
        variants = [v for v in told.pop("anyOf", []) if v.get("type") != "null"]
        told.update(variants[0] if variants else {})
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": False, "schema": told}
        if "description" in field:
            parameter["description"] = field["description"]
        if told.get("type") == "array":
            parameter |= {"style": "form", "explode": True}
        found.append(parameter)
    return found


def _headers(route: Route) -> list[dict[str, Any]]:
    if not route.if_match:
        return []
    about = "The version that the edit was made on."
    schema = {"type": "string", "pattern": '^"?[0-9]{1,18}"?$'}
    return [{"name": "If-Match", "in": "header", "required": True, "description": about, "schema": schema}]


def _responses(route: Route, refs: Any) -> dict[str, Any]:
    good = {"description": route.summary, "content": {JSON: {"schema": refs[(route.answer, "serialization")]}}}
    if route.download:
        good["content"] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    codes = dict(_ALWAYS)
    access = ACCESS[route.name]
    if access != "anybody":
        codes |= _WITH_ROLES
    if "{" in route.path or route.name in _NAMING:
        codes |= _WITH_PATH
    if route.method in ("POST", "PATCH"):
        codes |= _WITH_BODY
    if route.download:
        codes |= _WITH_ROLES
    if route.name in _STATEFUL or route.name.replace("_", "-") in list(Action):
        codes |= _WITH_STATE
    problem = {"content": {TYPE: {"schema": refs[(ProblemView, "serialization")]}}}
    unread = {"content": {**problem["content"], "text/plain": {"schema": {"type": "string"}}}}
    refusals = {
        str(code): {"description": told, **(unread if code == 400 else problem)} for code, told in sorted(codes.items())
    }
    return {str(route.status): good, **refusals}


# serving


def add(app: web.Application, api: "Api", routes: list[Route]) -> None:
    """Add `/api/v1/openapi.json` and `/api/docs`: for everybody, they hold nothing of the site.

    Who calls with a token sees the names of people and groups in it.
    """
    page = docs_page(routes)

    async def show_document(request: web.Request) -> web.Response:
        actor = await api.auth.actor_of(request)
        inside = actor is not None and not actor.outside
        return web.json_response(document(routes, _names(api) if inside else None))

    async def show_page(request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html", headers=incident_page.HEADERS)

    app.router.add_get("/api/v1/openapi.json", _framed(show_document))
    app.router.add_get("/api/docs", _framed(show_page))


def _names(api: "Api") -> dict[str, list[str]]:
    config = api.get_config()
    groups = list(config.groups)
    items = list(api.pipeline.desk.register.items)
    return {
        "people": [name for name in config.people if leads(config, name)],
        "workers": [name for name in config.people if works(config, name)],
        "groups": groups,
        "handover": [*groups, "l2"],
        "items": items,
    }


def _framed(do: Callable[[web.Request], Awaitable[web.Response]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            read_query(request.query, None)
            return await do(request)
        except Exception as error:  # the rim of a request
            return answer_to(error)

    return answer


def docs_page(routes: Iterable[Route]) -> str:
    """A page that lists the routes: no script, nothing from elsewhere."""
    rows = "".join(
        f"<tr><td>{route.method}</td><td><code>{html.escape(route.path)}</code></td>"
        f"<td>{html.escape(route.summary)}</td><td>{html.escape(_fields(route.body))}</td>"
        f"<td>{html.escape(_for_whom(route))}</td></tr>"
        for route in routes
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tocsin API</title></head><body>'
        f"<h1>Tocsin {html.escape(VERSION)}: the API</h1>"
        "<p>Every call carries <code>Authorization: Bearer …</code>. The models stand in "
        '<a href="/api/v1/openapi.json">openapi.json</a>.</p>'
        f"<table><tr><th></th><th>path</th><th></th><th>body</th><th>for whom</th></tr>{rows}</table></body></html>"
    )


def _fields(body: type[BaseModel] | None) -> str:
    if body is None:
        return ""
    names = [(field.alias or name) + ("" if field.is_required() else "?") for name, field in body.model_fields.items()]
    return "{" + ", ".join(names) + "}"
