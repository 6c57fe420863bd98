"""Each effective configuration has a number: a decision names the one that it was made by."""

import hashlib
from dataclasses import replace
from datetime import datetime

from agent.config import Config
from agent.show import effective_text
from agent.store import UPSERT_CONFIG
from agent.writer import Writer

_LATEST = "SELECT version, digest FROM config ORDER BY version DESC LIMIT 1"


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
