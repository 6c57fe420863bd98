"""Notices: what goes out by the calendar, and when its next day and instant are (procedure 4.7, R79-R83)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from collectors.rule import Rule
from correlation.calendar import DAYS, BusinessCalendar, first_instant, parse_zone
from correlation.incident import State
from escalation.roles import ToldRole
from escalation.sla import PositiveSpan
from escalation.times import daytime

UPDATE, HANDOVER, ROUND = "customer_update", "handover", "round"
"""Notices of no rule: the updates of sla.yaml, the changes of whoever is on call, the rounds that nobody made."""
_ONE_DAY, _A_WEEK = timedelta(days=1), timedelta(days=7)
_MOST_DAYS = 731


class NoticeRule(Rule):
    """A message that goes out by the calendar: so long before the end of a workday, or at a time of day.

    To `customer` it goes by the calendar of each customer and is drafted beforehand, so that those of `holdable_by`
    may edit or hold it; `template` are its words. With `list` it tells of the incidents in that state, with
    `report_to` of all incidents of the week; to `assignee` it asks for the next action where none is written.
    """

    before_workday_end: PositiveSpan | None = None
    at: Annotated[str, AfterValidator(daytime)] | None = None
    to: ToldRole | Literal["assignee"]
    sender: ToldRole | None = Field(default=None, alias="from")
    report_to: ToldRole | None = None
    holdable_by: list[ToldRole] = []
    content: list[Literal["state", "next_action", "eta"]] = []
    list_: State | None = Field(default=None, alias="list")
    template: dict[Literal["en", "zh"], str] = {}

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        if (self.before_workday_end is None) is (self.at is None):
            raise ValueError("write before_workday_end or at, one of them: when the notice goes out")
        return self

    @property
    def kind(self) -> str:
        """What it tells: `customer`, `callback`, `list`, `ask` or `open`."""
        if self.to == "customer":
            return "customer"
        if self.report_to is not None:
            return "callback"
        if self.list_ is not None:
            return "list"
        return "ask" if self.to == "assignee" else "open"

    @property
    def weekly(self) -> bool:
        """Whether it goes out on one day of the week."""
        return self.at is not None and " " in self.at


class Notice(msgspec.Struct, kw_only=True):
    """One notice of one day: pending until it has its one outcome. `key` is never used twice.

    `about` is the calendar by which it goes, the customer it is for, or the schedule. Of an incident `incident_id`
    is set. `text` is what somebody wrote in place of the template.
    """

    id: int
    key: str
    name: str
    about: str
    day: str = ""
    incident_id: int = 0
    due_at: datetime
    outcome: str = ""
    """"" while pending; then sent, nothing, nobody, held, over, missed, moved."""
    at: datetime | None = None
    late_ms: int | None = None
    text: str = ""
    edited_by: str = ""
    held_by: str = ""
    facts: dict[str, Any] = {}

    @property
    def slot(self) -> tuple[str, str, int]:
        """Of each slot at most one is pending."""
        return (self.name, self.about, self.incident_id)


def next_mark(rule: NoticeRule, calendar: BusinessCalendar, after: datetime, not_before: date) -> datetime | None:
    """Return the first instant later than `after` on a workday not before `not_before`; None where none comes."""
    day = max(calendar.local_day(after) - _ONE_DAY, not_before)
    for _ in range(_MOST_DAYS):
        instant = _mark_of(rule, calendar, day)
        if instant is not None and instant > after:
            return instant
        day += _ONE_DAY
    return None


def _mark_of(rule: NoticeRule, calendar: BusinessCalendar, day: date) -> datetime | None:
    """When it goes out on this local day; None: not on this day."""
    if rule.before_workday_end is not None:
        windows = calendar.windows(day)
        return windows[-1][1] - rule.before_workday_end if windows else None
    weekday, _, time = (rule.at or "").rpartition(" ")
    if not calendar.is_workday(day) or (weekday and day != _last_workday(calendar, day, DAYS.index(weekday))):
        return None
    hours, minutes = map(int, time.split(":"))
    return first_instant(datetime(day.year, day.month, day.day, hours, minutes), parse_zone(calendar.time_zone))  # noqa: DTZ001 -- a wall clock


def _last_workday(calendar: BusinessCalendar, day: date, weekday: int) -> date | None:
    """The last workday of its week up to this weekday: what falls on a holiday goes out the workday before."""
    wanted = day - timedelta(days=day.weekday()) + timedelta(days=weekday)
    return next((d for d in _back(wanted, weekday + 1) if calendar.is_workday(d)), None)


def _back(day: date, count: int) -> Iterator[date]:
    return (day - n * _ONE_DAY for n in range(count))


def is_missed(rule: NoticeRule, calendar: BusinessCalendar, day: str, now: datetime) -> bool:
    """Whether a notice of this day has no more use: a daily one the day after, a weekly one after the weekend."""
    patience = timedelta(days=2) if rule.weekly else timedelta()
    return calendar.local_day(now) > date.fromisoformat(day) + patience


def is_draft(notice: Notice) -> bool:
    """Whether it waits for the mark of its day, so that it can be edited or held until then."""
    return bool(notice.incident_id) and notice.name != UPDATE


def is_for_customer(notice: Notice) -> bool:
    """Whether it says something to a customer of one incident: that can be held and edited until it goes out (R82)."""
    return bool(notice.incident_id)


def holders(notice: Notice, rules: Mapping[str, NoticeRule]) -> list[ToldRole]:
    """Who may hold or edit it; an update of sla.yaml those who may the notices to customers, pm where there is none."""
    if notice.name != UPDATE:
        return rules[notice.name].holdable_by if notice.name in rules else []
    to_customers = [rule for rule in rules.values() if rule.kind == "customer"]
    named: list[ToldRole] = ["pm"] if not to_customers else []
    return list(dict.fromkeys([*named, *(role for rule in to_customers for role in rule.holdable_by)]))


def week_before(at: datetime) -> datetime:
    """From when on the incidents of a week count."""
    return at.astimezone(UTC) - _A_WEEK
