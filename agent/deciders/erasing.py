"""A person is erased from rows: what is evidence changes on the record, so that its chain stays whole."""

from collections.abc import Mapping
from typing import Any

from agent.erasing.tables import BY_NAME, SEALED, Table
from agent.evidence import ERASED
from agent.intents import RowsErased
from agent.turn import Turn
from correlation.tables import TimelineRow
from correlation.timeline import AUDIT, BESIDE, TIMELINE, content_digest


def rows_erased(turn: Turn, intent: RowsErased) -> int:
    """Return how many rows changed."""
    table, rows = BY_NAME[intent.table], turn.desk.read
    turn.desk.read, turn.group.reload = [], intent.read_anew
    changes = [(row, table.erased(row, intent.who)) for row in rows]
    changes = [(row, fresh) for row, fresh in changes if fresh]
    if table in SEALED:
        _seal_anew(turn, intent, table, changes)
        return len(changes)
    for row, fresh in changes:
        if table.goes and intent.who.is_(row[table.goes]):
            turn.group.add(f"DELETE FROM {table.name} WHERE {_keyed(table)}", *_key(table, row))  # noqa: S608 - ours
        else:
            turn.group.add(_update(table, fresh), *fresh.values(), *_key(table, row))
    return len(changes)


def _seal_anew(
    turn: Turn, intent: RowsErased, table: Table, changes: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    """Content and salt change, the links stay; an act of the audit says what each row holds since."""
    if not changes:
        return
    act = turn.board.next_id("audit")
    digests: dict[str, dict[str, str]] = {}
    for row, fresh in changes:
        whole = row | fresh
        who, facts = (whole["actor"], whole["facts"]) if table.model is TimelineRow else (whole["who"], whole["facts"])
        salt = turn.group.salt()
        digests.setdefault(_chain(table, row), {})[str(row["id"])] = content_digest(salt, who, facts)
        sealed = fresh | {"salt": salt, "erased_by": act}
        turn.group.evidence.append((_update(table, sealed), (*sealed.values(), *_key(table, row))))
    turn.audit(intent.by, ERASED, {"as": intent.who.alias, **digests}, row_id=act)


def _chain(table: Table, row: Mapping[str, Any]) -> str:
    if table.model is TimelineRow:
        return TIMELINE
    return AUDIT if row["id"] > 0 else BESIDE


def _update(table: Table, fresh: Mapping[str, Any]) -> str:
    changes = ", ".join(f'"{name}" = ?' for name in fresh)
    return f"UPDATE {table.name} SET {changes} WHERE {_keyed(table)}"  # noqa: S608 - names are ours


def _keyed(table: Table) -> str:
    return " AND ".join(f'"{name}" = ?' for name in table.key)


def _key(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in table.key)
