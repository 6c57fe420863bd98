"""Notices go out by the calendar: planned ahead as rows, each with its one outcome (procedure 4.7, R79-R86)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from agent.deciders.customers import draft_for_customers, tell_customers, update_customers
from agent.deciders.lists import line_of, notify, tell_by_role, told_or_not
from agent.deciders.rounds import awaited, tell_of_missed
from agent.intents import NoticesDue
from agent.turn import Turn
from collectors.moment import moment_text, parse_moment
from correlation.calendar import BusinessCalendar
from correlation.callback import CALLBACKS
from correlation.incident import Incident
from escalation.notice import HANDOVER, ROUND, UPDATE, Notice, NoticeRule, is_draft, is_missed, next_mark, week_before
from escalation.rota import next_handover

DRAFT = ".draft"
"""What is drafted for customers has a mark of its own, before that of the notice itself."""
_FIRST_DAY, _ONE_DAY = date(1970, 1, 1), timedelta(days=1)
_STALE_HANDOVER = timedelta(hours=12)
_A_MOMENT = timedelta(seconds=1)
_USUAL_DRAFT = timedelta(minutes=30)


def notices_due(turn: Turn, intent: NoticesDue) -> None:
    """Take what is due, then see to it that every mark to come has its row."""
    book = turn.desk.notices
    for notice in book.due(intent.at):
        if notice.outcome:
            continue
        if notice.name == UPDATE:
            update_customers(turn, notice)
        elif notice.name == HANDOVER:
            _hand_over(turn, notice)
        elif notice.name == ROUND:
            tell_of_missed(turn, notice)
        elif not notice.incident_id:
            _take_mark(turn, notice)
        book.plan_at = turn.now
    if book.plan_at is not None and book.plan_at <= turn.now:
        _plan(turn)


# planning


def _plan(turn: Turn) -> None:
    book, wanted = turn.desk.notices, dict(_wanted(turn))
    book.plan_at = None
    for slot, notice in list(book.pending.items()):
        gone = notice.name not in turn.config.notices if is_draft(notice) else slot not in wanted
        if gone and notice.name != UPDATE and notice.due_at > turn.now:
            book.close(notice, "moved", turn.now)
    for slot, make in wanted.items():
        held, fresh = book.pending.get(slot), make()
        if held is not None and held.due_at <= turn.now:
            continue
        if held is not None and (fresh is None or held.key != fresh.key):
            book.close(held, "moved", turn.now)
            held = None
        if fresh is not None and held is not None:
            book.move(held, fresh.due_at)
        elif fresh is not None and fresh.key in book.told_ahead:
            book.look_again(fresh.due_at + _A_MOMENT)
        elif fresh is not None:
            book.add(fresh)


def _wanted(turn: Turn) -> Iterator[tuple[tuple[str, str, int], Callable[[], Notice | None]]]:
    """Every slot in which a mark is to be pending, and what makes it."""
    config = turn.config
    for name, rule in config.notices.items():
        for calendar in sorted(_calendars(turn, rule)):
            yield (name, calendar, 0), partial(_mark, turn, name, rule, calendar)
            if rule.kind == "customer" and rule.at is None:
                early = rule.model_copy(update={"before_workday_end": _draft_before(turn, rule)})
                yield (name + DRAFT, calendar, 0), partial(_mark, turn, name + DRAFT, early, calendar)
    for schedule in config.schedules:
        yield (HANDOVER, schedule, 0), partial(_handover, turn, schedule)
    for name in config.rounds:
        yield (ROUND, name, 0), partial(awaited, turn, name)


def _calendars(turn: Turn, rule: NoticeRule) -> set[str]:
    """The provider's calendar, or those of the customers (procedure 2.13)."""
    known = turn.config.calendars
    if rule.kind != "customer":
        return {"business"} & known.keys()
    return {c.calendar for c in turn.config.customers.values() if c.contacts and c.calendar in known}


def _draft_before(turn: Turn, rule: NoticeRule) -> timedelta | None:
    """A customer's notice is drafted when the project manager is told: so long before the workday ends."""
    if rule.before_workday_end is None:
        return None
    spans = (r.before_workday_end for r in turn.config.notices.values() if r.to == "pm" and r.before_workday_end)
    earlier = [span for span in spans if span > rule.before_workday_end]
    return min(earlier, default=rule.before_workday_end + _USUAL_DRAFT)


def _mark(turn: Turn, name: str, rule: NoticeRule, calendar: str) -> Notice | None:
    told = turn.desk.notices.told_through.get((name, calendar))
    named = turn.config.calendars[calendar]
    due_at = next_mark(rule, named, turn.now, told + _ONE_DAY if told else _FIRST_DAY)
    if due_at is None:
        return None
    day = named.local_day(due_at).isoformat()
    key = f"{name}/{day}" if calendar == "business" else f"{name}/{day}/{calendar}"
    return Notice(id=0, key=key, name=name, about=calendar, day=day, due_at=due_at)


def _handover(turn: Turn, schedule: str) -> Notice | None:
    directory, book = turn.desk.directory, turn.desk.notices
    found = next_handover(schedule, directory.schedules[schedule], turn.now, directory.overrides.get(schedule, ()))
    if found is None or found.at <= turn.now:
        book.plan_at = turn.now + _ONE_DAY
        return None
    facts = {"leaves": found.leaves, "comes": found.comes}
    key = f"{HANDOVER}/{schedule}/{moment_text(found.at)}"
    return Notice(id=0, key=key, name=HANDOVER, about=schedule, due_at=found.at, facts=facts)


# taking


def _take_mark(turn: Turn, notice: Notice) -> None:
    name, book = notice.name.removesuffix(DRAFT), turn.desk.notices
    rule, calendar = turn.config.notices.get(name), turn.config.calendars.get(notice.about)
    if rule is None or calendar is None:
        book.close(notice, "moved", turn.now)
    elif notice.name.endswith(DRAFT):
        draft_for_customers(turn, notice, name, rule, calendar)
    elif rule.kind == "customer":
        tell_customers(turn, notice, missed=is_missed(rule, calendar, notice.day, turn.now))
    elif is_missed(rule, calendar, notice.day, turn.now):
        book.close(notice, "missed", turn.now)
    else:
        _KINDS[rule.kind](turn, notice, rule)


def _tell_of_open(turn: Turn, notice: Notice, rule: NoticeRule) -> None:
    """What is unresolved today: state and expected action, to whoever coordinates it (R79)."""
    by_person = tell_by_role(turn, _active(turn), rule.to)
    told_or_not(turn, notice, rule.to, "eod_open", by_person)


def _ask(turn: Turn, notice: Notice, rule: NoticeRule) -> None:
    """Whoever has an incident whose next action is not written is asked for it (R79)."""
    silent = [i for i in _active(turn) if not i.next_action]
    told_or_not(turn, notice, rule.to, "eod_ask", tell_by_role(turn, silent, rule.to))


def _active(turn: Turn) -> list[Incident]:
    return sorted((i for i in turn.board.incidents.values() if i.active), key=lambda i: (i.severity, i.id))


def _tell_list(turn: Turn, notice: Notice, rule: NoticeRule) -> None:
    """The incidents in a state; what has been in it for longer than a workday is flagged (R73)."""
    rows = turn.desk.notices.read.get(notice.id, [])
    calendar = turn.config.calendars[notice.about]
    lines = [_listed(row, turn.now, calendar) for row in rows]
    told_or_not(turn, notice, rule.to, "review_list", _to_all(turn, rule.to, lines))


def _listed(row: tuple[Any, ...], now: datetime, calendar: BusinessCalendar) -> dict[str, Any]:
    number, title, severity, state, history, _ = row
    since = parse_moment(history[-1][0]) if history else None
    late = since is not None and calendar.opening_after(calendar.opening_after(since)) <= now
    return {"number": number, "title": title, "severity": severity, "state": state, "overdue": late}


def _tell_callbacks(turn: Turn, notice: Notice, rule: NoticeRule) -> None:
    """All incidents of the week are to be called back (R85); what came of it goes to `report_to` (R86)."""
    rows = turn.desk.notices.read.get(notice.id, [])
    since = week_before(notice.due_at)
    results = [_result(row, since) for row in rows]
    lines = [
        {"number": row[0], "title": row[1], "severity": row[2], "state": row[3]}
        for row, found in zip(rows, results, strict=True)
        if found is None
    ]
    done = [found for found in results if found is not None]
    scores = [found["score"] for found in done if found.get("score") is not None]
    facts = {
        "due": len(rows),
        "done": len(done),
        "persists": sum(1 for found in done if found["persists"]),
        "score": round(sum(scores) / len(scores), 2) if scores else None,
    }
    to_report = _to_all(turn, rule.report_to or "pm", lines)
    for person, mine in to_report.items() if rows else ():
        role = rule.report_to or "pm"
        notify(turn, f"{notice.key}/report", person, role, "callback_report", mine, notice.due_at, facts)
    told_or_not(turn, notice, rule.to, "callback_list", _to_all(turn, rule.to, lines), facts)


def _result(row: tuple[Any, ...], since: datetime) -> Mapping[str, Any] | None:
    """The last callback of an incident since a moment."""
    told = [c for c in row[5].get(CALLBACKS, ()) if (parse_moment(c["at"]) or since) > since]
    return told[-1] if told else None


def _to_all(turn: Turn, role: str, lines: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The same list for everybody who holds a role."""
    mine = list(lines)
    reached = turn.desk.directory.reach([role], None, turn.now)
    return {person: mine for person, _ in reached.people}


_KINDS: Mapping[str, Callable[[Turn, Notice, NoticeRule], None]] = {
    "open": _tell_of_open,
    "ask": _ask,
    "list": _tell_list,
    "callback": _tell_callbacks,
}


def _hand_over(turn: Turn, notice: Notice) -> None:
    """Both hear of it: who goes off duty and who comes on, with what is open in their group (D2)."""
    schedule = turn.config.schedules.get(notice.about)
    if schedule is None or turn.now - notice.due_at > _STALE_HANDOVER:
        turn.desk.notices.close(notice, "missed" if schedule is not None else "moved", turn.now)
        return
    lines = [line_of(i) for i in _active(turn) if i.group == schedule.group]
    two = [who for who in (notice.facts.get("leaves"), notice.facts.get("comes")) if who]
    by_person = {who: lines for who in two if who in turn.config.people and turn.config.people[who].contacts}
    facts = {"schedule": notice.about, **notice.facts}
    told_or_not(turn, notice, schedule.role, "handover_notice", by_person, facts, even_nothing=True)
