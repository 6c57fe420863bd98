"""What a caller got wrong is said so that they can put it right."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from agent.http.act_bodies import Note, Suspend
from agent.http.bodies import PutSilence
from agent.http.explain import Wrong
from agent.http.record_bodies import Report


def wrong(model: type[BaseModel], sent: Any) -> Wrong:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(sent)
    return Wrong(caught.value, model)


@pytest.mark.parametrize(
    ("model", "sent", "told"),
    [
        (Note, {"txt": "x", "text": "y"}, "txt: there is no such field here (did you mean 'text'?)"),
        (
            Note,
            {"text": "y", "zzzzzz": 1},
            "zzzzzz: there is no such field here (known: eta, next_action, on_behalf_of, ",
        ),
        (Note, {}, "text: it is needed"),
        (Note, {"text": ""}, "text: it must not be empty"),
        (Note, {"text": "x", "eta": "soon"}, "eta: write a moment with its zone, as 2026-03-02T09:00:00Z"),
        (Note, {"text": "x", "eta": "2026-02-30T09:00:00Z"}, "eta: '2026-02-30T09:00:00Z' is no moment: write "),
        (Note, [], "body: write a JSON object"),
        (Suspend, {"fro": "customer", "reason": "x"}, "fro: there is no such field here (did you mean 'for'?)"),
        (Report, {"title": "x", "urgency": 9}, "urgency: Input should be less than or equal to 4"),
        (PutSilence, {"matchers": ["a"], "ends_at": "2026-03-02T09:00:00Z", "comment": "c"}, 'write name="value"'),
    ],
)
def test_each_fault_says_what_to_write(model: type[BaseModel], sent: Any, told: str) -> None:
    assert told in str(wrong(model, sent))


def test_what_is_missing_stands_by_itself_and_nothing_sent_is_repeated_at_length() -> None:
    found = wrong(Note, {"z" * 5_000: 1})
    assert found.missing == ["text"]
    assert len(str(found)) < 1_000
