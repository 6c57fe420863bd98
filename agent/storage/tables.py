"""Every table of every room, for the migrations and for a store in memory."""

from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

import agent.storage.store
import correlation.store
import escalation.store
import knowledge.store

metadata: MetaData = SQLModel.metadata
ROOMS = (agent.storage.store, correlation.store, escalation.store, knowledge.store)


GUARDED = ("timeline", "audit")
UNLOCK = "INSERT INTO meta (key, value) VALUES ('unlocked', ?)"
LOCK = "DELETE FROM meta WHERE key = 'unlocked' AND value = ?"
"""Between them, in one transaction, an erasure or the retention may change evidence."""
_LOCKED = "NOT EXISTS (SELECT 1 FROM meta WHERE key = 'unlocked')"


def sqlite_guards() -> list[str]:
    """Triggers that refuse to change or delete evidence."""
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{act} BEFORE {act.upper()} ON {table} WHEN {_LOCKED} "
        f"BEGIN SELECT RAISE(ABORT, 'the {table} is append-only'); END"
        for table in GUARDED
        for act in ("update", "delete")
    ]


def postgres_guards() -> list[str]:
    """The same on PostgreSQL."""
    refuse = (
        f"CREATE OR REPLACE FUNCTION tocsin_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_LOCKED} THEN RAISE EXCEPTION 'the % is append-only', TG_TABLE_NAME "
        f"USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    return [
        refuse,
        *(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION tocsin_append_only()"
            for table in GUARDED
        ),
    ]


def sqlite_ddl() -> list[str]:
    """The statements that make all tables, indexes and guards on SQLite."""
    dialect = sqlite.dialect()
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    return [*statements, *sqlite_guards()]
