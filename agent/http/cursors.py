"""Which rows a list shows, in which order, and where its next page begins."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import col, select

from agent.http.masking import hides_words
from correlation.incident import ACTIVE, OPEN, State
from correlation.permission import Actor
from correlation.tables import IncidentRow
from escalation.store import PageRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = r"^(n|[0-9]{1,16})-[0-9]{1,18}$"
_MICROSECOND = timedelta(microseconds=1)


def cursor_of(moment: datetime | None, row_id: int) -> str:
    return f"{'n' if moment is None else (moment - EPOCH) // _MICROSECOND}-{row_id}"


def read_cursor(cursor: str) -> tuple[datetime | None, int]:
    """What `cursor_of` wrote: every text of the form CURSOR is one."""
    moment, _, row_id = cursor.partition("-")
    return (None if moment == "n" else EPOCH + int(moment) * _MICROSECOND), int(row_id)


def states_of(words: Sequence[str]) -> set[str]:
    """The states that the words of `state=` name: one of the twelve, `active` or `open`."""
    named: set[State] = set()
    for word in words:
        named |= ACTIVE if word == "active" else OPEN if word == "open" else {State(word)}
    return {str(state) for state in named}


def says(q: str, actor: Actor) -> ColumnElement[bool]:
    """The words of `q` in what the actor is shown: nobody finds by a search what is masked."""
    row = IncidentRow
    plain, said = (row.number, row.service), (row.title, row.symptom)
    theirs = or_(*(col(c).icontains(q, autoescape=True) for c in said))
    if hides_words(actor, None):
        by_alert = col(row.reporter).is_(None) & col(row.title).icontains(q, autoescape=True)
        theirs = or_(by_alert, (col(row.reporter) == actor.id) & theirs)
    return or_(theirs, *(col(c).icontains(q, autoescape=True) for c in plain))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Everybody of the organisation reads everything; others what is their own (OUTSIDE §3)."""
    if not actor.outside:
        return true()
    row = IncidentRow
    told = select(PageRow.incident_id).where(col(PageRow.person) == actor.id)
    return or_(
        col(row.assignee) == actor.id,
        col(row.reporter) == actor.id,
        col(row.group).in_(sorted(actor.groups)),
        col(row.id).in_(told),
    )


def _by_due(cursor: str | None) -> tuple[str, list[Any], ColumnElement[bool] | None]:
    """What is due first; what has nothing due last."""
    due, row_id = col(IncidentRow.next_due_at), col(IncidentRow.id)
    order = [due.is_(None), due, row_id]
    if cursor is None:
        return "next_due_at", order, None
    moment, last = read_cursor(cursor)
    if moment is None:
        return "next_due_at", order, and_(due.is_(None), row_id > last)
    return "next_due_at", order, or_(due > moment, and_(due == moment, row_id > last), due.is_(None))


def _newest_by(name: str) -> Any:
    def sort(cursor: str | None) -> tuple[str, list[Any], ColumnElement[bool] | None]:
        moment_column, row_id = col(getattr(IncidentRow, name)), col(IncidentRow.id)
        order = [moment_column.desc(), row_id.desc()]
        if cursor is None:
            return name, order, None
        moment, last = read_cursor(cursor)
        moment = moment or EPOCH
        return name, order, or_(moment_column < moment, and_(moment_column == moment, row_id < last))

    return sort


SORTS: dict[str, Any] = {"due": _by_due, "opened": _newest_by("opened_at"), "updated": _newest_by("updated_at")}
