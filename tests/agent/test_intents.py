"""Whatever may change anything has its decider."""

from agent.deciders import DECIDERS
from agent.intents import Asked, Intent


def kinds(of: type[Intent]) -> set[type[Intent]]:
    return {of}.union(*map(kinds, of.__subclasses__()))


def test_every_intent_has_a_decider_and_every_decider_an_intent() -> None:
    assert kinds(Intent) - {Intent, Asked} == set(DECIDERS)
