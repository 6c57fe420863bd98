"""Where no predicate holds for an incident, known errors are ranked by its text: after the commit, off the loop."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from agent.aside import Aside
from agent.clock import Clock
from agent.intents import Suggested
from agent.loops.encoder import Suggestions
from agent.pipeline import Pipeline
from agent.storage.writer import StoreDown

_A_MOMENT = timedelta(seconds=1)
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
        self._ranking: set[asyncio.Task[None]] = set()
        self._landed = False

    def prepare(self) -> None:
        """Begin to count the words of the known errors in force, before the first question is asked of them."""
        desk = self._pipeline.desk
        self._prepared = self._thread.do(self._suggestions.prepare, desk.config.known_errors, desk.feedback.aliases)

    @property
    def is_counting(self) -> bool:
        """Whether words are still being counted: a question asked now waits for that."""
        return self._prepared is not None and not self._prepared.done()

    def rank(self, incidents: Sequence[int], tasks: asyncio.TaskGroup) -> None:
        """Begin to rank these incidents, some at a time, each in a task of `tasks`; after `land` none of them."""
        for first in range(0, 0 if self._landed else len(incidents), _RANKED_TOGETHER):
            task = tasks.create_task(self._rank(incidents[first : first + _RANKED_TOGETHER]), name="rank")
            self._ranking.add(task)
            task.add_done_callback(self._ranking.discard)

    def left_unranked(self) -> list[int]:
        """The incidents that no process before this one came to."""
        return [incident.id for incident in self._pipeline.desk.board.incidents.values() if incident.to_rank]

    async def _rank(self, incidents: Sequence[int]) -> None:
        """Rank by text; a failure costs the suggestions, never the pages."""
        desk = self._pipeline.desk
        held = [desk.board.incidents[number] for number in incidents if number in desk.board.incidents]
        texts = {incident.number: incident.report for incident in held}
        known, confirmed = desk.config.known_errors, desk.feedback.aliases
        found = await self._thread.do(self._suggestions.match_each, texts, known, confirmed)
        await self._bring([Suggested(one.id, tuple(found[one.number])) for one in held])

    async def _bring(self, suggestions: Sequence[Suggested]) -> None:
        """Bring what was found through the line, however long the store takes nothing."""
        while suggestions:
            told = [asyncio.ensure_future(self._pipeline.submit(one)) for one in suggestions]
            refused = await asyncio.gather(*told, return_exceptions=True)
            suggestions = [one for one, why in zip(suggestions, refused, strict=True) if isinstance(why, StoreDown)]
            if suggestions:
                await self._clock.sleep_until(self._clock.now() + _A_MOMENT)

    async def land(self, longest_s: float) -> None:
        """Wait for what is in hand; what takes longer, or comes later, is ranked after the next start."""
        self._landed, tasks = True, list(self._ranking)
        if tasks:
            await asyncio.wait(tasks, timeout=longest_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def end(self) -> None:
        """Take no more questions once those in hand are answered."""
        self._thread.end()
