"""Each effective configuration has a number: a decision names the one that it was made by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from agent.configuration.config import Config
from agent.configuration.show import effective_text
from agent.configuration.site import CalendarFile
from agent.storage.store import UPSERT_CONFIG
from agent.storage.writer import Writer
from correlation.calendar import BusinessCalendar

_EFFECTIVE = "SELECT effective FROM config ORDER BY version DESC LIMIT 1"
_CALENDARS = "calendar.yaml"
log = structlog.get_logger("daemon")
_LATEST = "SELECT version, digest FROM config ORDER BY version DESC LIMIT 1"


async def calendars_in_force(writer: Writer) -> Mapping[str, BusinessCalendar] | None:
    """The calendars of the configuration that was stored last; None where none can be read. Raises StoreDown."""
    rows = await writer.fetch(_EFFECTIVE)
    try:
        return CalendarFile.model_validate(json.loads(rows[0][0])[_CALENDARS]).calendars if rows else None
    except (ValueError, LookupError, TypeError) as error:
        log.warning("the calendars before this start cannot be read: steps stay as they were counted", why=str(error))
        return None


async def numbered(config: Config, writer: Writer, now: datetime) -> Config:
    """The configuration with its number, stored under it; the same as before keeps its number. Raises StoreDown."""
    effective = effective_text(config)
    digest = hashlib.sha256(effective.encode()).hexdigest()
    latest, known = next(iter(await writer.fetch(_LATEST)), (0, ""))
    if known == digest:
        return replace(config, version=latest)
    policies = (policy.model_dump_json(by_alias=True) for policy in (config.sla, config.escalation))
    await writer.commit([(UPSERT_CONFIG, [(latest + 1, now, digest, *policies, effective)])])
    return replace(config, version=latest + 1)
