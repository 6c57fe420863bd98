"""Which rows a list shows, in which order, and where its next page begins.

A cursor names its list, and of incidents the order: a place in one is none in another.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import col, select

from agent.http.masking import hides_words
from agent.http.problems import Problem
from correlation.incident import ACTIVE, OPEN, State
from correlation.permission import Actor
from correlation.tables import IncidentRow
from escalation.store import PageRow

R = TypeVar("R")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = r"^[a-z_]{1,20}-(n|[0-9]{1,16})-[0-9]{1,18}$"
_MICROSECOND = timedelta(microseconds=1)
_NEWEST = 10**18


def cursor_of(order: str, moment: datetime | None, row_id: int) -> str:
    """The place after a row of the list, or of the order of incidents, that is called `order`."""
    return f"{order}-{'n' if moment is None else (moment - EPOCH) // _MICROSECOND}-{row_id}"


def page_of(found: list[R], order: str, limit: int, id_of: Callable[[R], int]) -> tuple[list[R], str | None]:
    """The first `limit` of rows of which one more was asked for, and the place after them; None: nothing follows."""
    return found[:limit], cursor_of(order, None, id_of(found[limit - 1])) if len(found) > limit else None


def read_cursor(cursor: str, order: str) -> tuple[datetime | None, int]:
    """What `cursor_of` wrote, of the form CURSOR. Raises Problem 422 where it was written for another order."""
    made_for, moment, row_id = cursor.split("-")
    if made_for != order:
        told = f"it is a place in {made_for!r}, and this is {order!r}: send `next` of the page before, or no cursor"
        raise Problem(422, f"cursor: {told}", faults=[{"field": "cursor", "message": told}])
    return (None if moment == "n" else EPOCH + int(moment) * _MICROSECOND), int(row_id)


def before(cursor: str | None, order: str) -> int:
    """The id that a page of a list, newest first, begins below."""
    return _NEWEST if cursor is None else read_cursor(cursor, order)[1]


def after(cursor: str | None, order: str) -> int:
    """The id that a page of a list, oldest first, begins above."""
    return 0 if cursor is None else read_cursor(cursor, order)[1]


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
    """Everybody of the organisation reads everything; others what is their own."""
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
    moment, last = read_cursor(cursor, "due")
    if moment is None:
        return "next_due_at", order, and_(due.is_(None), row_id > last)
    return "next_due_at", order, or_(due > moment, and_(due == moment, row_id > last), due.is_(None))


def _newest_by(order_name: str, name: str) -> Any:
    def sort(cursor: str | None) -> tuple[str, list[Any], ColumnElement[bool] | None]:
        moment_column, row_id = col(getattr(IncidentRow, name)), col(IncidentRow.id)
        order = [moment_column.desc(), row_id.desc()]
        if cursor is None:
            return name, order, None
        moment, last = read_cursor(cursor, order_name)
        moment = moment or EPOCH
        return name, order, or_(moment_column < moment, and_(moment_column == moment, row_id < last))

    return sort


SORTS: dict[str, Any] = {
    "due": _by_due,
    "opened": _newest_by("opened", "opened_at"),
    "updated": _newest_by("updated", "updated_at"),
}
