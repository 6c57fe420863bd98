"""The desk is rebuilt from the store: at start, and after a commit that failed."""

import gc
from datetime import date, datetime, timedelta

import structlog

from agent.configuration.config import Config
from agent.desk import Desk
from agent.loading.alerts import load_alerts
from agent.loading.cases import load_cases
from agent.loading.fetch import fetch_held
from agent.loading.promised import load_promised
from agent.loading.written import load_written
from agent.storage.writer import Writer
from correlation.board import Beat
from correlation.incident import origin_of
from correlation.store import SELECT_CHAINS, silence_from
from correlation.timeline import Chain
from escalation.sla import SlaPolicy
from escalation.timetable import EscalationPolicy
from knowledge.written import NOTHING_LAID, Laid

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


_TOLD_AGAIN = timedelta(minutes=10)
"""By then an Alertmanager whose messages could not be taken has sent them again."""


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
            await load_written(writer, desk, before)
        await load_cases(writer, desk, now)
        await _load_incidents(writer, desk, now)
        await load_alerts(writer, desk, now)
        await load_promised(writer, desk, now)
        _look_whether_told(desk, now)
    finally:
        gc.enable()
    return desk


def _look_whether_told(desk: Desk, now: datetime) -> None:
    """What was told while nobody heard it is told again soon: only then is it looked whether it is."""
    for incident in desk.board.incidents.values():
        members = desk.board.members.get(incident.id)
        if incident.active and members:
            patience = desk.rules.untold_after(origin_of(next(iter(members))))
            at = now + min(patience or _TOLD_AGAIN, _TOLD_AGAIN)
            desk.looks_whether_told[incident.id] = at
            desk.agenda.look_at(incident.id, at)


async def _load_ids(writer: Writer, desk: Desk) -> None:
    for table, sql in _LAST_IDS.items():
        desk.board.last_ids[table] = (await writer.fetch(sql))[0][0]
    await _load_chains(writer, desk)
    desk.seq = (await writer.fetch("SELECT COALESCE(MAX(seq), 0) FROM journal"))[0][0]
    desk.agenda.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM step"))[0][0]
    desk.notices.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM notice"))[0][0]
    desk.outbox.last_id = (await writer.fetch("SELECT COALESCE(MAX(id), 0) FROM page"))[0][0]
    rows = await writer.fetch("SELECT day, count FROM counter")
    desk.board.counts = {date.fromisoformat(day): count for day, count in rows}


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
