"""Which store a URL names: the one writer's connection to it, and the readers' engine."""

import re
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agent.storage.postgres import PostgresWriter
from agent.storage.sqlite import SqliteWriter


def is_postgres(url: str) -> bool:
    return url.startswith(("postgres://", "postgresql://", "postgresql+asyncpg://"))


def sqlite_path(url: str) -> str:
    """The path in `sqlite:///./var/tocsin.db` or `sqlite:////srv/tocsin.db`."""
    path = re.sub(r"^sqlite(\+aiosqlite)?:///", "", url)
    if path == url:
        raise ValueError(f"{url!r} is no storage URL: write sqlite:///./var/tocsin.db or postgresql://…")
    return path


def writer_for(url: str) -> SqliteWriter | PostgresWriter:
    """The writer of a storage URL."""
    if is_postgres(url):
        return PostgresWriter(re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql://", url))
    return SqliteWriter(sqlite_path(url))


def sqlalchemy_url(url: str) -> str:
    """The same place as SQLAlchemy's async engines name it."""
    if is_postgres(url):
        return re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql+asyncpg://", url)
    return f"sqlite+aiosqlite:///{sqlite_path(url)}"


def readers(url: str) -> AsyncEngine:
    """The engine of the API's reads: its own connections, which cannot write."""
    if is_postgres(url):
        return create_async_engine(sqlalchemy_url(url), pool_size=5, max_overflow=5, pool_pre_ping=True)
    engine = create_async_engine(sqlalchemy_url(url), connect_args={"isolation_level": None, "timeout": 10})

    @event.listens_for(engine.sync_engine, "connect")
    def _read_only(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
