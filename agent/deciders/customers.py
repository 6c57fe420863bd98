"""Customers are told of their incidents: at the end of each workday, and at the pace of the severity (R81, R82)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from agent import contracts
from agent.deciders.lists import line_of
from agent.intents import NoticeActed
from agent.turn import AGENT, Turn
from collectors.moment import moment_text, parse_moment
from correlation.calendar import BusinessCalendar
from correlation.incident import Incident
from correlation.need import Missing
from correlation.permission import Forbidden
from correlation.refusal import Refusal
from escalation.notice import UPDATE, Notice, NoticeRule, holders, is_for_customer
from escalation.outbox import Word
from escalation.store import Step


class NoSuchNotice(Refusal):
    """No notice has this id (404)."""


class NoticeOver(Refusal):
    """It has its outcome, or is not one that can be held (409)."""

    allowed: tuple[str, ...] = ()


def customers_of(turn: Turn, incident: Incident) -> list[str]:
    """The customers of an incident whom Tocsin can reach."""
    found = contracts.customers_of(incident, turn.config)
    return [name for name in found if turn.config.customers[name].contacts]


def _concerned(turn: Turn, calendar: str) -> Iterator[tuple[Incident, str]]:
    """The active incidents of each customer who goes by this calendar."""
    for incident in sorted(turn.board.incidents.values(), key=lambda i: i.id):
        for customer in customers_of(turn, incident) if incident.active else ():
            if turn.config.customers[customer].calendar == calendar:
                yield incident, customer


# at the end of the workday


def draft_for_customers(turn: Turn, mark: Notice, name: str, rule: NoticeRule, calendar: BusinessCalendar) -> None:
    """What each customer will be told of each incident, for the project manager to edit or hold (R82)."""
    due_at = calendar.windows(calendar.local_day(mark.due_at))[-1][1] - (rule.before_workday_end or timedelta())
    drafted = 0
    for incident, customer in _concerned(turn, mark.about) if due_at > turn.now else ():
        _draft(turn, incident, customer, name, mark.day, due_at)
        drafted += 1
    turn.desk.notices.close(mark, "sent" if drafted else "nothing", turn.now, drafted=drafted)


def _draft(turn: Turn, incident: Incident, customer: str, name: str, day: str, due_at: Any) -> Notice:
    key = f"{name}/{day}/{incident.number}/{customer}"
    draft = Notice(id=0, key=key, name=name, about=customer, day=day, incident_id=incident.id, due_at=due_at)
    draft.facts = {"number": incident.number}
    return turn.desk.notices.add(draft, timed=False)


def tell_customers(turn: Turn, mark: Notice, *, missed: bool) -> None:
    """What is not held is sent, of each incident that is still unresolved (R82); too late it is let be."""
    book, told = turn.desk.notices, 0
    for incident, customer in _concerned(turn, mark.about) if not missed else ():
        draft = book.pending.get((mark.name, customer, incident.id))
        if draft is None or draft.day != mark.day:
            draft = _draft(turn, incident, customer, mark.name, mark.day, mark.due_at)
        told += _say(turn, incident, customer, draft, "eod_customer")
    for draft in [n for n in book.pending.values() if n.name == mark.name and n.incident_id and n.day <= mark.day]:
        if turn.config.customers.get(draft.about) is None or missed or not _is_active(turn, draft):
            book.close(draft, "missed" if missed else "over", turn.now)
    book.close(mark, "missed" if missed else "sent" if told else "nothing", turn.now, count=told)


def _is_active(turn: Turn, notice: Notice) -> bool:
    incident = turn.board.incidents.get(notice.incident_id)
    return incident is not None and incident.active


def _say(turn: Turn, incident: Incident, customer: str, notice: Notice, code: str) -> bool:
    """Send it, unless it is held; return whether it was sent."""
    if notice.held_by:
        turn.tell(incident.id, "customer_not_told", AGENT, {"customer": customer, "by": notice.held_by})
        turn.desk.notices.close(notice, "held", turn.now)
        return False
    _send(turn, incident, customer, notice, code)
    return True


def _send(turn: Turn, incident: Incident, customer: str, notice: Notice, code: str) -> None:
    person = f"customer/{customer}"
    facts = {**line_of(incident), "assignee": None, "service": incident.service, "customer": customer}
    facts |= {"rule": notice.name, "text": notice.text}
    contact = turn.config.addressees[person].contacts[0]
    word = Word(notice.key, person, "customer", contact, code, facts, incident.id, incident.number)
    turn.outbox.notify(word, notice.due_at, turn.now)
    turn.tell(incident.id, "customer_told", AGENT, {"customer": customer, "notice": notice.name})
    turn.desk.notices.close(notice, "sent", turn.now)


# at a mark of the timetable


def warn_customers(turn: Turn, incident: Incident, step: Step) -> list[str]:
    """A step that tells `customer` warns those of the incident, in plain words; return whom."""
    if "customer" not in step.planned.step.tell:
        return []
    told = []
    for customer in customers_of(turn, incident):
        person = f"customer/{customer}"
        facts = {**line_of(incident), "assignee": None, "service": incident.service, "customer": customer}
        contact = turn.config.addressees[person].contacts[0]
        word = Word(step.key, person, "customer", contact, "customer_warned", facts, incident.id, incident.number)
        turn.outbox.notify(word, step.due_at or turn.now, turn.now)
        turn.tell(incident.id, "customer_told", AGENT, {"customer": customer, "notice": step.key})
        told.append(person)
    return told


# at the pace of the severity


def keep_updates(turn: Turn, incident: Incident) -> None:
    """See to it that each customer of an active incident has their next update to come, at the pace of its severity."""
    if not incident.active:
        return
    book, pace = turn.desk.notices, turn.ladder.terms.update_pace(incident)
    for customer in customers_of(turn, incident):
        held = book.pending.get((UPDATE, customer, incident.id))
        if pace is None:
            if held is not None:
                book.close(held, "moved", turn.now)
            continue
        told_at = (parse_moment(held.facts["after"]) if held is not None else None) or turn.now
        due_at = turn.ladder.terms.calendar(incident).add(told_at, pace)
        if held is not None:
            book.move(held, max(due_at, turn.now))
            continue
        count = int(incident.targets.get("updates", 0)) + 1
        incident.targets = {**incident.targets, "updates": count}
        key = f"{UPDATE}/{incident.number}/{customer}/{count}"
        fresh = Notice(id=0, key=key, name=UPDATE, about=customer, incident_id=incident.id, due_at=due_at)
        fresh.facts = {"number": incident.number, "after": moment_text(turn.now)}
        book.add(fresh)
        turn.group.incidents[incident.id] = incident


def update_customers(turn: Turn, notice: Notice) -> None:
    """One update is due: unless it is held or the incident is over it is sent; the next one is planned from now on."""
    incident = turn.board.incidents.get(notice.incident_id)
    if incident is None or not incident.active or notice.about not in customers_of(turn, incident):
        turn.desk.notices.close(notice, "over", turn.now)
        return
    _say(turn, incident, notice.about, notice, UPDATE)
    keep_updates(turn, incident)


# what people do about it


def notice_acted(turn: Turn, intent: NoticeActed) -> Notice:
    """Hold, release or edit what a customer will be told. Raises NoSuchNotice, Forbidden, NoticeOver and Missing."""
    book = turn.desk.notices
    notice = book.found.pop(intent.notice, None)
    if notice is None:
        raise NoSuchNotice(str(intent.notice))
    notice = book.pending.get(notice.slot, notice) if not notice.outcome else notice
    may = holders(notice, turn.config.notices)
    if not intent.actor.rights & set(may):
        who = ", ".join(may) or "nobody"
        raise Forbidden(f"{intent.action} of a notice may be done by {who}; {intent.actor.id} is none of these")
    if notice.outcome or not is_for_customer(notice):
        what = f"is {notice.outcome} already" if notice.outcome else "is no message to a customer: only those are held"
        raise NoticeOver(f"{notice.key} {what}")
    _DO[intent.action](turn, notice, intent)
    return notice


def _edit(turn: Turn, notice: Notice, intent: NoticeActed) -> None:
    if not intent.text.strip():
        raise Missing(["text"], "write what the customer is to be told, or hold it")
    if (notice.text, notice.edited_by) != (intent.text, intent.actor.id):
        notice.text, notice.edited_by = intent.text, intent.actor.id
        turn.desk.notices.dirty[notice.id] = notice
        turn.tell(notice.incident_id, "notice_edited", intent.actor.id, _facts(notice))


def _hold(turn: Turn, notice: Notice, intent: NoticeActed) -> None:
    if not notice.held_by:
        notice.held_by = intent.actor.id
        turn.desk.notices.dirty[notice.id] = notice
        turn.tell(notice.incident_id, "notice_held", intent.actor.id, _facts(notice))


def _release(turn: Turn, notice: Notice, intent: NoticeActed) -> None:
    if notice.held_by:
        notice.held_by = ""
        turn.desk.notices.dirty[notice.id] = notice
        turn.tell(notice.incident_id, "notice_released", intent.actor.id, _facts(notice))


def _facts(notice: Notice) -> dict[str, str]:
    return {"customer": notice.about, "notice": notice.key}


_DO: Mapping[str, Callable[[Turn, Notice, NoticeActed], None]] = {"hold": _hold, "release": _release, "edit": _edit}
