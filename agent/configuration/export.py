"""The effective configuration as YAML, with where each value comes from, and what people laid over it."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from agent.configuration.config import Config
from agent.configuration.faults import in_words
from agent.configuration.show import effective
from agent.storage.database import is_postgres, readers, sqlite_path
from agent.storage.writer import StoreDown
from agent.whereabouts import refuse_a_loss
from collectors.moment import moment_text
from correlation.rows import select
from correlation.tables import ItemEditRow
from escalation.store import RotaRow

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_DEFAULT = "default"


def exported(config: Config) -> str:
    """Each file under its name, each value with the `file:line` that won; secrets stay masked."""
    lines: list[str] = []
    for name, value in effective(config).items():
        lines += [f"# ---- {name}", *_lines(value, "", config.provenance.get(name, {}), 0), ""]
    return "\n".join(lines)


def _lines(value: Mapping[Any, Any], path: str, origins: Mapping[str, str], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, inner in value.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(inner, Mapping) and inner and here not in origins:
            yield f"{pad}{_key(key)}:"
            yield from _lines(inner, here, origins, depth + 1)
        else:
            yield f"{pad}{_key(key)}: {json.dumps(inner, ensure_ascii=False)}  # {origins.get(here, _DEFAULT)}"


def _key(key: Any) -> str:
    return str(key) if not isinstance(key, str) or _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def rows_exported(storage_url: str, now: datetime) -> str:
    """What people laid over configuration items and rotas, as it would stand in the files; "" without a store.

    Raises StoreDown.
    """
    if not is_postgres(storage_url):
        refuse_a_loss(sqlite_path(storage_url))
        if not Path(sqlite_path(storage_url)).exists():
            return ""
    try:
        return asyncio.run(_rows(storage_url, now))
    except (SQLAlchemyError, OSError) as error:
        raise StoreDown(f"the store cannot be read: {in_words(error)}") from error


async def _rows(storage_url: str, now: datetime) -> str:
    engine = readers(storage_url)
    held = text(f"{select(ItemEditRow)} WHERE until IS NULL OR until > :now ORDER BY id")
    laid = text(f"{select(RotaRow)} WHERE until IS NULL OR until > :now ORDER BY created_at, id")
    try:
        async with engine.connect() as connection:
            typed = held.columns(*ItemEditRow.__table__.columns)  # type: ignore[attr-defined]  # of table classes
            edits = (await connection.execute(typed, {"now": now})).mappings().all()
            typed = laid.columns(*RotaRow.__table__.columns)  # type: ignore[attr-defined]  # as above
            changes = (await connection.execute(typed, {"now": now})).mappings().all()
    finally:
        await engine.dispose()
    return "\n".join([*_items(edits), *_overrides(changes)])


def _items(edits: Any) -> Iterator[str]:
    if edits:
        yield "# ---- rows over topology.yaml"
        yield "configuration_items:"
    for edit in edits:
        yield f"  # {edit['author']}, {moment_text(edit['at'])}: {' '.join(edit['reason'].split())}"
        yield f"  {_key(edit['item'])}: {edit['changes']}"


def _overrides(changes: Any) -> Iterator[str]:
    if changes:
        yield "# ---- rows over oncall.yaml"
    for change in changes:
        override = {"person": change["person"], "from": moment_text(change["from_at"])}
        override |= {"until": moment_text(change["until"])} if change["until"] is not None else {}
        override |= {"replaces": change["replaces"]} if change["replaces"] else {}
        yield f"# schedules.{change['schedule']}.overrides, {change['author']}: {' '.join(change['reason'].split())}"
        yield f"- {json.dumps(override, ensure_ascii=False)}"
