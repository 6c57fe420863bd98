"""What is counted of join keys is what the alerts of the incidents have, however they came, moved and fired again."""

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from collectors.alert import Status
from correlation.correlate import correlate
from correlation.incident import Why
from correlation.merging import merge
from correlation.outcome import Round
from correlation.slots import as_firing, keys_of, take_keys_again
from correlation.splitting import split_off
from tests.correlation.test_correlate import told
from tests.correlation.test_evidence import (
    DATABASE,
    FRONT,
    FRONT_DOWN,
    LOAD_1,
    LOAD_2,
    SHOP,
    SWITCH,
    WEB_1,
    WEB_2,
    S,
    Stream,
)
from tests.house import START

_ALERTS = (DATABASE, FRONT, FRONT_DOWN, LOAD_1, LOAD_2, SHOP, SWITCH, WEB_1, WEB_2)


def counted(stream: Stream) -> Mapping[int, Mapping[str, int]]:
    """The join keys that the alerts of each active incident have, each with how many of them have it."""
    found: dict[int, Counter[str]] = {}
    for incident in stream.board.incidents.values():
        for mark in stream.board.scene.of.get(incident.id, {}).values() if incident.active else ():
            firing = as_firing(stream.board, mark)
            assert firing is not None
            found.setdefault(incident.id, Counter()).update(key for key in keys_of(stream.rules, firing) if key)
    return found


def held(stream: Stream) -> Mapping[int, Mapping[str, int]]:
    """The same as the board counts it; what only an earlier firing had is counted as none."""
    kept = {n: {key: count for key, count in keys.items() if count} for n, keys in stream.board.slots_of.items()}
    return {number: keys for number, keys in kept.items() if keys}


def step(stream: Stream, chance: random.Random, second: float) -> None:
    """Something happens: mostly an alert is told; or one ends, a person splits or merges, an incident goes on."""
    this = Round(stream.board, stream.rules, START + second * S)
    active = [i for i in stream.board.incidents.values() if i.active]
    what = chance.random()
    if what < 0.85 or len(active) < 2:
        labels = chance.choice(_ALERTS)
        if what > 0.3:
            stream.tell(second, labels, group=chance.choice(("", "one", "other")))
        else:
            at = START + second * S
            over = told(labels, starts_at=at, starts_text="", status=Status.RESOLVED, ends_at=at, ends_text="")
            correlate([over], stream.board, stream.rules, at, "monitoring")
        return
    incident, other = chance.sample(active, 2)
    if what < 0.9:
        merge(this, incident, other, Why("merged"), told=True)
        stream.board.release_slots(incident.id)
    elif what < 0.95:
        marks = list(stream.board.scene.of[incident.id].values())
        if len(marks) > 1:
            split_off(this, incident, marks[: chance.randrange(1, len(marks))], {})
    else:
        take_keys_again(this, incident)


@pytest.mark.parametrize("seed", range(12))
def test_an_incident_has_the_keys_of_the_alerts_that_it_has(seed: int) -> None:
    chance, stream, second = random.Random(seed), Stream(), 0.0
    for _ in range(150):
        second += chance.choice((1, 20, 100))
        step(stream, chance, second)
        assert held(stream) == counted(stream)


def test_the_window_of_a_key_counts_from_the_last_alert_that_stayed() -> None:
    stream = Stream()
    for second, labels in enumerate((SHOP, FRONT, SHOP | {"severity": "warning"})):
        stream.tell(second * 60.0, labels, group="one")
    (incident,) = stream.board.incidents.values()
    *_, last = stream.board.scene.of[incident.id].values()
    (key,) = (k for k in keys_of(stream.rules, as_firing(stream.board, last) or pytest.fail()) if k and "group" in k)
    assert stream.board.last_of(key, incident.id) == START + 120 * S
    split_off(Round(stream.board, stream.rules, START + 180 * S), incident, [last], {})
    assert stream.board.last_of(key, incident.id) == START + 60 * S
