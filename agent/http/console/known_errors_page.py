"""The page that says how well known errors do: of what was suggested, how much helped."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.http.console.words import say
from agent.http.incident_page import tag
from agent.http.statistics import Suggested
from escalation.words import Language, told
from knowledge.feedback import Outcome, Tally

MOST_SHOWN = 200


@dataclass(frozen=True)
class Judged:
    """A known error of which something was said, as it is called here."""

    id: str
    title: str
    tally: Tally
    demoted: bool


class KnownErrorsPage:
    """The page for one reader."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def body(self, total: Suggested | None, judged: Sequence[Judged], entries: int) -> list[str]:
        """All together, where the reader may see it, then each of `judged`, of so many `entries` of the library."""
        cards = [self._card(one) for one in judged[:MOST_SHOWN]]
        more = [tag("p", f"{self._say('more')} …", "soft")] if len(judged) > MOST_SHOWN else []
        unsaid = tag("p", told(self._say("never_judged"), max(0, entries - len(judged)), self._language), "soft")
        return [tag("h1", self._say("known_errors")), *self._total(total), *cards, *more, unsaid]

    def _say(self, word: str) -> str:
        return say(word, self._language)

    def _total(self, total: Suggested | None) -> list[str]:
        if total is None:
            return []
        said = {"precision": self._percent(total.precision)}
        said |= {outcome.value: str(getattr(total, outcome.value)) for outcome in Outcome}
        said["demoted"] = str(total.demoted)
        lines = "".join(tag("dt", self._say(word)) + tag("dd", value) for word, value in said.items())
        return [f"<dl>{lines}</dl>", tag("p", self._say("precision_is"), "soft")]

    def _percent(self, precision: float | None) -> str:
        return self._say("nothing_said") if precision is None else f"{precision:.0%}"

    def _card(self, one: Judged) -> str:
        counts = [
            told(self._say(outcome.value), getattr(one.tally, outcome.value), self._language) for outcome in Outcome
        ]
        rate = tag("span", f"{self._say('precision')} {self._percent(one.tally.precision)}")
        demoted = tag("span", self._say("is_demoted"), "sev") if one.demoted else ""
        below = tag("span", " · ".join(counts), "soft") + tag("span", one.id, "soft")
        return f'<div class="card">{tag("strong", one.title)}{rate}{demoted}{below}</div>'
