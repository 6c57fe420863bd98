"""The routes of known errors: the library, and what people write into it."""

from itertools import islice
from typing import TYPE_CHECKING, Any

from agent.http import case_bodies as bodies
from agent.http.acts import version_of
from agent.http.calls import Call, Result, Route
from agent.http.list_views import KnownErrorView, WrittenBy
from agent.http.problems import not_found, problem_of
from agent.http.queries import KnownErrorsQuery
from agent.http.views import Items
from agent.intents import KnownErrorWritten
from knowledge.feedback import facts_of
from knowledge.known_error import KnownError
from knowledge.written import API, WrittenError, origin_of

if TYPE_CHECKING:
    from agent.http.api import Api

_ALL = "/api/v1/known-errors"
_ONE = f"{_ALL}/{{known_error}}"


def known_error_routes(api: "Api") -> list[Route]:
    at, shown = KnownErrors(api), KnownErrorView
    return [
        Route("GET", _ALL, "list_known_errors", "Known errors", at.list, Items[KnownErrorView], KnownErrorsQuery),
        Route("POST", _ALL, "write_known_error", "Write one", at.write, shown, body=bodies.WriteKnownError, status=201),
        Route("GET", _ONE, "get_known_error", "What it says", at.get, shown),
        Route("PATCH", _ONE, "edit_known_error", "Edit it", at.edit, shown, body=bodies.EditKnownError, if_match=True),
    ]


class KnownErrors:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api

    async def list(self, call: Call) -> Result:
        asked: KnownErrorsQuery = call.query
        behind = (e for e in self._api.get_config().known_errors if asked.cursor is None or e.id > asked.cursor)
        found = list(islice(behind, asked.limit + 1))
        shown = [self._shown(call, entry) for entry in found[: asked.limit]]
        return Result(Items[KnownErrorView](items=shown, next=shown[-1].id if len(found) > asked.limit else None))

    async def get(self, call: Call) -> Result:
        return Result(self._found(call, call.request.match_info["known_error"]))

    async def write(self, call: Call) -> Result:
        sent = call.body(bodies.WriteKnownError)
        if call.done is None:
            intent = KnownErrorWritten(sent.id, sent.values(), sent.reason or "", call.actor, mark=call.marked(sent.id))
            await self._api.pipeline.submit(intent)
        return Result(self._found(call, sent.id), 201, {"Location": f"{_ALL}/{sent.id}"})

    async def edit(self, call: Call) -> Result:
        name, made_on = call.request.match_info["known_error"], version_of(call)
        sent = call.body(bodies.EditKnownError)
        try:
            await self._api.pipeline.submit(
                KnownErrorWritten(name, sent.values(), sent.reason or "", call.actor, made_on)
            )
        except Exception as error:
            problem = problem_of(error)
            if "version" in problem.facts:
                problem.facts["made_on"] = made_on
            raise problem from None
        return Result(self._found(call, name))

    def _found(self, call: Call, name: str) -> KnownErrorView:
        entry = self._api.get_config().known_errors.get(name)
        if entry is None:
            raise not_found(f"there is no known error {name!r}")
        return self._shown(call, entry)

    def _shown(self, call: Call, entry: KnownError) -> KnownErrorView:
        config, desk = self._api.get_config(), self._api.pipeline.desk
        written = desk.written.get(entry.id) if entry.source == API else None
        names = ("title", "symptoms", "root_cause", "workaround", "solution")
        texts: dict[str, Any] = {name: entry.text(name, call.language) for name in names}
        return KnownErrorView(
            id=entry.id,
            status=entry.status,
            category=entry.category,
            match=[[str(matcher) for matcher in group] for group in entry.match],
            owner=entry.owner,
            review_at=entry.review_at,
            action=entry.action,
            origin=origin_of(entry),
            source="" if entry.source == API else f"{entry.source}:{entry.line}",
            written=_by(written) if written is not None else None,
            **texts,
            **facts_of(desk.feedback.of(entry.id), config.feedback),
        )


def _by(written: WrittenError) -> WrittenBy:
    return WrittenBy(
        version=written.version,
        author=written.author,
        written_at=written.written_at,
        edited_by=written.edited_by,
        edited_at=written.edited_at,
        reason=written.reason,
    )
