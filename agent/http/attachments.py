"""The routes of attachments: files of an incident, served as downloads that no browser runs."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from aiohttp import content_disposition_filename, parse_content_disposition, web
from pydantic import StringConstraints

from agent.http.acts import Incidents
from agent.http.calls import Call, Query, Result, Route
from agent.http.masking import MASKED
from agent.http.problems import Problem, not_found
from agent.http.reads.attachments import AttachmentReads
from agent.http.views import AttachmentView as View
from agent.http.views import Document, Items
from agent.intents import FileAttached
from agent.storage.store import AttachmentRow
from correlation.attachment import LARGEST, safe_kind, safe_name

if TYPE_CHECKING:
    from agent.http.api import Api

_ALL = "/api/v1/incidents/{number}/attachments"


class AttachQuery(Query):
    name: Annotated[str, StringConstraints(max_length=250)] | None = None
    """Its file name; else that of `Content-Disposition`."""


def attachment_routes(api: "Api") -> list[Route]:
    """The routes of attachments."""
    at = Attachments(api)
    return [
        Route("GET", _ALL, "list_attachments", "Attachments", at.list_attachments, Items[View]),
        Route("POST", _ALL, "attach", "Attach a file", at.attach, View, AttachQuery, status=201, upload_limit=LARGEST),
        Route(
            "GET", f"{_ALL}/{{attachment}}", "get_attachment", "Download a file", at.download, Document, download=True
        ),
    ]


class Attachments:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api, self._reads = api, AttachmentReads(api.engine)
        self._incidents = Incidents(api)

    async def list_attachments(self, call: Call) -> Result:
        row = await self._incidents.visible(call)
        hidden = self._hides(call, row.reporter)
        found = await self._reads.attachments(row.id)
        return Result(Items[View](items=[_view(one, hidden=hidden) for one in found]))

    async def attach(self, call: Call) -> Result:
        number = call.number
        if call.done is None:
            kind = safe_kind(call.request.headers.get("Content-Type", ""))
            file = FileAttached(
                number=number,
                name=self._name(call),
                kind=kind,
                content=call.raw,
                actor=call.actor,
                mark=call.mark,
            )
            attached = (await self._api.pipeline.submit(file)).id
        else:
            attached = int(call.done)
        row = await self._reads.attachment(number, attached)
        if row is None:
            raise not_found(f"{number} has no attachment {attached}")
        return Result(_view(row), 201, {"Location": f"/api/v1/incidents/{number}/attachments/{attached}"})

    def _name(self, call: Call) -> str:
        asked: AttachQuery = call.query
        written = call.request.headers.get("Content-Disposition", "")
        return asked.name or (_name_in(written) if written else "") or "file"

    async def download(self, call: Call) -> Result:
        row = await self._incidents.visible(call)
        attached = int(call.request.match_info["attachment"])
        found = await self._reads.attachment(row.number, attached)
        if found is None:
            raise not_found(f"{row.number} has no attachment {attached}")
        if self._hides(call, row.reporter):
            raise Problem(403, f"attachments are for those who work on incidents; {call.actor.id} is none of them")
        content = await self._reads.attachment_content(attached)
        return Result(Document(), response=_served(found, content))

    def _hides(self, call: Call, reporter: str | None) -> bool:
        """Files of what a person reported are their words; those of an alert's incident are not."""
        return reporter is not None and self._api.reader(call.actor, call.request, call.now).hides_words(reporter)


def _name_in(disposition: str) -> str:
    """The file name of a Content-Disposition header."""
    try:
        _, told = parse_content_disposition(disposition.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        return content_disposition_filename(told) or ""
    except ValueError:
        return ""


def _view(row: AttachmentRow, *, hidden: bool = False) -> View:
    return View(
        id=row.id,
        name=MASKED if hidden else row.name,
        kind=row.kind,
        size=row.size,
        sha256=row.sha256,
        at=row.at,
        by=MASKED if hidden else row.by,
    )


def _served(row: AttachmentRow, content: bytes) -> web.Response:
    """A download: never shown in place, never taken for another type, and alone where it is opened all the same."""
    name = safe_name(row.name)
    plain = "".join(c if c.isascii() and c.isprintable() else "_" for c in name)
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
        "ETag": f'"{row.sha256}"',
    }
    return web.Response(body=content, content_type=safe_kind(row.kind), headers=headers)
