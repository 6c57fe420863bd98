"""What people were promised comes back to the desk: steps, the rota, notices and pages."""

from datetime import date, datetime, timedelta

from agent.desk import Desk
from agent.storage.writer import Writer
from escalation.notice import is_draft
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

_ROUNDS_BACK = timedelta(days=14)
"""No window of a round is further apart from the next."""


async def load_promised(writer: Writer, desk: Desk, now: datetime) -> None:
    """Have on the desk what is still to be done for people; its incidents have to be there. Raises StoreDown."""
    await _load_steps(writer, desk, now)
    desk.rota = {change.id: change for change in map(rota_from, await writer.fetch(ROTA_TO_COME, now))}
    desk.lay_rota()
    await _load_notices(writer, desk, now)
    await _load_pages(writer, desk)


async def _load_steps(writer: Writer, desk: Desk, now: datetime) -> None:
    for row in await writer.fetch(PENDING_STEPS):
        desk.agenda.add(step_from(row))
    for incident in desk.board.incidents.values():
        comes_early_at = desk.ladder.comes_early_at(incident, now)
        if comes_early_at is not None:
            desk.agenda.look_at(incident.id, comes_early_at)


async def _load_notices(writer: Writer, desk: Desk, now: datetime) -> None:
    for row in await writer.fetch(PENDING_NOTICES):
        notice = notice_from(row)
        desk.notices.add(notice, fresh=False, timed=not is_draft(notice))
    for name, about, day in await writer.fetch(TOLD_THROUGH):
        desk.notices.note_told(name, about, date.fromisoformat(day))
    desk.notices.told_ahead = dict(await writer.fetch(TOLD_AHEAD, now))
    desk.notices.rounds_done = dict(await writer.fetch(ROUNDS_DONE, now - _ROUNDS_BACK))


async def _load_pages(writer: Writer, desk: Desk) -> None:
    """What is still to be sent, and who was paged for the incidents that are told of."""
    for row in await writer.fetch(OPEN_PAGES):
        desk.outbox.hold(page_from(row))
    being_told = "WHERE p.incident_id IN (SELECT incident_id FROM page WHERE open)"
    desk.remember_pages(await writer.fetch(f"{PAGED} {being_told} {PAGED_EACH}"))
    if desk.config.classification.routes:
        desk.remember_pages(await writer.fetch(f"{PAGED} {TOLD_BESIDES} {PAGED_EACH}"))
    desk.unread.update(desk.board.incidents.keys() - desk.outbox.of_incident.keys())
