"""Problems, changes, runs of actions and what was learned come back to the desk."""

from datetime import datetime

import msgspec

from agent.deciders.problems import seen_of
from agent.desk import Desk
from agent.storage.writer import Writer
from correlation.store import COUNTED, HELD_ITEM_EDITS, JUDGED, LESSONS, SOLVED, item_edit_from, lesson_from
from knowledge.automation import LONGEST_LIMIT
from knowledge.casebook import MOST_SEEN
from knowledge.past import MOST as MOST_SOLVED
from knowledge.past import Past
from knowledge.run import MOST_SETTLED, Runs
from knowledge.store import (
    LAST_RUNS,
    OPEN_CHANGES,
    OPEN_PROBLEMS,
    OPEN_RUNS,
    RUN_STARTS,
    SETTLED_PROBLEMS,
    TALLIES,
    change_from,
    problem_from,
    run_from,
    solved_from,
    tally_from,
)


async def load_cases(writer: Writer, desk: Desk, now: datetime) -> None:
    """Have on the desk what people are at beside incidents, and what incidents have taught. Raises StoreDown."""
    await _load_taught(writer, desk)
    starts = await writer.fetch(RUN_STARTS, now - LONGEST_LIMIT)
    rows = {row[0]: row for row in (*await writer.fetch(OPEN_RUNS), *await writer.fetch(LAST_RUNS, MOST_SETTLED))}
    desk.runs = Runs([run_from(rows[number]) for number in sorted(rows)], starts)
    desk.item_edits = [item_edit_from(row) for row in await writer.fetch(HELD_ITEM_EDITS, now)]
    desk.lay_items(now)
    await _load_casebook(writer, desk, now)
    solved = [solved_from(row) for row in await writer.fetch(SOLVED, MOST_SOLVED)]
    desk.past = Past(sorted(solved, key=lambda one: (one.resolved_at, one.id)))


async def _load_taught(writer: Writer, desk: Desk) -> None:
    """What people said of known errors, and of alerts that belong together or apart."""
    for row in await writer.fetch(TALLIES):
        desk.feedback.keep(tally_from(row))
    for title, symptom, said in reversed(await writer.fetch(JUDGED, MOST_SOLVED)):
        for known_error, outcome in msgspec.json.decode(said).items():
            desk.feedback.judge(known_error, f"{title} {symptom}", outcome)
    for row in await writer.fetch(LESSONS):
        desk.board.lessons.hold(lesson_from(row))


async def _load_casebook(writer: Writer, desk: Desk, now: datetime) -> None:
    """Open problems and changes, and the incidents that count towards the next problem."""
    book, oldest = desk.casebook, now - desk.config.problems.longest
    for row in await writer.fetch(OPEN_PROBLEMS):
        problem = problem_from(row)
        book.problems[problem.number] = problem
    for row in await writer.fetch(OPEN_CHANGES):
        change = change_from(row)
        book.changes[change.number] = change
    for about, ended_at in await writer.fetch(SETTLED_PROBLEMS, oldest):
        book.settled[about] = max(ended_at, book.settled.get(about, ended_at))
    counted = await writer.fetch(COUNTED, oldest, MOST_SEEN)
    for row_id, number, opened_at, root, category in reversed(counted):
        told = msgspec.json.decode(root) if root else None
        book.remember(seen_of(row_id, number, opened_at, told, category))
