"""What the agent decides about each intent, in order, with the rooms' deciders; it only moves memory.

`DECIDERS` says which function decides which intent; each calls those of the others that follow. Where to look for what:

Alerts, and what an incident that they open or change needs
    alerts, letters, correlated, known_errors, automation, classifying, majors, proposals, recalls, storms, recoveries

What people report and complete; what they do to an incident, with what comes before it and after
    records, rounds, mails, attachments, names, acts, around_acts, effects

Single acts
    merging, splits, roots, links, recurrences

Time: what is due, the timetable and what its steps do, pages
    ticks, watching, untold, forecast, deeds, escalations, pages

Notices by the calendar, and lists for a person
    notices, customers, lists

What outlives incidents
    problems, changes, improvements, items, library, solved, lessons

What concerns no one incident
    silences, rota, reload, retention, erasing, noting
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from agent.deciders.acts import person_acted
from agent.deciders.alerts import alerts_arrived, alerts_found, pulled
from agent.deciders.attachments import file_attached
from agent.deciders.automation import run_decided, run_ended, runs_claimed
from agent.deciders.changes import change_acted, change_raised
from agent.deciders.customers import notice_acted
from agent.deciders.erasing import rows_erased
from agent.deciders.improvements import improvement_acted, improvement_suggested
from agent.deciders.items import item_edited
from agent.deciders.known_errors import suggested
from agent.deciders.letters import letter_died
from agent.deciders.library import known_error_written
from agent.deciders.notices import notices_due
from agent.deciders.noting import noted, remembered
from agent.deciders.pages import page_tried, pages_claimed
from agent.deciders.problems import problem_acted, problem_opened
from agent.deciders.records import person_reported, record_edited
from agent.deciders.reload import clock_adopted, config_changed
from agent.deciders.retention import old_rows
from agent.deciders.rota import rota_changed, rota_ended
from agent.deciders.rounds import round_made
from agent.deciders.silences import silence_put
from agent.deciders.ticks import time_passed
from agent.desk import Desk
from agent.group import Group
from agent.intents import (
    AlertsArrived,
    AlertsFound,
    Asked,
    ChangeActed,
    ChangeRaised,
    ClockAdopted,
    ConfigChanged,
    FileAttached,
    ImprovementActed,
    ImprovementSuggested,
    Intent,
    ItemEdited,
    KnownErrorWritten,
    LetterDied,
    Noted,
    NoticeActed,
    NoticesDue,
    OldRowsDue,
    PagesClaimed,
    PageTried,
    PersonActed,
    PersonReported,
    ProblemActed,
    ProblemOpened,
    Pulled,
    RecordEdited,
    Remembered,
    RotaChanged,
    RotaEnded,
    RoundMade,
    RowsErased,
    RunDecided,
    RunEnded,
    RunsClaimed,
    SilencePut,
    Suggested,
    TimePassed,
)
from agent.storage.store import UPSERT_ANSWER, done_values
from agent.turn import Turn
from escalation.store import UPSERT_NOTICE, notice_values

DECIDERS: dict[type[Intent], Callable[[Turn, Any], Any]] = {
    AlertsArrived: alerts_arrived,
    AlertsFound: alerts_found,
    Pulled: pulled,
    PersonActed: person_acted,
    PersonReported: person_reported,
    RecordEdited: record_edited,
    FileAttached: file_attached,
    ProblemOpened: problem_opened,
    ProblemActed: problem_acted,
    ImprovementSuggested: improvement_suggested,
    ImprovementActed: improvement_acted,
    ChangeRaised: change_raised,
    ChangeActed: change_acted,
    ItemEdited: item_edited,
    KnownErrorWritten: known_error_written,
    RunDecided: run_decided,
    RunsClaimed: runs_claimed,
    RunEnded: run_ended,
    SilencePut: silence_put,
    RotaChanged: rota_changed,
    RotaEnded: rota_ended,
    TimePassed: time_passed,
    NoticesDue: notices_due,
    NoticeActed: notice_acted,
    RoundMade: round_made,
    OldRowsDue: old_rows,
    RowsErased: rows_erased,
    PagesClaimed: pages_claimed,
    PageTried: page_tried,
    Suggested: suggested,
    LetterDied: letter_died,
    ClockAdopted: clock_adopted,
    ConfigChanged: config_changed,
    Noted: noted,
    Remembered: remembered,
}


def decide(desk: Desk, intent: Intent, now: datetime, group: Group) -> Any:
    """Decide one intent at `now`: change the desk, and put the rows of that change into `group`.

    Returns what the caller of the intent waits for. Raises Refusal where a person's act is refused; the desk is then as
    it was. Any other exception is a fault of ours, and leaves the desk void: it has to be read anew.
    """
    desk.seq += 1
    result = DECIDERS[type(intent)](Turn(desk, now, group), intent)
    if isinstance(intent, Asked) and intent.mark is not None:
        about = intent.mark.about or getattr(result, "number", "")
        group.add(UPSERT_ANSWER, *done_values(intent.mark.key, intent.mark.person, intent.mark.digest, about, now))
    group.pages.update(desk.outbox.dirty)
    desk.outbox.dirty.clear()
    for notice in desk.notices.dirty.values():
        group.add(UPSERT_NOTICE, *notice_values(notice))
    desk.notices.dirty.clear()
    return result
