"""What people write of an incident's record: a report, what they edit, and many archived at once."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from agent.http.act_bodies import Accept
from agent.http.bodies import Body, Category, Grade, Group, Item, Moment, Name, Number, Text, clean
from collectors.moment import parse_moment

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
