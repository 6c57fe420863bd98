"""The desk is rebuilt from the store: at start, and after a commit that failed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog

from agent.configuration.config import Config
from agent.configuration.known_errors import MANY
from agent.deciders.problems import seen_of
from agent.desk import Desk
from agent.loading.fetch import fetch_held
from agent.loading.recall import recall_words
from agent.storage.writer import Writer
from correlation.board import MOST_TOMBSTONES, Beat
from correlation.incident import Episode, Key
from correlation.joining import NOT_PLACED, remember, remember_keys
from correlation.lessons import kind_of
from correlation.outcome import Round
from correlation.place import Place
from correlation.store import (
    COUNTED,
    ENDED_EPISODES,
    ENDED_OF_OPEN,
    HELD_ITEM_EDITS,
    JUDGED,
    LESSONS,
    MERGED,
    OPEN_EPISODES,
    OPENINGS,
    ORPHANED,
    SELECT_CHAINS,
    SOLVED,
    STORMS_OF_LATE,
    SUSPECTS,
    episode_from,
    item_edit_from,
    lesson_from,
    place_from,
    silence_from,
)
from correlation.storm import EVERYWHERE_TIMES, Opening, remember_storms
from correlation.timeline import Chain
from escalation.notice import is_draft
from escalation.sla import SlaPolicy
from escalation.store import (
    OPEN_PAGES,
    PAGED,
    PAGED_EACH,
    PENDING_NOTICES,
    PENDING_STEPS,
    ROTA_TO_COME,
    ROUNDS_DONE,
    TOLD_AHEAD,
    TOLD_BESIDES,
    TOLD_THROUGH,
    notice_from,
    page_from,
    rota_from,
    step_from,
)
from escalation.timetable import EscalationPolicy
from knowledge.automation import LONGEST_LIMIT
from knowledge.casebook import MOST_SEEN
from knowledge.library import Library
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
    WRITTEN_ERRORS,
    change_from,
    problem_from,
    run_from,
    solved_from,
    tally_from,
    written_from,
)
from knowledge.written import NOTHING_LAID, Laid, laid_over

Row = tuple[Any, ...]
_ROUNDS_BACK = timedelta(days=14)
"""No window of a round is further apart from the next."""
_LEARNED_FROM = 20_000
"""Of alerts whose incidents are over, the last so many tell what stands on what: a start takes no longer than that."""
_AT_ONCE = 1_000
log = structlog.get_logger("daemon")
_LAST_IDS = {
    "alert": "SELECT COALESCE(MAX(id), 0) FROM alert",
    "incident": "SELECT COALESCE(MAX(id), 0) FROM incident",
    "timeline": "SELECT COALESCE(MAX(id), 0) FROM timeline",
    "dead_letter": "SELECT COALESCE(MAX(id), 0) FROM dead_letter",
    "problem": "SELECT COALESCE(MAX(id), 0) FROM problem",
    "improvement": "SELECT COALESCE(MAX(id), 0) FROM improvement",
    "change": "SELECT COALESCE(MAX(id), 0) FROM change",
    "attachment": "SELECT COALESCE(MAX(id), 0) FROM attachment",
    "item_edit": "SELECT COALESCE(MAX(id), 0) FROM item_edit",
    "automation_run": "SELECT COALESCE(MAX(id), 0) FROM automation_run",
    "audit": "SELECT COALESCE(MAX(id), 0) FROM audit WHERE id > 0",  # those below zero are of the command line
}


async def load_desk(writer: Writer, config: Config, now: datetime, before: Laid = NOTHING_LAID) -> Desk:
    """Return a desk that holds what the store says is open. Raises StoreDown.

    `before`: the known errors of the desk that it takes the place of. Where the library is read later, what people
    wrote is too.
    """
    gc.disable()
    try:
        desk = Desk(config)
        await _load_ids(writer, desk)
        await _load_policies(writer, desk)
        if config.is_library_read:
            await _load_written(writer, desk, before)
        await _load_cases(writer, desk, now)
        await _load_incidents(writer, desk, now)
        await _load_alerts(writer, desk, now)
        await _load_ladder(writer, desk, now)
    finally:
        gc.enable()
    return desk


async def _load_ids(writer: Writer, desk: Desk) -> None:
    for table, sql in _LAST_IDS.items():
        desk.board.last_ids[table] = (await writer.fetch(sql))[0][0]
    await _load_chains(writer, desk)
    desk.seq = (await writer.fetch("SELECT COALESCE(MAX(seq), 0) FROM journal"))[0][0]
    desk.agenda.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM step"))[0][0]
    desk.notices.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM notice"))[0][0]
    desk.outbox.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM page"))[0][0]
    rows = await writer.fetch("SELECT day, count FROM counter ORDER BY day DESC LIMIT 1")
    if rows:
        desk.board.counter = (date.fromisoformat(rows[0][0]), rows[0][1])


async def _load_chains(writer: Writer, desk: Desk) -> None:
    """The chains go on where they ended: a tail that somebody cut off leaves a gap, and is not written over."""
    heads = {row[0]: Chain(*row) for row in await writer.fetch(SELECT_CHAINS)}
    for chain in desk.chains.both:
        head, last_ids = heads.get(chain.name), desk.board.last_ids
        found = last_ids[chain.name]
        known, let_go = (head.last_id, head.base_id) if head is not None else (0, 0)
        if known != max(found, let_go):
            log.error("evidence was changed: run `tocsin audit verify`", chain=chain.name, last_row=found)
        if head is not None:
            chain.go_on(head)
            last_ids[chain.name] = max(found, head.last_id)


async def _load_policies(writer: Writer, desk: Desk) -> None:
    """The targets and timetables of the configurations that incidents were opened with that may go on."""
    rows = await writer.fetch(
        "SELECT version, sla, escalation FROM config WHERE version IN "
        "(SELECT config_version FROM incident WHERE state NOT IN ('archived', 'cancelled'))"
    )
    for version, sla, escalation in rows:
        if version not in desk.ladder.terms.policies:
            policies = (SlaPolicy.model_validate_json(sla), EscalationPolicy.model_validate_json(escalation))
            desk.ladder.terms.hold(version, *policies)


async def _load_written(writer: Writer, desk: Desk, before: Laid) -> None:
    """Many are judged beside the loop: the line waits for it, pages on their way and readers do not."""
    rows = await writer.fetch(WRITTEN_ERRORS)
    lay = partial(lay_written, desk.config.known_errors, rows, before)
    desk.hold_written(lay() if len(rows) <= MANY else await asyncio.to_thread(lay))


def lay_written(filed: Library, rows: Iterable[Row], before: Laid) -> Laid:
    """Lay what people wrote, as the rows of the store have it and in later versions of `before`, over the files."""
    written = {one.id: one for one in map(written_from, rows)}
    return Laid(laid_over(filed, written, before), written)


async def _load_cases(writer: Writer, desk: Desk, now: datetime) -> None:
    """Open problems and changes, what people wrote over items and said of known errors, the incidents counted."""
    for row in await writer.fetch(TALLIES):
        desk.feedback.keep(tally_from(row))
    for title, symptom, said in reversed(await writer.fetch(JUDGED, MOST_SOLVED)):
        for known_error, outcome in msgspec.json.decode(said).items():
            desk.feedback.judge(known_error, f"{title} {symptom}", outcome)
    for row in await writer.fetch(LESSONS):
        desk.board.lessons.hold(lesson_from(row))
    starts = await writer.fetch(RUN_STARTS, now - LONGEST_LIMIT)
    rows = {row[0]: row for row in (*await writer.fetch(OPEN_RUNS), *await writer.fetch(LAST_RUNS, MOST_SETTLED))}
    desk.runs = Runs([run_from(rows[number]) for number in sorted(rows)], starts)
    desk.item_edits = [item_edit_from(row) for row in await writer.fetch(HELD_ITEM_EDITS, now)]
    desk.lay_items(now)
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
    solved = [solved_from(row) for row in await writer.fetch(SOLVED, MOST_SOLVED)]
    desk.past = Past(sorted(solved, key=lambda one: (one.resolved_at, one.id)))


async def _load_incidents(writer: Writer, desk: Desk, now: datetime) -> None:
    await fetch_held(desk, writer, desk.config, now)
    for row in await writer.fetch("SELECT * FROM silence WHERE ends_at > ?", now):
        silence = silence_from(row)
        desk.board.silences[silence.id] = silence
    await _lay_windows(writer, desk, now)
    for origin, last_at, apart_s, missed, gap_s in await writer.fetch(
        "SELECT origin, last_at, apart_s, missed, gap_s FROM beat"
    ):
        desk.board.beats[origin] = Beat(last_at, apart_s, bool(missed), gap_s)


async def _lay_windows(writer: Writer, desk: Desk, now: datetime) -> None:
    """Windows hold from the start on, but for the stretches that people have ended: those have a row."""
    desk.lay_windows(now)
    laid = [silence.id for silence in desk.board.silences.values() if silence.window]
    while laid:
        ended = [one for one in laid if await writer.fetch("SELECT id FROM silence WHERE id = ?", one)]
        if not ended:
            return
        desk.board.ended_windows.update(ended)
        desk.lay_windows(now)
        laid = [silence.id for silence in desk.board.silences.values() if silence.window]


async def _load_alerts(writer: Writer, desk: Desk, now: datetime) -> None:
    board, tombstones_for = desk.board, desk.rules.correlation.dedup.tombstones_for
    placed: list[tuple[Place, Episode]] = []
    read: list[Episode] = []
    since = now - tombstones_for
    for row in (
        *await writer.fetch(ENDED_OF_OPEN, since),
        *reversed(await writer.fetch(ENDED_EPISODES, since, MOST_TOMBSTONES)),
    ):
        episode, place = episode_from(row), place_from(row)
        read.append(episode)
        if episode.closed_at is not None and episode.closed_at >= since:
            board.bury(episode)
            _note_change(desk, episode, place.came_at, now)
        if episode.decision not in NOT_PLACED:
            placed.append((place, episode))
    for row in await writer.fetch(SUSPECTS):
        suspect = episode_from(row)
        board.suspects[suspect.key] = suspect
        read.append(suspect)
    held_back: list[Episode] = []
    over: set[int] = set()
    async for row in _open_episodes(writer):
        episode, place = episode_from(row), place_from(row)
        read.append(episode)
        board.hold(episode)
        if episode.decision == "suppressed":
            held_back.append(episode)
        elif episode.incident and desk.is_over_by_id(episode.incident, now):
            over.add(episode.incident)
        board.inhibitors.add(episode.key, board.labels(episode))
        _note_change(desk, episode, place.came_at, now)
        if episode.decision not in NOT_PLACED:
            placed.append((place, episode))
    await recall_words(writer, desk.rules, read)
    _place(desk, placed, dict(await writer.fetch(MERGED)))
    await _load_storms(writer, desk, now)
    for episode in held_back:
        desk.hold_back(episode, board.labels(episode), now)
    if over:
        numbers: dict[int, str] = dict(await writer.fetch(ORPHANED))
        for incident in over:
            board.orphans.update(dict.fromkeys(board.members.pop(incident, ()), numbers.get(incident, "")))


async def _open_episodes(writer: Writer) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of what fires, in order, a part at a time."""
    last = 0
    while rows := await writer.fetch(OPEN_EPISODES, last, _AT_ONCE):
        for row in rows:
            yield row
        last = rows[-1][0]


def _place(desk: Desk, placed: list[tuple[Place, Episode]], merged: Mapping[int, int]) -> None:
    """The last firing of each alert is on the scene; those before it have their part in the keys of their incident."""
    last: dict[Key, int] = {}
    for _, episode in placed:
        last[episode.key] = max(last.get(episode.key, 0), episode.id)
    placed.sort(key=lambda found: (found[0].since, found[1].id))
    for number, (place, episode) in enumerate(placed, _LEARNED_FROM - len(placed)):
        if last[episode.key] != episode.id:
            remember_keys(desk.board, desk.rules, episode, place, merged.get(episode.incident, episode.incident))
        elif number >= 0 or episode.incident in desk.board.incidents:
            remember(desk.board, desk.rules, episode, place)


async def _load_storms(writer: Writer, desk: Desk, now: datetime) -> None:
    """The storms go on, and what opened of late counts towards the next one."""
    policy = desk.rules.correlation.storm
    rows = await writer.fetch(OPENINGS, now - policy.within, policy.opened * EVERYWHERE_TIMES + 1)
    openings = []
    for incident, opened_at, facts in reversed(rows):
        told = msgspec.json.decode(facts)
        if "place" in told:
            openings.append(Opening(opened_at, incident, kind_of(told["alertname"]), told["place"]))
    began: dict[str, int] = {}
    for place, storming in await writer.fetch(STORMS_OF_LATE, now - policy.within):
        began[place] = max(began.get(place, 0), msgspec.json.decode(storming)["after"])
    remember_storms(Round(desk.board, desk.rules, now), began, openings)


def _note_change(desk: Desk, episode: Episode, came_at: datetime, now: datetime) -> None:
    """The changes of an alert that count for flapping."""
    policy = desk.rules.correlation.flapping
    begun = came_at if episode.previous and episode.decision != "stale" else None
    ended = episode.closed_at if episode.decision != "stale" else None
    fresh = [at for at in (begun, ended) if at is not None and now - at <= policy.within]
    if fresh:
        changes = sorted([*desk.board.changes.get(episode.key, ()), *fresh])
        desk.board.changes[episode.key] = changes[-policy.changes :]


async def _load_ladder(writer: Writer, desk: Desk, now: datetime) -> None:
    for row in await writer.fetch(PENDING_STEPS):
        desk.agenda.add(step_from(row))
    for incident in desk.board.incidents.values():
        comes_early_at = desk.ladder.comes_early_at(incident, now)
        if comes_early_at is not None:
            desk.agenda.look_at(incident.id, comes_early_at)
    desk.rota = {change.id: change for change in map(rota_from, await writer.fetch(ROTA_TO_COME, now))}
    desk.lay_rota()
    for row in await writer.fetch(PENDING_NOTICES):
        notice = notice_from(row)
        desk.notices.add(notice, fresh=False, timed=not is_draft(notice))
    for name, about, day in await writer.fetch(TOLD_THROUGH):
        desk.notices.note_told(name, about, date.fromisoformat(day))
    desk.notices.told_ahead = dict(await writer.fetch(TOLD_AHEAD, now))
    desk.notices.rounds_done = dict(await writer.fetch(ROUNDS_DONE, now - _ROUNDS_BACK))
    for row in await writer.fetch(OPEN_PAGES):
        desk.outbox.hold(page_from(row))
    being_told = "WHERE p.incident_id IN (SELECT incident_id FROM page WHERE open)"
    desk.remember_pages(await writer.fetch(f"{PAGED} {being_told} {PAGED_EACH}"))
    if desk.config.classification.routes:
        desk.remember_pages(await writer.fetch(f"{PAGED} {TOLD_BESIDES} {PAGED_EACH}"))
    desk.unread.update(desk.board.incidents.keys() - desk.outbox.of_incident.keys())
