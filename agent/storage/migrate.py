"""Brings the store to the schema of this release, and refuses one that is newer."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, pool
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from agent.configuration.faults import in_words
from agent.storage.database import is_postgres, sqlalchemy_url, sqlite_path
from agent.storage.tables import postgres_guards, sqlite_guards
from agent.storage.writer import StoreDown
from agent.whereabouts import refuse_a_loss

SCRIPTS = Path(__file__).parent / "migrations"


class NewerSchema(Exception):
    """The store was written by a newer release."""


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def heads() -> tuple[str, ...]:
    """The schema of this release."""
    return tuple(ScriptDirectory.from_config(_alembic()).get_heads())


def refuse_unknown(revision: str | None) -> None:
    """Raise NewerSchema for a schema that this release does not know."""
    known = {s.revision for s in ScriptDirectory.from_config(_alembic()).walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerSchema(
            f"the store has the schema {revision}, which this release does not know: run the newer release, "
            "or restore a backup made by this one"
        )


async def upgrade(url: str) -> tuple[str | None, str]:
    """Upgrade; return the revision before and after. Call it while the store is locked.

    All of it or nothing. Raises NewerSchema, and StoreDown where the store does not take it.
    """
    try:
        if is_postgres(url):
            return await _upgrade_postgres(url)
        return await asyncio.to_thread(_upgrade_sqlite, sqlite_path(url))
    except (OSError, SQLAlchemyError) as error:
        raise StoreDown(
            f"the store cannot be brought to the schema {heads()[0]} and is as it was: {in_words(error)}; "
            "if it is no store of Tocsin, name another --storage.url"
        ) from error


async def _upgrade_postgres(url: str) -> tuple[str | None, str]:
    engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade_sqlite(path: str) -> tuple[str | None, str]:
    """In one transaction, which the driver by itself begins only after the tables are made: a power cut leaves all or
    nothing of it.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool, connect_args={"isolation_level": None})

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    before = MigrationContext.configure(connection).get_current_revision()
    refuse_unknown(before)
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    guards = postgres_guards() if connection.dialect.name == "postgresql" else sqlite_guards()
    for statement in guards:
        connection.exec_driver_sql(statement)
    return before, heads()[0]


async def current(url: str) -> str | None:
    """The revision that a store is at; None: it is empty. Raises StoreDown where one was there and is lost."""
    if is_postgres(url):
        engine = create_async_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
        await engine.dispose()
        return found
    return await asyncio.to_thread(_current_sqlite, sqlite_path(url))


def _current_sqlite(path: str) -> str | None:
    refuse_a_loss(path)
    if not Path(path).exists():
        return None
    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool)
    with engine.connect() as connection:
        found = _revision(connection)
    engine.dispose()
    return found


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
