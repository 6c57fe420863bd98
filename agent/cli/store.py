"""`tocsin db`: the schema of the store."""

import asyncio

import click

from agent.cli import options
from agent.cli.ending import UNREACHABLE, leave


@click.group()
def db() -> None:
    """Look after the store."""


@db.command("upgrade")
@options.storage
def db_upgrade(storage_url: str) -> None:
    """Bring the store to the schema of this release."""
    from agent.storage import migrate
    from agent.storage.database import writer_for
    from agent.storage.writer import StoreDown, StoreTaken

    async def upgrade() -> tuple[str | None, str]:
        writer = writer_for(storage_url)
        await writer.open()
        try:
            return await migrate.upgrade(storage_url)
        finally:
            await writer.close()

    try:
        before, after = asyncio.run(upgrade())
    except (StoreTaken, migrate.NewerSchema) as error:
        leave(str(error))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    click.echo(f"{before or 'empty'} -> {after}")


@db.command("compact", short_help="Give the room of rows that were let go of back to the disk.")
@options.storage
def db_compact(storage_url: str) -> None:
    """Write the store (SQLite) anew without the room of rows that were let go of; stop the daemon first.

    It needs as much room beside the store as is left of it in the end.
    """
    from agent.storage.backup import BadBackup
    from agent.storage.compact import compact
    from agent.storage.migrate import NewerSchema
    from agent.storage.writer import StoreDown, StoreTaken

    try:
        before, after = compact(storage_url)
    except (BadBackup, NewerSchema, StoreTaken) as error:
        leave(str(error))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    click.echo(f"{before / 1024 / 1024:.1f} MiB -> {after / 1024 / 1024:.1f} MiB")


@db.command("current")
@options.storage
def db_current(storage_url: str) -> None:
    """Print the schema of the store and of this release."""
    from sqlalchemy.exc import SQLAlchemyError

    from agent.configuration.faults import in_words
    from agent.storage import migrate
    from agent.storage.writer import StoreDown

    try:
        found = asyncio.run(migrate.current(storage_url))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    except (OSError, TimeoutError, SQLAlchemyError) as error:
        leave(f"the store cannot be read: {in_words(error)}", UNREACHABLE)
    click.echo(f"store {found or 'empty'}, release {migrate.heads()[0]}")
