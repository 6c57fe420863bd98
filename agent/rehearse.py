"""Scenario files: alerts and acts at instants, and what must then be so; acceptance tests that a user writes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from agent import build, yaml
from agent.config import Config, load
from agent.faults import Fault, fault_at
from agent.house import House
from agent.pipeline import REFUSALS
from collectors.labels import fingerprint
from collectors.moment import moment_text, parse_moment
from collectors.rule import Rule, Span, format_span
from correlation.incident import Action, Incident


def _moment(text: str) -> str:
    if parse_moment(text) is None:
        raise ValueError(f"{text!r} is no moment: write 2026-03-02T09:00:00Z")
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class Wanted(Rule):
    """What an incident must be like. `number` counts the incidents of the scenario from 1."""

    number: int = 1
    state: str | None = None
    severity: int | None = None
    category: str | None = None
    group: str | None = None
    assignee: str | None = None
    alerts: int | None = None
    firing: int | None = None
    relapse: int | None = None
    root: str | None = None
    known_error: str | None = None
    response_due: Span | None = None
    """After the start of the scenario."""
    resolve_due: Span | None = None
    paused: bool | None = None


class Expect(Rule):
    """What must be so at this instant. `page` and `pages` are those since the last `expect` that named pages."""

    page: str | None = None
    pages: list[str] | None = None
    steps: list[str] | None = None
    incidents: int | None = None
    incident: Wanted | None = None


class Line(Rule):
    """One instant of a scenario. `at` is counted from its start."""

    at: Span
    alert: dict[str, str] | None = None
    alerts: list[dict[str, str]] | None = None
    resolve: dict[str, str] | None = None
    source: str = "am"
    act: Action | None = None
    by: str | None = None
    incident: int = 1
    body: dict[str, Any] = {}
    refused: str | None = None
    """The act must be refused, with a text that holds this."""
    break_: str | None = Field(default=None, alias="break")
    """A notifier that refuses every page from here on."""
    mend: str | None = None
    restart: bool = False
    expect: Expect | None = None

    @model_validator(mode="after")
    def _acts_by_somebody(self) -> "Line":
        if self.act is not None and self.by is None:
            raise ValueError("an act needs `by:`, the person who acts")
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
    document = yaml.read(path, Path(path).read_text(encoding="utf-8"))
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


async def rehearse(path: str, config_dir: str) -> list[str]:
    """Run one scenario file; return what was not as expected, each with its file and line.

    Raises BadScenario, and agent.config.ConfigFaults for its configuration.
    """
    scenario, places = read(path)
    folder = Path(path).parent / scenario.config if scenario.config else Path(config_dir)
    return await perform(scenario, places, load(folder))


async def perform(scenario: Scenario, places: list[Fault], config: Config) -> list[str]:
    """Run a scenario on a configuration."""
    start = parse_moment(scenario.start)
    assert start is not None
    stage = Stage(await House(config, start).open(), start)
    faults = []
    for line, place in zip(scenario.steps, places, strict=True):
        await stage.house.advance_to(start + line.at)
        for wrong in await stage.play(line):
            faults.append(f"{place.file}:{place.line}: at {format_span(line.at)}: {wrong}")
    await stage.house.close()
    return faults


class Stage:
    """A scenario in play."""

    def __init__(self, house: House, start: datetime) -> None:
        self.house = house
        self._start = start
        self._seen_pages = 0
        self._started: dict[str, datetime] = {}

    async def play(self, line: Line) -> list[str]:
        """Do what a line says; return what was not as expected."""
        for labels in [*([line.alert] if line.alert else []), *(line.alerts or [])]:
            await self._send(line.source, labels, firing=True)
        if line.resolve is not None:
            await self._send(line.source, line.resolve, firing=False)
        if line.break_ is not None:
            self.house.broken.add(line.break_)
        if line.mend is not None:
            self.house.broken.discard(line.mend)
        if line.restart:
            await self.house.restart()
        wrong = await self._act(line) if line.act is not None else []
        return wrong + (await self._compare(line.expect) if line.expect is not None else [])

    async def _send(self, source: str, labels: Mapping[str, str], *, firing: bool) -> None:
        mark = fingerprint(labels)
        if firing and mark not in self._started:
            self._started[mark] = self.house.now
        started = self._started.get(mark, self.house.now)
        if not firing:
            self._started.pop(mark, None)
        alert = {
            "status": "firing" if firing else "resolved",
            "labels": dict(labels),
            "annotations": {},
            "startsAt": moment_text(started),
            "endsAt": "0001-01-01T00:00:00Z" if firing else moment_text(self.house.now),
            "fingerprint": mark,
        }
        body = {"version": "4", "status": alert["status"], "receiver": "rehearsal", "alerts": [alert]}
        await self.house.receive(json.dumps(body, ensure_ascii=False).encode(), source)

    async def _number(self, count: int) -> str | None:
        rows = await self.house.writer.fetch("SELECT number FROM incident ORDER BY id")
        return rows[count - 1][0] if 0 < count <= len(rows) else None

    async def _act(self, line: Line) -> list[str]:
        number = await self._number(line.incident)
        if number is None or line.act is None:
            return [f"there is no incident {line.incident} to {line.act}"]
        try:
            await self.house.act(number, line.act, line.body, line.by or "")
        except REFUSALS as refusal:
            if line.refused is None:
                return [f"{line.act} by {line.by} was refused: {refusal}"]
            return [] if line.refused in str(refusal) else [f"refused, but with another reason: {refusal}"]
        return [f"{line.act} by {line.by} was not refused"] if line.refused is not None else []

    async def _compare(self, expect: Expect) -> list[str]:
        wrong = []
        if expect.page is not None or expect.pages is not None or expect.steps is not None:
            fresh = self.house.sent[self._seen_pages :]
            self._seen_pages = len(self.house.sent)
            wanted = expect.pages if expect.pages is not None else [expect.page] if expect.page is not None else None
            people = [s.person for s in fresh]
            if wanted is not None and sorted(people) != sorted(wanted):
                wrong.append(f"pages went to {people or 'nobody'}, not to {wanted or 'nobody'}")
            steps = sorted({s.step for s in fresh})
            if expect.steps is not None and steps != sorted(expect.steps):
                wrong.append(f"steps paged were {steps}, not {sorted(expect.steps)}")
        if expect.incidents is not None:
            rows = await self.house.writer.fetch("SELECT count(*) FROM incident")
            if rows[0][0] != expect.incidents:
                wrong.append(f"there are {rows[0][0]} incident(s), not {expect.incidents}")
        if expect.incident is not None:
            wrong += await self._compare_incident(expect.incident)
        return wrong

    async def _compare_incident(self, wanted: Wanted) -> list[str]:
        number = await self._number(wanted.number)
        if number is None:
            return [f"there is no incident {wanted.number}"]
        if number not in self.house.desk.board.numbers:
            await self.house.desk.fetch_incident(self.house.writer, number)
        incident = self.house.incident(number)
        is_now = self._as_seen(incident)
        asked = wanted.model_dump(exclude_unset=True, exclude={"number"})
        return [
            f"{number}: {name} is {_shown(is_now[name])}, not {_shown(value)}"
            for name, value in asked.items()
            if is_now[name] != value
        ]

    def _as_seen(self, incident: Incident) -> dict[str, Any]:
        def since(moment: datetime | None) -> timedelta | None:
            return None if moment is None else moment - self._start

        labels = {e.fingerprint: self.house.desk.board.labels(e) for e in self.house.desk.board.episodes.values()}
        root = labels.get((incident.root or {}).get("fingerprint", ""), {})
        return {
            "state": str(incident.state),
            "severity": incident.severity,
            "category": incident.category,
            "group": incident.group,
            "assignee": incident.assignee,
            "alerts": incident.alert_count,
            "firing": incident.open_alerts,
            "relapse": incident.relapse,
            "root": root.get("alertname"),
            "known_error": incident.known_errors[0]["id"] if incident.known_errors else None,
            "response_due": since(incident.response_due_at),
            "resolve_due": since(incident.resolve_due_at),
            "paused": incident.resolve_due_at is None,
        }


def _shown(value: Any) -> str:
    return format_span(value) if isinstance(value, timedelta) else repr(value)
