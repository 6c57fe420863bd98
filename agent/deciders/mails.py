"""A mail becomes a report; a reply becomes a note of the incident that it belongs to (procedure R34)."""

import re
from typing import Any

from agent.deciders.attachments import attach_enclosed
from agent.deciders.letters import bury_letter
from agent.deciders.links import inform_desk
from agent.deciders.records import reported
from agent.deciders.recurrences import open_recurrence, repeats
from agent.intents import AlertsArrived
from agent.storage.store import UPSERT_MAIL
from agent.threads import key_of_page, keys_of, numbers_in
from agent.turn import AGENT, Turn
from collectors.mail import Mail
from correlation.incident import ENDED, RELAPSABLE, Incident, State
from correlation.permission import OUTSIDERS

_CHINESE = re.compile("[\u4e00-\u9fff]")


def mail_arrived(turn: Turn, intent: AlertsArrived, mail: Mail) -> None:
    """The same mail again changes nothing. A machine's answer that belongs to nothing is kept as a dead letter."""
    own, *thread = keys_of(mail)
    if own in turn.desk.mails:
        return
    person = _person(turn, mail.sender)
    found = _known(turn, mail, thread, person)
    if found is not None and found.state in ENDED:
        found = open_recurrence(turn, found) or found
    if found is None or found.state in ENDED:
        if mail.answer:
            reason = f"a machine's answer ({mail.automatic}) to nothing that is open"
            bury_letter(turn, intent.source, reason, intent.body)
            return
        incident = _report(turn, mail, person, found)
        _acknowledge(turn, intent.source, incident, mail)
    else:
        incident = found
        _note(turn, incident, mail, person)
    for file in mail.files:
        attach_enclosed(turn, incident, file, person or mail.sender)
    _remember(turn, own, incident)


def _remember(turn: Turn, key: str, incident: Incident) -> None:
    turn.desk.mails[key] = incident.number
    turn.group.add(UPSERT_MAIL, key, incident.id, turn.now)


def _person(turn: Turn, address: str) -> str | None:
    """Who of people.yaml has this address."""
    for name, person in turn.config.people.items():
        if any(contact.to.casefold() == address for contact in person.contacts):
            return name
    return None


def _known(turn: Turn, mail: Mail, thread: list[str], person: str | None) -> Incident | None:
    """The incident whose thread it goes on with, where that was merged the one that holds it now.

    An id of a mail cannot be guessed; a number can, so that it is believed of people we know and of the reporter.
    """
    numbers = [turn.desk.mails[key] for key in thread if key in turn.desk.mails]
    guessable = [number for number in numbers_in(mail) if number not in numbers]
    for number in (*numbers, *guessable):
        held = turn.board.numbers.get(number)
        incident = turn.board.incidents.get(held) if held is not None else None
        if incident is None or (number in guessable and person is None and incident.reporter != mail.sender):
            continue
        into = turn.board.numbers.get(incident.merged_into or "")
        return incident if into is None else turn.board.incidents[into]
    return None


def _report(turn: Turn, mail: Mail, person: str | None, before: Incident | None) -> Incident:
    """A report of its own; of something that is over it is a recurrence (procedure 2.13)."""
    ours = person is not None and not set(turn.config.people[person].roles) <= OUTSIDERS
    body: dict[str, Any] = {
        "title": mail.title,
        "symptom": mail.text,
        "channel": "email",
        "source": "staff" if ours else "user",
        "reporter": person or mail.sender,
        "reporter_contact": mail.sender,
    }
    incident = reported(turn, body, AGENT)
    if before is not None:
        repeats(turn, incident, before, AGENT)
    return incident


def _note(turn: Turn, incident: Incident, mail: Mail, person: str | None) -> None:
    """A reply is a note. What waits for the customer goes on; what is resolved stays so, and the desk decides."""
    facts = {"text": mail.text or mail.title, "channel": "email"}
    if mail.automatic:
        facts["automatic"] = mail.automatic
    turn.tell(incident.id, "note", person or mail.sender, facts)
    turn.touch(incident)
    incident.version += 1
    if mail.automatic:
        return
    if incident.state is State.PENDING_CUSTOMER:
        incident.resume_at = None
        incident.move(State.IN_PROGRESS, turn.now)
        turn.tell(incident.id, "resumed", AGENT, {"why": "replied"})
        turn.ladder.clocks_moved(incident, turn.group)
    if incident.state in RELAPSABLE or incident.assignee is None:
        inform_desk(turn, incident, {"wrote": person or mail.sender})


def _acknowledge(turn: Turn, source: str, incident: Incident, mail: Mail) -> None:
    """Tell the reporter the number, where the source is set to; a machine is never answered."""
    told_by = turn.config.sources.get(source) or turn.config.inspections.get(source)
    notifier = getattr(told_by, "acknowledge", None)
    if notifier is None or mail.automatic:
        return
    language = "zh" if _CHINESE.search(mail.title + mail.text) else "en"
    reason = {"code": "received", "facts": {"language": language, "answers": mail.message_id}}
    page = turn.outbox.receipt(incident, notifier, mail.sender, reason, turn.now)
    turn.group.add(UPSERT_MAIL, key_of_page(page.key), incident.id, turn.now)
