"""What a decision needs and the desk does not hold is read before it: deciders read no database.

For each intent it says what that is; `agent/loading/fetch.py` reads it.
"""

from datetime import datetime
from typing import Any

from agent.desk import Desk
from agent.erasing.tables import BY_NAME
from agent.intents import (
    AlertsArrived,
    ChangeActed,
    ChangeRaised,
    ConfigChanged,
    FileAttached,
    ImprovementActed,
    ImprovementSuggested,
    Intent,
    ItemEdited,
    KnownErrorWritten,
    NoticeActed,
    NoticesDue,
    OldRowsDue,
    PersonActed,
    ProblemActed,
    ProblemOpened,
    RecordEdited,
    RowsErased,
    RunDecided,
    TimePassed,
)
from agent.loading.due_lists import read_notices
from agent.loading.fetch import (
    fetch_alerts,
    fetch_attached,
    fetch_change,
    fetch_held,
    fetch_improvement,
    fetch_incident,
    fetch_mails,
    fetch_problem,
    fetch_reached,
    fetch_run,
    fetch_summaries,
    fetch_written,
    recovering,
)
from agent.loading.old_rows import look
from agent.storage.writer import Writer
from agent.threads import keys_of, numbers_in
from collectors.alert import Parsed
from collectors.mail import Mail
from correlation.incident import CHANGE, INCIDENT, PROBLEM, Action
from correlation.rows import columns

_READING = (
    PersonActed,
    RecordEdited,
    ProblemOpened,
    ProblemActed,
    ImprovementSuggested,
    ImprovementActed,
    ChangeRaised,
    ChangeActed,
    ItemEdited,
    KnownErrorWritten,
    ConfigChanged,
    RowsErased,
    OldRowsDue,
    NoticeActed,
    NoticesDue,
    RunDecided,
    FileAttached,
)

_ABOUT_ALERTS = frozenset({Action.SET_ROOT, Action.CONFIRM})
"""Acts that are about the alerts of an incident, also where that has left the board."""


def needs_reading(desk: Desk, intent: Intent, now: datetime) -> bool:
    """Whether an intent may be about what the desk does not hold any more."""
    if isinstance(intent, TimePassed):
        return desk.config.tells_ends and any(recovering(desk, now))
    return isinstance(intent, _READING) or (isinstance(intent, AlertsArrived) and intent.parsed.mail is not None)


async def read_ahead(desk: Desk, writer: Writer, intent: Intent, now: datetime) -> None:
    """Bring what an intent is about back to the desk, as it stands at `now`. Raises StoreDown."""
    match intent:
        case TimePassed():
            await fetch_reached(desk, writer, now)
        case AlertsArrived(parsed=Parsed(mail=Mail() as mail)):
            await fetch_mails(desk, writer, keys_of(mail), numbers_in(mail))
        case ConfigChanged(config=config):
            await fetch_held(desk, writer, config)
        case OldRowsDue(journal_through=through, now=now):
            base = desk.chains.timeline.base_id
            desk.due_to_go = await look(writer, desk.config.retention, base, through, now)
        case RunDecided(run=run):
            await fetch_run(desk, writer, run)
        case FileAttached(number=number):
            await fetch_attached(desk, writer, number)
        case KnownErrorWritten(id=name):
            await fetch_written(desk, writer, name)
        case RowsErased():
            desk.read = await _rows_to_erase(writer, intent)
        case NoticesDue() | NoticeActed():
            await read_notices(desk, writer, intent)
        case _:
            await _read_case(desk, writer, intent)
    for number in sorted(_incidents(desk, intent)):
        await fetch_incident(desk, writer, number)
    if isinstance(intent, PersonActed):
        await _read_alerts(desk, writer, intent)


async def _read_alerts(desk: Desk, writer: Writer, intent: PersonActed) -> None:
    if intent.action in _ABOUT_ALERTS:
        await fetch_alerts(desk, writer, intent.number)
    elif intent.action is Action.SPLIT:
        await fetch_summaries(desk, writer, intent.number)


async def _read_case(desk: Desk, writer: Writer, intent: Intent) -> None:
    """The problem or the change that an intent is about."""
    match intent:
        case ProblemActed(number=number) | ChangeRaised(body={"problem": str(number)}):
            await fetch_problem(desk, writer, number)
        case ImprovementActed(number=number):
            await fetch_improvement(desk, writer, number)
        case ChangeActed(number=number):
            await fetch_change(desk, writer, number)
        case PersonActed(action=Action.LINK, body={"kind": kind, "target": str(target)}):
            if kind == PROBLEM:
                await fetch_problem(desk, writer, target)
            elif kind == CHANGE:
                await fetch_change(desk, writer, target)


async def _rows_to_erase(writer: Writer, intent: RowsErased) -> list[dict[str, Any]]:
    if not intent.keys:
        return []
    table = BY_NAME[intent.table]
    one = " AND ".join(f"{column} = ?" for column in table.key)
    wanted = " OR ".join(f"({one})" for _ in intent.keys)
    named = [name for name in columns(table.model) if name != "content"]  # files are not looked into
    listed = ", ".join(f'"{name}"' for name in named)
    sql = f"SELECT {listed} FROM {table.name} WHERE {wanted}"  # noqa: S608 - names are ours
    found = await writer.fetch(sql, *(v for key in intent.keys for v in key))
    return [dict(zip(named, row, strict=True)) for row in found]


def _incidents(desk: Desk, intent: Intent) -> set[str]:
    """The numbers of the incidents that an intent is about."""
    named: set[str | None] = set()
    match intent:
        case PersonActed(number=number, body=body):
            named = {number, body.get("into")}
            if intent.action is Action.RECALL:
                named.add(body.get("for"))
            if body.get("kind") == INCIDENT:
                named.add(body.get("target"))
        case RecordEdited(number=number) | FileAttached(number=number):
            named = {number}
        case ProblemOpened(body=body) | ProblemActed(body=body):
            named = set(body.get("incidents") or ())
        case ChangeActed(number=number):
            change = desk.casebook.changes.get(number)
            named = {change.incident if change is not None else None}
        case ItemEdited(incident=number) | ImprovementSuggested(body={"incident": number}):
            named = {number}
    return {number for number in named if isinstance(number, str)}
