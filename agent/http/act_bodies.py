"""What each act on an incident takes, and what it says."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from agent.http.bodies import Body, Category, Grade, Group, Moment, Name, Number, Person, Text, Worker, whole
from correlation.incident import Action


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
    score: Annotated[int, Field(ge=1, le=5), BeforeValidator(whole)] | None = None
    """From 1 (not satisfied) to 5; 2 and less escalate one level up."""
    remark: Text | None = None
    persists: bool
    """Whether the trouble is still there: what is resolved or in review comes back to work."""


Key = Annotated[Name, Field(examples=["74ef08caa55c35e1@2026-03-02T08:59:00.5Z"])]
"""An alert of the incident: `<fingerprint>@<startsAt>`; the fingerprint alone is its last firing."""


class SetRoot(ActBody):
    alert: Key
    """`<fingerprint>@<startsAt>`, or the fingerprint alone for its last firing: `incident show` names it."""
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
"""The body of each act."""

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
