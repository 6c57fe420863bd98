"""What a scenario file says: alerts, reports and acts at instants, and what must then be so."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from agent.configuration import build, yaml
from agent.configuration.faults import Fault, fault_at
from collectors.moment import parse_moment
from collectors.rule import Rule, Span, format_span
from correlation.incident import Action


def _moment(text: str) -> str:
    if parse_moment(text) is None:
        raise ValueError(f"{text!r} is no moment: write 2026-03-02T09:00:00Z")
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class Wanted(Rule):
    """What an incident must be like. `number` counts the incidents of the scenario from 1."""

    number: int = 1
    state: str | None = None
    kind: str | None = None
    severity: int | None = None
    initial_severity: int | None = None
    final_severity: int | None = None
    category: str | None = None
    final_category: str | None = None
    tier: str | None = None
    bounces: int | None = None
    reopened: int | None = None
    major: bool | None = None
    commander: str | None = None
    billable: bool | None = None
    recurrence_of: int | None = None
    """The incident that it repeats, counted from 1, as the next."""
    preempted_by: int | None = None
    service_affecting: bool | None = None
    group: str | None = None
    assignee: str | None = None
    alerts: int | None = None
    firing: int | None = None
    relapse: int | None = None
    root: str | None = None
    known_error: str | None = None
    inspection: str | None = None
    """The record of a round that found it last."""
    response_due: Span | None = None
    """After the start of the scenario."""
    resolve_due: Span | None = None
    acknowledged: Span | None = None
    """After the start of the scenario, as all that follow."""
    resolved: Span | None = None
    paused: bool | None = None
    told: list[str] = []
    """Kinds of lines that its timeline must hold by now."""
    not_told: list[str] = []
    late: list[str] | None = None
    """The steps that were taken late, all of them."""


class WantedProblem(Rule):
    """What a problem must be like; `incidents` counts those of the scenario from 1."""

    origin: str | None = None
    state: str | None = None
    incidents: list[int] | None = None


class Expect(Rule):
    """What must be so at this instant. `page` and `pages` are those since the last `expect` that named pages."""

    page: str | None = None
    pages: list[str] | None = None
    steps: list[str] | None = None
    incidents: int | None = None
    incident: Wanted | None = None
    problems: list[WantedProblem] | None = None
    """All there are, oldest first."""


class Line(Rule):
    """One instant of a scenario. `at` is counted from its start."""

    at: Span
    alert: dict[str, str] | None = None
    alerts: list[dict[str, str]] | None = None
    resolve: dict[str, str] | None = None
    source: str = "am"
    report: dict[str, Any] | None = None
    """What a person reports: the body as in the API."""
    made: str | None = None
    """A round that somebody has made: a value for each of its items in `body`."""
    notice: Literal["hold", "release", "edit"] | None = None
    """What somebody does with what a customer will be told of the incident; `text` of the body is what they write."""
    act: Action | None = None
    by: str | None = None
    incident: int = 1
    body: dict[str, Any] = {}
    refused: str | int | None = None
    """The act must be refused: with a text that holds this, or as this status of the API (403, 409, 422)."""
    break_: str | None = Field(default=None, alias="break")
    """A notifier that refuses every page from here on."""
    mend: str | None = None
    down: bool = False
    """The daemon dies; what comes due is late until a `restart`."""
    restart: bool = False
    expect: Expect | None = None

    @model_validator(mode="after")
    def _acts_by_somebody(self) -> "Line":
        if self.act is not None and self.by is None:
            raise ValueError("an act needs `by:`, the person who acts")
        if self.notice is not None and self.by is None:
            raise ValueError("a notice needs `by:`, the person who holds, releases or edits it")
        if self.made is not None and self.by is None:
            raise ValueError("a round needs `by:`, the person who made it")
        if self.report is not None and self.by is None:
            raise ValueError("a report needs `by:`, the person who writes it down")
        return self


class Scenario(Rule):
    """A scenario file. `config` is a directory beside it; without one, that of --config.dir."""

    name: str
    start: Moment
    config: str | None = None
    steps: list[Line] = Field(min_length=1)


class BadScenario(Exception):
    """A scenario file that cannot be read: its faults."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(map(str, faults)))


def read(path: str) -> tuple[Scenario, list[Fault]]:
    """Return a scenario and, per step, the place where it stands. Raises BadScenario."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadScenario([Fault(path, 1, 1, "", "it is no UTF-8 text: write a scenario as YAML")]) from error
    document = yaml.read(path, text)
    if document.faults:
        raise BadScenario(document.faults)
    scenario, faults = build.build(Scenario, document.value, document.marks)
    if scenario is None:
        raise BadScenario([f._replace(file=path) for f in faults])
    places = [fault_at(document.marks, ("steps", i), "") for i in range(len(scenario.steps))]
    places = [p._replace(file=path) for p in places]
    late = _out_of_order(scenario, places)
    if late:
        raise BadScenario(late)
    return scenario, places


def _out_of_order(scenario: Scenario, places: list[Fault]) -> list[Fault]:
    """Steps whose instant lies before that of the step above them."""
    pairs = zip(scenario.steps, scenario.steps[1:], places[1:], strict=False)
    return [
        place._replace(message=f"{format_span(line.at)} comes after {format_span(above.at)}: time does not go back")
        for above, line, place in pairs
        if line.at < above.at
    ]
