"""What people send: strict models, nothing unknown; moments are checked, NUL is replaced as at the intake."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from collectors.moment import parse_moment
from correlation.incident import Action

MOMENT = (
    r"^(19[89][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
DAY = r"^(19[89][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
NUMBER = r"^INC-[0-9A-Za-z-]{1,40}$"
ATTACHMENT = r"^[0-9]{1,18}$"
_NAME = "[a-zA-Z_][a-zA-Z0-9_]{0,99}"
_CLASS = r"\[\^?(?:a-z|A-Z|0-9|[A-Za-z0-9_])+\]"
_LITERAL = r'[^\\()\[\]{}*+?.|^$"\x00-\x1f]|\\[.*+?()|\[\]{}^$dws-]'
_ATOM = rf"(?:{_LITERAL}|{_CLASS}|\.)[*+?]?"
_PATTERN = rf"(?:{_ATOM}|\||\((?:{_ATOM}|\|)*\)[*+?]?)*"
MATCHER = rf'^{_NAME}(?:!?=(?:"(?:[^"\\]|\\["\\])*"|[^"~\\][^"\\]*)|[=!]~(?:"{_PATTERN}"|{_PATTERN}))$'
"""A matcher as text: `name="value"`, `name!=value`, `name=~"regex"`, `name!~"regex"`; of regexes the part that RE2
always takes: literals, classes, `. * + ? |` and groups one level deep."""


def _moment(text: str) -> str:
    if parse_moment(text) is None:
        raise ValueError(f"{text!r} is no moment: write 2026-03-02T09:00:00Z")
    return text


def clean(text: str) -> str:
    return text.replace("\x00", "�")


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Moment = Annotated[
    str,
    StringConstraints(pattern=MOMENT),
    AfterValidator(_moment),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-02T09:00:00Z"]),
]
SAYS = r"\S"
"""Not blank alone."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=SAYS), AfterValidator(clean)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=SAYS), AfterValidator(clean)]
Grade = Annotated[int, Field(ge=1, le=4), BeforeValidator(_whole)]
Number = Annotated[str, StringConstraints(pattern=NUMBER)]


Category = Annotated[Name, Field(json_schema_extra={"x-names": "categories"})]
Worker = Annotated[Name, Field(json_schema_extra={"x-names": "workers"})]
Person = Annotated[Name, Field(json_schema_extra={"x-names": "people"})]
Item = Annotated[Name, Field(json_schema_extra={"x-names": "items"})]
Group = Annotated[Name, Field(json_schema_extra={"x-names": "groups"})]


class Body(BaseModel):
    """A body of the API."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)

    def facts(self) -> dict[str, Any]:
        """What was sent, by the names of the API, without what was left out or null."""
        return self.model_dump(by_alias=True, exclude_none=True)


class ActBody(Body):
    """What every act takes."""

    on_behalf_of: Name | None = None
    """For whom the desk acts."""


class Acknowledge(ActBody):
    classification_ok: bool | None = None


class Assign(ActBody):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["person"], "properties": {"person": {"type": "string"}}},
                {"required": ["group"], "properties": {"group": {"type": "string"}}},
            ]
        }
    )

    person: Worker | None = None
    group: Group | None = None


class Return(ActBody):
    reason: Text
    suggested_group: Group | None = None


class Handover(ActBody):
    to: Annotated[Name, Field(json_schema_extra={"x-names": "handover"})]
    """`l2`, or a group."""
    reason: Text


class Note(ActBody):
    text: Text
    next_action: Text | None = None
    eta: Moment | None = None


class Suspend(ActBody):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"for": {"enum": ["vendor", "change"]}}},
                {"required": ["resume_at"], "properties": {"resume_at": {"type": "string"}}},
            ]
        }
    )

    for_: Annotated[Literal["customer", "vendor", "change"], Field(alias="for")]
    reason: Text
    resume_at: Moment | None = None
    """Required for `customer`."""


class Resume(ActBody):
    pass


class Snooze(ActBody):
    until: Moment
    reason: Text


class Resolve(ActBody):
    type: Name
    """permanent, workaround, no_fault, user_withdrawn."""
    resolution: Text
    note: Text
    root_cause_known: bool | None = None
    service_restored_at: Moment | None = None
    """Required while an alert still fires: the person's word that the service is back."""


class Accept(ActBody):
    by: Name
    via: Name
    at: Moment | None = None


class Archive(ActBody):
    final_category: Category
    final_severity: Grade


class Reason(ActBody):
    reason: Text


class SetSeverity(ActBody):
    severity: Grade
    reason: Text


class Classify(ActBody):
    category: Category
    urgency: Grade | None = None
    impact: Grade | None = None


class Merge(ActBody):
    into: Number


class Feedback(ActBody):
    known_error: Name
    outcome: Literal["used", "helped_partly", "did_not_work", "not_applicable"]


class ToSales(ActBody):
    pass


class SalesDecide(ActBody):
    accept: bool
    reason: Text


class Replan(ActBody):
    pass


class Link(ActBody):
    kind: Literal["problem", "change", "configuration_item", "known_error", "incident"]
    target: Name
    """Its number, or its name."""


class RaiseChange(ActBody):
    title: Name
    risk: Text
    plan: Text
    back_out: Text


class ConfirmRule(ActBody):
    pass


Role = Literal["communications", "action", "guidance", "safety", "deputy"]


class DeclareMajor(ActBody):
    reason: Text
    commander: Person | None = None
    roles: dict[Role, Person] | None = None
    """Who does what beside the commander."""


class Brief(ActBody):
    """What people know for the special brief; what nobody writes comes from the record, or is to be verified."""

    time: Text | None = None
    place: Text | None = None
    unit: Text | None = None
    persons: Text | None = None
    summary: Text | None = None
    casualties: Text | None = None
    estimated_direct_loss: Text | None = None
    preliminary_cause: Text | None = None
    taken: Text | None = None
    next: Text | None = None
    control_state: Text | None = None
    trend_forecast: Text | None = None
    reporting_unit: Text | None = None
    signer: Text | None = None
    contact: Text | None = None
    phone: Text | None = None


class Review(ActBody):
    """What was learned of a major incident: kept before it can be archived."""

    cause: Text
    actions: Annotated[list[Text], Field(min_length=1, max_length=100)]
    attended: Annotated[list[Name], Field(max_length=100)] | None = None
    lessons: Text | None = None


class CallVendor(ActBody):
    vendor: Name
    """Its name; what services.yaml says that it promised gives its clock."""
    ticket: Name | None = None
    note: Text


class Recall(ActBody):
    for_: Annotated[Name, Field(alias="for")]
    """The number of the more urgent incident."""
    reason: Text


class Callback(ActBody):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"reached": {"enum": [True]}}},
                {"properties": {"score": {"type": "null"}, "persists": {"enum": [False]}}},
            ]
        }
    )

    reached: bool
    score: Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)] | None = None
    """From 1 (not satisfied) to 5; 2 and less escalate one level up."""
    remark: Text | None = None
    persists: bool
    """Whether the trouble is still there: what is resolved or in review comes back to work."""


Key = Annotated[Name, Field(examples=["74ef08caa55c35e1@2026-03-02T08:59:00.5Z"])]
"""An alert of the incident: `<fingerprint>@<startsAt>`; the fingerprint alone is its last firing."""


class SetRoot(ActBody):
    alert: Key
    """`<fingerprint>@<startsAt>`, or the fingerprint alone for its last firing."""
    reason: Text | None = None


class Split(ActBody):
    alerts: Annotated[list[Key], Field(min_length=1, max_length=1000)]
    """As for `set-root`; at least one alert stays."""


class Confirm(ActBody):
    pass


ACTS: dict[Action, type[ActBody]] = {
    Action.ACKNOWLEDGE: Acknowledge,
    Action.ASSIGN: Assign,
    Action.RETURN: Return,
    Action.HANDOVER: Handover,
    Action.NOTE: Note,
    Action.SUSPEND: Suspend,
    Action.RESUME: Resume,
    Action.SNOOZE: Snooze,
    Action.RESOLVE: Resolve,
    Action.ACCEPT: Accept,
    Action.ARCHIVE: Archive,
    Action.REJECT: Reason,
    Action.CANCEL: Reason,
    Action.ESCALATE: Reason,
    Action.SET_SEVERITY: SetSeverity,
    Action.CLASSIFY: Classify,
    Action.MERGE: Merge,
    Action.FEEDBACK: Feedback,
    Action.OUT_OF_SCOPE: Reason,
    Action.TO_SALES: ToSales,
    Action.SALES_DECIDE: SalesDecide,
    Action.REPLAN: Replan,
    Action.LINK: Link,
    Action.RAISE_CHANGE: RaiseChange,
    Action.CONFIRM_RULE: ConfirmRule,
    Action.DECLARE_MAJOR: DeclareMajor,
    Action.BRIEF: Brief,
    Action.REVIEW: Review,
    Action.CALL_VENDOR: CallVendor,
    Action.CALLBACK: Callback,
    Action.SET_ROOT: SetRoot,
    Action.CONFIRM: Confirm,
    Action.SPLIT: Split,
    Action.RECALL: Recall,
}
"""The body of each act (OUTSIDE §4)."""

SUMMARIES: dict[Action, str] = {
    Action.ACKNOWLEDGE: "Acknowledge: I have it",
    Action.ASSIGN: "Give it to a person or a group",
    Action.RETURN: "Send it back to the desk: it is not ours",
    Action.HANDOVER: "Hand it to the second line or to another group",
    Action.NOTE: "Write into the timeline",
    Action.SUSPEND: "Wait for the customer, a vendor or a change",
    Action.RESUME: "Go on with what was waiting",
    Action.SNOOZE: "Hold its pages back until a moment",
    Action.RESOLVE: "Say that it is resolved, and how",
    Action.ACCEPT: "The user confirms that it is resolved",
    Action.ARCHIVE: "Review it and close it for good",
    Action.REJECT: "Refuse a resolution, or an incomplete record",
    Action.CANCEL: "Cancel it: there was no incident",
    Action.ESCALATE: "Tell one level up, now",
    Action.SET_SEVERITY: "Raise (or, pm, lower) the severity",
    Action.CLASSIFY: "Set category, urgency and impact",
    Action.MERGE: "Merge it into another one",
    Action.FEEDBACK: "Say whether a known error helped",
    Action.OUT_OF_SCOPE: "Say that no contract covers it",
    Action.TO_SALES: "Let sales decide",
    Action.SALES_DECIDE: "Record what sales decided",
    Action.REPLAN: "Apply the timetable now in force",
    Action.LINK: "Link it with a problem, a change, an item, a known error or another incident",
    Action.RAISE_CHANGE: "Raise a request for change",
    Action.CONFIRM_RULE: "Confirm that I know the customer's rules for its restricted items",
    Action.DECLARE_MAJOR: "Declare a major incident, and who commands",
    Action.BRIEF: "Write what is known into the special brief",
    Action.REVIEW: "Record what was learned of a major incident",
    Action.RECALL: "Call whoever works on it away to something more urgent",
    Action.CALL_VENDOR: "Record that a vendor was called; its own clock begins",
    Action.CALLBACK: "Record what the customer says of it afterwards",
    Action.SET_ROOT: "Name the alert that is its root",
    Action.CONFIRM: "Confirm that its grouping is right",
    Action.SPLIT: "Split alerts off: they are another trouble",
}
"""What each act says."""

Kind = Literal["incident", "service_request", "hazard", "complaint", "change_request"]


class RecordForm(Body):
    """What else the record form has (procedure 4.15)."""

    reporter_contact: Name | None = None
    """How the reporter is reached: a number, an address."""
    affected_user: Name | None = None
    """Who is affected, where that is not the reporter."""
    affected_contact: Name | None = None
    customer: Name | None = None
    owner: Name | None = None
    """Who at the desk looks after it."""
    site: Name | None = None
    error_codes: Annotated[list[Name], Field(max_length=50)] | None = None
    request: Text | None = None
    """What a service request asks for."""
    impact_actual: Text | None = None
    """The harm that is done already."""
    impact_potential: Text | None = None
    service_affecting: bool | None = None
    outage_start: Moment | None = None
    outage_end: Moment | None = None
    cause_code: Name | None = None
    lessons: Text | None = None
    resolution_channel: Name | None = None
    """By which channel it was resolved: phone, on site, remote."""


class Report(RecordForm):
    """A person reports an incident (procedure R34)."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"kind": {"not": {"const": "service_request"}}}},
                {"required": ["request"], "properties": {"request": {"type": "string"}}},
                {"required": ["symptom"], "properties": {"symptom": {"type": "string"}}},
            ]
        }
    )

    title: Name
    symptom: Text | None = None
    kind: Kind | None = None
    source: Literal["user", "staff", "relayed", "partner"] | None = None
    channel: Name | None = None
    category: Category | None = None
    urgency: Grade | None = None
    impact: Grade | None = None
    group: Group | None = None
    service: Name | None = None
    reporter: Name | None = None
    occurred_at: Moment | None = None
    reported_at: Moment | None = None
    """When it was reported, where it is recorded later: from then on its clocks run."""
    affected_items: Annotated[list[Item], Field(max_length=100)] | None = None
    """Configuration items that it is about."""


class Edit(RecordForm):
    """The fields of the record that a person completes; acts change the others."""

    title: Name = ""
    symptom: Annotated[str, StringConstraints(max_length=4000), AfterValidator(clean)] = ""
    kind: Kind = "incident"
    channel: Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)] = ""
    service: Annotated[str, StringConstraints(max_length=200), AfterValidator(clean)] = ""
    reporter: Name | None = None
    occurred_at: Moment = ""
    next_action: Annotated[str, StringConstraints(max_length=4000), AfterValidator(clean)] = ""
    next_action_eta: Moment | None = None

    def changes(self) -> dict[str, Any]:
        """What was written, and only that; moments are moments."""
        written = self.model_dump(include=self.model_fields_set)
        for name in ("occurred_at", "next_action_eta"):
            if written.get(name) is not None:
                written[name] = parse_moment(written[name])
        return written


class ArchiveMany(Body):
    """Several incidents are archived at once; each keeps its category and severity where none is given.

    Those that are only resolved are accepted first: what nobody reported by whoever archives it (procedure R72), what
    somebody reported as `accept` says.
    """

    numbers: Annotated[list[Number], Field(min_length=1, max_length=500)]
    final_category: Category | None = None
    final_severity: Grade | None = None
    accept: Accept | None = None


class PutSilence(Body):
    """Alerts that match are suppressed while it lasts."""

    matchers: Annotated[
        list[Annotated[str, StringConstraints(max_length=1000, pattern=MATCHER)]],
        Field(min_length=1, max_length=50, examples=[['alertname="DiskFull"', 'instance=~"db-.+"']]),
    ]
    starts_at: Moment | None = None
    ends_at: Moment
    comment: Text
