"""Where no predicate holds for an incident, known errors are ranked by its text: after the commit, off the loop."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

from agent.aside import Aside
from agent.clock import Clock
from agent.intents import Suggested
from agent.loops.encoder import Suggestions
from agent.pipeline import Pipeline
from agent.storage.writer import StoreDown
from correlation.incident import WAITING

_RANKED_AGAIN = timedelta(hours=1)
"""Incidents this young are ranked after a start: the process before may have ended too early for it."""
_RANKED_TOGETHER = 32
"""Incidents whose text is ranked in one go: their pages wait for it."""


class Ranker:
    """Has incidents ranked in a thread of its own, and brings what was found back through the line as `Suggested`."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._pipeline, self._clock = pipeline, clock
        self._suggestions = Suggestions()
        self._thread = Aside("rank")
        """Its own: while a large library is read, the threads that intake uses are free."""
        self._prepared: asyncio.Future[None] | None = None

    def prepare(self) -> None:
        """Begin to count the words of the known errors in force, before the first question is asked of them."""
        desk = self._pipeline.desk
        self._prepared = self._thread.do(self._suggestions.prepare, desk.config.known_errors, desk.feedback.aliases)

    @property
    def is_counting(self) -> bool:
        """Whether words are still being counted: a question asked now waits for that."""
        return self._prepared is not None and not self._prepared.done()

    def rank(self, incidents: Sequence[int], tasks: asyncio.TaskGroup) -> None:
        """Begin to rank these incidents, some at a time, each in a task of `tasks`."""
        for first in range(0, len(incidents), _RANKED_TOGETHER):
            tasks.create_task(self._rank(incidents[first : first + _RANKED_TOGETHER]))

    def left_unranked(self) -> list[int]:
        """The incidents that were opened of late, that nobody has taken, and that no known error was found for."""
        since = self._clock.now() - _RANKED_AGAIN
        held = self._pipeline.desk.board.incidents.values()
        return [i.id for i in held if i.state in WAITING and not i.known_errors and i.opened_at >= since]

    async def _rank(self, incidents: Sequence[int]) -> None:
        """Rank by text; a failure costs the suggestions, never the pages."""
        desk = self._pipeline.desk
        held = [desk.board.incidents[number] for number in incidents if number in desk.board.incidents]
        texts = {incident.number: incident.report for incident in held}
        known, confirmed = desk.config.known_errors, desk.feedback.aliases
        found = await self._thread.do(self._suggestions.match_each, texts, known, confirmed)
        with contextlib.suppress(StoreDown):
            told = [self._pipeline.put(Suggested(one.id, tuple(found[one.number]))) for one in held]
            await asyncio.gather(*told, return_exceptions=True)

    def end(self) -> None:
        """Take no more questions once those in hand are answered."""
        self._thread.end()
