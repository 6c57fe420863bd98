"""What has left the desk is read back from the store, before somebody acts on it. Each raises StoreDown."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from agent.configuration.config import Config
from agent.desk import MOST_MAILS, Desk
from agent.loading.recall import recall_words
from agent.storage.store import ATTACHED, MAIL_BY_KEY
from agent.storage.writer import Writer
from collectors.alert import decode_labels
from correlation.incident import Incident
from correlation.joining import NOT_PLACED, remember
from correlation.store import (
    ANNOTATIONS_OF,
    ENDED_ALERTS_OF,
    HELD_INCIDENTS,
    INCIDENT_BY_NUMBER,
    episode_from,
    incident_from,
    place_from,
)
from escalation.recovery import heard_by, parts_of
from escalation.store import PAGED, PAGED_EACH, reached
from knowledge.store import (
    CHANGE_BY_NUMBER,
    IMPROVEMENT_BY_NUMBER,
    PROBLEM_BY_NUMBER,
    RUN_BY_ID,
    WRITTEN_ERROR,
    change_from,
    improvement_from,
    problem_from,
    run_from,
    written_from,
)

_THE_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every moment of the store."""
MOST_NAMED = 1_000
"""Alerts of an incident that had left the board that a person may name, the newest."""
_MOST_IMPROVEMENTS = 1_000
_AT_ONCE = 500
"""Incidents that one query is about."""


async def fetch_incident(desk: Desk, writer: Writer, number: str) -> None:
    """Have an incident on the board, with who was paged for it, before somebody acts on it."""
    if number not in desk.board.numbers:
        for row in await writer.fetch(INCIDENT_BY_NUMBER, number):
            incident = incident_from(row)
            desk.board.admit(incident)
            desk.unread.add(incident.id)
            desk.agenda.look_at(incident.id, desk.leaves_at(incident))
    found = desk.board.numbers.get(number)
    if found in desk.unread:
        desk.unread.discard(found)
        desk.remember_pages(await writer.fetch(f"{PAGED} WHERE p.incident_id = ? {PAGED_EACH}", found))


def recovering(desk: Desk, now: datetime) -> Iterator[Incident]:
    """The incidents that have come up and are resolved by themselves, should nothing hinder it."""
    for number in desk.agenda.shown(now):
        incident = desk.board.incidents.get(number)
        if incident is not None and incident.resolves_at is not None and incident.resolves_at <= now:
            yield incident


async def fetch_reached(desk: Desk, writer: Writer, now: datetime) -> None:
    """Know whom the pages of the incidents that are about to recover have reached, and of those merged into them."""
    desk.reached = {}
    merged = {incident.id: {incident.id: "", **parts_of(incident)} for incident in recovering(desk, now)}
    wanted = sorted(set().union(*merged.values()))
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for asked in (wanted[i : i + _AT_ONCE] for i in range(0, len(wanted), _AT_ONCE)):
        for row in await writer.fetch(reached(len(asked)), *asked):
            rows.setdefault(row[0], []).append(row)
    for number, parts in merged.items():
        desk.reached[number] = heard_by((row for part in parts for row in rows.get(part, ())), parts)


async def fetch_held(desk: Desk, writer: Writer, config: Config, now: datetime | None = None) -> None:
    """Have on the board what is active, what may still relapse, and what the agent is to archive one day.

    Without `now` those alone that are not on it yet although the agent will archive them.
    """
    archives = config.states.auto_recovered.archive_after is not None
    if now is None and not archives:
        return
    since = _THE_FIRST if archives or now is None else now - config.correlation.dedup.refire_window
    for row in await writer.fetch(HELD_INCIDENTS, since):
        incident = incident_from(row)
        if incident.id not in desk.board.incidents:
            desk.board.admit(incident)
            desk.unread.add(incident.id)
            desk.watch(incident)


async def fetch_alerts(desk: Desk, writer: Writer, number: str) -> None:
    """Have the alerts of an incident that had left the board on the scene again, the newest of each."""
    incident = desk.board.incidents.get(desk.board.numbers.get(number, 0))
    if incident is None or incident.active or desk.board.scene.of.get(incident.id):
        return
    rows = await writer.fetch(ENDED_ALERTS_OF, incident.id, MOST_NAMED)
    episodes = [episode_from(row) for row in rows]
    await recall_words(writer, desk.rules, episodes)
    for episode, row in zip(episodes, rows, strict=True):
        held = desk.board.episodes.get(episode.key)
        if held is None:
            desk.board.bury(episode)
        if (held is None or held.id == episode.id) and episode.decision not in NOT_PLACED:
            remember(desk.board, desk.rules, episode, place_from(row))


async def fetch_summaries(desk: Desk, writer: Writer, number: str) -> None:
    """Know what their senders call the alerts of an incident, the oldest: an incident is called by its first."""
    incident = desk.board.numbers.get(number, 0)
    found = await writer.fetch(ANNOTATIONS_OF, incident, MOST_NAMED)
    desk.summaries = {id_: summary for id_, told in found if (summary := decode_labels(told.encode()).get("summary"))}


async def fetch_mails(desk: Desk, writer: Writer, keys: Iterable[str], numbers: Iterable[str]) -> None:
    """Know to which incidents these mails belong, and have those, and incidents of these numbers, on the board."""
    if len(desk.mails) > MOST_MAILS:
        desk.mails.clear()
    unknown = [key for key in keys if key not in desk.mails]
    for key in unknown:
        for _, number in await writer.fetch(MAIL_BY_KEY, key):
            desk.mails[key] = number
    for number in dict.fromkeys([*(desk.mails[key] for key in keys if key in desk.mails), *numbers]):
        await fetch_incident(desk, writer, number)
        await fetch_attached(desk, writer, number)


async def fetch_attached(desk: Desk, writer: Writer, number: str) -> None:
    """Know how much is attached to an incident."""
    if len(desk.attached) > MOST_MAILS:
        desk.attached.clear()
    ((desk.attached[number],),) = await writer.fetch(ATTACHED, number)


async def fetch_problem(desk: Desk, writer: Writer, number: str) -> None:
    """Have a problem in the casebook before somebody acts on it."""
    if number not in desk.casebook.problems:
        for row in await writer.fetch(PROBLEM_BY_NUMBER, number):
            desk.casebook.problems[number] = problem_from(row)


async def fetch_written(desk: Desk, writer: Writer, name: str) -> None:
    """Know whether people have written a known error of this id, where theirs are read later."""
    if not desk.config.is_library_read and name not in desk.written:
        for row in await writer.fetch(WRITTEN_ERROR, name):
            desk.written[name] = written_from(row)


async def fetch_improvement(desk: Desk, writer: Writer, number: str) -> None:
    """Have a suggestion of improvement in the casebook before somebody acts on it."""
    if len(desk.casebook.improvements) > _MOST_IMPROVEMENTS:
        desk.casebook.improvements.clear()
    if number not in desk.casebook.improvements:
        for row in await writer.fetch(IMPROVEMENT_BY_NUMBER, number):
            desk.casebook.improvements[number] = improvement_from(row)


async def fetch_change(desk: Desk, writer: Writer, number: str) -> None:
    """Have a change in the casebook before somebody acts on it."""
    if number not in desk.casebook.changes:
        for row in await writer.fetch(CHANGE_BY_NUMBER, number):
            desk.casebook.changes[number] = change_from(row)


async def fetch_run(desk: Desk, writer: Writer, run: int) -> None:
    """Know what became of the run of an action before somebody decides on it."""
    if run not in desk.runs.by_id:
        for row in await writer.fetch(RUN_BY_ID, run):
            desk.runs.keep(run_from(row))
