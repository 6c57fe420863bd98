"""Calls to vendors: what is recorded, and which clock a further call belongs to."""

from datetime import timedelta
from typing import Any

import pytest

from correlation.act import act
from correlation.acts.acted import Acted
from correlation.incident import Action, Incident, State
from correlation.permission import Actor
from correlation.vendor import calls_of
from tests.house import START, at, site

ANA = Actor("ana", frozenset({"l1"}))
LATER = START + timedelta(hours=1)


def incident(state: State = State.IN_PROGRESS) -> Incident:
    return Incident(
        id=1, number="INC-1", title="t", state=state, occurred_at=START, opened_at=START, updated_at=START, tier="l1"
    )


def call(held: Incident, vendor: str, note: str, ticket: str | None = None, **more: Any) -> Acted:
    body = {"vendor": vendor, "note": note, "ticket": ticket, **more}
    return act(held, Action.CALL_VENDOR, body, ANA, site().severity, LATER if calls_of(held.targets) else START)


@pytest.mark.parametrize(
    "state",
    [
        State.ASSIGNED,
        State.IN_PROGRESS,
        State.PENDING_CUSTOMER,
        State.PENDING_VENDOR,
        State.PENDING_CHANGE,
    ],
)
def test_a_call_makes_the_vendor_the_tier_and_leaves_the_state(state: State) -> None:
    held = incident(state)
    acted = call(held, "acme", "the array is dead", "T-1", clock={"calendar": "24x7", "response_due_at": at(LATER)})
    assert (held.state, held.tier) == (state, "vendor")
    assert acted.effects == {"vendor_called"}
    (event,) = acted.events
    facts = {"vendor": "acme", "ticket": "T-1", "at": at(START), "note": "the array is dead"}
    assert (event.kind, event.facts) == ("vendor_called", {**facts, "response_due_at": at(LATER)})


@pytest.mark.parametrize(
    ("second", "clocks"),
    [
        pytest.param(("acme", "asked again", None), [("acme", "T-1")], id="asked again"),
        pytest.param(("acme", "asked again", "T-1"), [("acme", "T-1")], id="asked again about the ticket"),
        pytest.param(("acme", "another part", "T-2"), [("acme", "T-1"), ("acme", "T-2")], id="another ticket"),
        pytest.param(("blox", "their switch", None), [("acme", "T-1"), ("blox", "")], id="another vendor"),
    ],
)
def test_a_further_call_about_a_ticket_leaves_its_clock(second: Any, clocks: list[tuple[str, str]]) -> None:
    held = incident()
    call(held, "acme", "the array is dead", "T-1")
    assert [e.kind for e in call(held, *second).events] == ["vendor_called"]
    assert [(c["vendor"], c["ticket"]) for c in calls_of(held.targets)] == clocks
    assert calls_of(held.targets)[0]["at"] == at(START)


def test_a_ticket_that_is_told_later_belongs_to_the_call_that_had_none() -> None:
    held = incident()
    call(held, "acme", "the array is dead")
    call(held, "acme", "the array is dead", "T-1")
    assert [(c["ticket"], c["at"]) for c in calls_of(held.targets)] == [("T-1", at(START))]


def test_the_same_call_told_twice_changes_nothing() -> None:
    held = incident()
    call(held, "acme", "the array is dead", "T-1")
    before = calls_of(held.targets)
    assert call(held, "acme", "the array is dead", "T-1").unchanged
    assert calls_of(held.targets) == before
