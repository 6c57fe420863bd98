"""The document of the API, and schemathesis against the running application."""

import asyncio
import html
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel

from agent.http import act_bodies, bodies, record_bodies
from agent.http.api import Api, routes_of
from agent.http.openapi import docs_page
from collectors.labels import Matcher
from correlation.permission import WHO_MAY
from tests.agent.http.serving import Served

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "api.md"
DESCRIBED = {"/api/v1/events", "/api/v1/openapi.json"}
"""Routes of v1 that are no operations of the document: a stream without an end, and the document."""


def api_of(served: Served) -> Api:
    """The application's work bench, made anew."""
    daemon = served.daemon
    return Api(
        daemon.pipeline,
        daemon.engine,
        lambda: daemon.config,
        daemon.clock,
        secret=daemon.secret,
        get_external_url=lambda: daemon.external_url,
        reload=daemon.in_force.reload,
    )


async def test_the_document_is_openapi_3_1_with_an_id_for_each_operation(api: Served) -> None:
    document = (await api.get("/api/v1/openapi.json", as_="")).body
    assert document["openapi"].startswith("3.1")
    ids = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids)) == len(routes_of(api_of(api)))
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


async def test_every_route_of_the_application_below_v1_is_described(api: Served) -> None:
    document = (await api.get("/api/v1/openapi.json")).body
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (route.method, route.resource.canonical)
        for route in api.daemon.app().router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/v1/") and route.method != "HEAD"
    }
    assert {r for r in served if r[1] not in DESCRIBED} == described


async def test_names_of_people_and_groups_are_for_those_who_belong_here(api: Served) -> None:
    outside = await api.get("/api/v1/openapi.json", as_="")
    assert "luis" not in outside.text
    assert "luis" not in (await api.get("/api/v1/openapi.json", as_="cus")).text
    inside = (await api.get("/api/v1/openapi.json", as_="ana")).body
    schemas = inside["components"]["schemas"]
    person = schemas["Assign"]["properties"]["person"]["anyOf"][0]
    assert person["enum"] == ["ana", "desk", "luis", "noa", "pat", "ven", "wei"]
    commander = schemas["DeclareMajor"]["properties"]["commander"]["anyOf"][0]
    assert set(commander["enum"]) - set(person["enum"]) == {"dora", "root", "sal"}
    assert "enum" not in schemas["Classify"]["properties"]["category"], "other words are taken"


async def test_the_page_of_the_api_lists_every_route_without_script(api: Served) -> None:
    page = await api.get("/api/docs", as_="")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    routes = routes_of(api_of(api))
    assert all(f"<code>{html.escape(route.path)}</code>" in page.text for route in routes)
    assert "<script" not in page.text
    assert page.text == docs_page(routes)


BODIES: list[type[BaseModel]] = [*act_bodies.ACTS.values(), record_bodies.Report, record_bodies.Edit, bodies.PutSilence]


@pytest.mark.parametrize("model", BODIES, ids=lambda m: m.__name__)
def test_every_body_refuses_a_key_it_does_not_know(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["strict"] is True


def test_every_matcher_that_the_document_allows_is_one() -> None:
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=300, deadline=None)
    @given(st.from_regex(bodies.MATCHER))
    def reads(text: str) -> None:
        Matcher.parse(text)

    reads()


ANSWERED_BY_SENSE = """
[[operations]]
include-operation-id = ["list_shifts", "create_override", "create_swap", "import_calendar", "write_known_error",
  "get_statistics", "get_timeline", "get_why", "list_alerts", "list_automation_runs", "list_callbacks", "list_changes",
  "list_configuration_items", "list_dead_letters", "list_improvements", "list_incidents", "list_notices", "list_pages",
  "list_problems"]
checks.positive_data_acceptance.enabled = false
"""
"""What these refuse is no matter of form: an end before its start, a schedule that is none, no calendar at all,
a known error without a workaround, a period of no length, a place in another list."""


async def test_schemathesis_finds_nothing(api: Served, tmp_path: Path) -> None:
    """Its examples, coverage and fuzzing phases with every check, on a store with incidents in it."""
    await api.open_incident()
    await api.report("the printer is slow")
    (tmp_path / "schemathesis.toml").write_text(ANSWERED_BY_SENSE, "utf-8")
    program = Path(sys.executable).parent / "schemathesis"
    sent = f"Authorization: Bearer {await api.token('pat')}"
    url = f"{api.url}/api/v1/openapi.json"
    asked = [
        "--max-examples=5",
        "--phases=examples,coverage,fuzzing",
        "--seed=1",
        "--no-color",
        "--request-timeout=30",
    ]
    ran = await asyncio.create_subprocess_exec(
        program, "run", url, "-H", sent, *asked,
        cwd=tmp_path, env=_environment(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await ran.communicate()
    assert ran.returncode == 0, said.decode()[-8000:]
    assert b"Tested" in said


def _environment(home: Path) -> dict[str, Any]:
    return {**os.environ, "HOME": str(home), "PYTHONWARNINGS": "default"}


async def test_the_manual_names_every_route_with_its_body_and_who_may_act(api: Served) -> None:
    manual = MANUAL.read_text()
    for route in routes_of(api_of(api)):
        row = next((line for line in manual.splitlines() if line.startswith(f"| `{route.method} {route.path}` |")), "")
        assert row, route
        for name, model_field in (route.body.model_fields if route.body else {}).items():
            assert (model_field.alias or name) in row, (route.path, name)
    for action, who in WHO_MAY.items():
        row = next(line for line in manual.splitlines() if line.startswith(f"| `{action}` |"))
        told = {word.strip() for word in row.split("|")[2].split(",")}
        assert told == {role if how == "any" else f"{role} (own)" for role, how in who.items()}, action
