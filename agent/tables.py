"""Every table of every room, for the migrations and for a store in memory."""

from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

import agent.store
import correlation.store
import escalation.store

metadata: MetaData = SQLModel.metadata
ROOMS = (agent.store, correlation.store, escalation.store)


def sqlite_ddl() -> list[str]:
    """The statements that make all tables and indexes on SQLite."""
    dialect = sqlite.dialect()
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    return statements
