"""Notices over the API: what went out and what is to come, held or edited before it does; the callbacks of a week."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from agent.http.bodies import NUMBER, Body
from agent.http.calls import Call, Result, Route
from agent.http.cursors import after, before, page_of
from agent.http.problems import not_found
from agent.http.queries import Paged, When, Word
from agent.http.render.stored import json_of
from agent.http.views import At, Items, View
from agent.intents import NoticeActed
from collectors.moment import parse_moment
from correlation.callback import CALLBACKS
from correlation.incident import ENDED
from correlation.tables import IncidentRow
from escalation.notice import UPDATE, is_for_customer
from escalation.notice_text import compose_notice
from escalation.store import NoticeRow, notice_from

if TYPE_CHECKING:
    from agent.http.api import Api

_A_WEEK = timedelta(days=7)
Deed = Literal["hold", "release", "edit"]


class NoticesQuery(Paged):
    name: Word | None = None
    day: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    incident: Annotated[str, StringConstraints(pattern=NUMBER)] | None = None
    outcome: Literal["pending", "sent", "nothing", "nobody", "held", "over", "missed", "moved"] | None = None


class CallbacksQuery(Paged):
    since: When | None = None
    """Incidents that were open at some time since; default: seven days ago."""


class Holding(Body):
    """Nothing more has to be said."""


class Editing(Body):
    """What the customer is told instead of the template."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class NoticeView(View):
    """A notice of one day, with its one outcome."""

    id: int
    key: str
    name: str
    about: str
    """The calendar by which it goes, the customer it is for, or the schedule."""
    day: str
    incident: str | None
    due_at: At
    outcome: str
    """pending, sent, nothing, nobody, held, over, missed, moved."""
    at: At | None
    late_ms: int | None
    text: str
    """What the customer is told, as it stands now; empty of a list, and of what has gone out by the template."""
    edited_by: str
    held_by: str


class CallbackView(View):
    """An incident of the week, and the last callback since then; null while there was none."""

    number: str
    title: str
    severity: int
    state: str
    service: str
    at: str | None
    by: str | None
    reached: bool | None
    score: Annotated[int, Field(ge=1, le=5)] | None
    persists: bool | None
    remark: str | None


def notice_routes(api: "Api") -> list[Route]:
    """The routes of notices and callbacks."""
    at, base = Notices(api), "/api/v1/notices"
    return [
        Route("GET", base, "list_notices", "Notices", at.notices, Items[NoticeView], NoticesQuery),
        *(
            Route("POST", f"{base}/{{notice}}/{deed}", f"{deed}_notice", says, at.acting(deed), NoticeView, body=body)
            for deed, says, body in _DEEDS
        ),
        Route(
            "GET",
            "/api/v1/callbacks",
            "list_callbacks",
            "Incidents to be called back",
            at.callbacks,
            Items[CallbackView],
            CallbacksQuery,
        ),
    ]


_DEEDS: tuple[tuple[Deed, str, type[Body]], ...] = (
    ("hold", "Hold what a customer would be told", Holding),
    ("release", "Let it go out after all", Holding),
    ("edit", "Write what a customer is told", Editing),
)


class Notices:
    """What these routes do."""

    def __init__(self, api: "Api") -> None:
        self._api = api
        self._engine: AsyncEngine = api.engine

    async def notices(self, call: Call) -> Result:
        asked: NoticesQuery = call.query
        wanted = [col(NoticeRow.id) < before(asked.cursor, "notices")]
        wanted += [col(NoticeRow.name) == asked.name] if asked.name is not None else []
        wanted += [col(NoticeRow.day) == asked.day] if asked.day is not None else []
        if asked.outcome is not None:
            wanted.append(col(NoticeRow.outcome) == ("" if asked.outcome == "pending" else asked.outcome))
        if asked.incident is not None:
            row = await self._api.reads.incident(asked.incident)
            wanted.append(col(NoticeRow.incident_id) == (row.id if row is not None else -1))
        statement = select(NoticeRow).where(*wanted).order_by(col(NoticeRow.id).desc()).limit(asked.limit + 1)
        async with AsyncSession(self._engine) as session:
            found = list((await session.exec(statement)).all())
        page, following = page_of(found, "notices", asked.limit, lambda notice: notice.id)
        return Result(Items[NoticeView](items=[self._view(notice) for notice in page], next=following))

    def acting(self, deed: Deed) -> Callable[[Call], Coroutine[Any, Any, Result]]:
        async def act(call: Call) -> Result:
            asked = call.request.match_info["notice"]
            if not asked.isdecimal() or len(asked) > 18:
                raise not_found(f"there is no notice {asked}")
            text = call.body(Editing).text if deed == "edit" else ""
            if call.done is None:
                intent = NoticeActed(int(asked), deed, call.actor, text, mark=call.marked(asked))
                await self._api.pipeline.submit(intent)
            async with AsyncSession(self._engine) as session:
                row = await session.get(NoticeRow, int(asked))
            if row is None:
                raise not_found(f"there is no notice {asked}")
            return Result(self._view(row))

        return act

    def _view(self, row: NoticeRow) -> NoticeView:
        facts = json_of(row.facts)
        same = {
            name: getattr(row, name)
            for name in ("id", "key", "name", "about", "day", "due_at", "at", "late_ms", "edited_by", "held_by")
        }
        shown = {"incident": facts.get("number"), "outcome": row.outcome or "pending", "text": self._text(row)}
        return NoticeView(**same, **shown)

    def _text(self, row: NoticeRow) -> str:
        """What a draft says as it stands; afterwards what somebody wrote."""
        notice = notice_from(tuple(getattr(row, name) for name in NoticeRow.model_fields))
        incident = self._api.pipeline.desk.board.incidents.get(notice.incident_id)
        if notice.text or notice.outcome or incident is None or not is_for_customer(notice):
            return notice.text
        config = self._api.get_config()
        customer = config.customers.get(notice.about)
        if customer is None:
            return ""
        told = {
            "number": incident.number,
            "title": incident.title,
            "state": str(incident.state),
            "service": incident.service,
            "next_action": incident.next_action,
            "eta": incident.next_action_eta.isoformat() if incident.next_action_eta is not None else "",
        }
        rule = config.notices.get(notice.name)
        template = rule.template.get(customer.language, "") if rule is not None else ""
        code = UPDATE if notice.name == UPDATE else "eod_customer"
        return compose_notice(code, told, customer.language, template=template).text

    async def callbacks(self, call: Call) -> Result:
        asked: CallbacksQuery = call.query
        since = parse_moment(asked.since or "") or call.now - _A_WEEK
        row = IncidentRow
        of_week = or_(col(row.updated_at) >= since, col(row.state).not_in([str(state) for state in ENDED]))
        wanted = [
            col(row.source) != "self",
            col(row.state) != "cancelled",
            of_week,
            col(row.id) > after(asked.cursor, "callbacks"),
        ]
        async with AsyncSession(self._engine) as session:
            statement = select(row).where(*wanted).order_by(col(row.id)).limit(asked.limit + 1)
            found = list((await session.exec(statement)).all())
        page, following = page_of(found, "callbacks", asked.limit, lambda incident: incident.id)
        shown = [_called_back(incident, since) for incident in page]
        return Result(Items[CallbackView](items=shown, next=following))


def _called_back(row: IncidentRow, since: Any) -> CallbackView:
    told = [c for c in json_of(row.resolution).get(CALLBACKS, ()) if (parse_moment(c["at"]) or since) >= since]
    last = told[-1] if told else {}
    shown: dict[str, Any] = {n: getattr(row, n) for n in ("number", "title", "severity", "state", "service")}
    shown |= {n: last.get(n) for n in ("at", "by", "reached", "score", "persists", "remark")}
    return CallbackView(**shown)
