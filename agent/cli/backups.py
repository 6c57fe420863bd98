"""`tocsin backup` and `tocsin restore`: a copy of the store, and the way back."""

from pathlib import Path

import click

from agent.cli import options
from agent.cli.ending import UNREACHABLE, leave


@click.command(short_help="Copy the store into a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.storage
def backup(file: Path, storage_url: str) -> None:
    """Copy the store into FILE, a new one, also beside a running daemon: whole, and of one moment."""
    from agent.storage.backup import BadBackup, backup
    from agent.storage.writer import StoreDown

    try:
        schema = backup(storage_url, file)
    except BadBackup as error:
        leave(str(error))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    click.echo(f"{file}: {file.stat().st_size / 1024 / 1024:.1f} MiB, schema {schema}")


@click.command(short_help="Put a copy in the place of the store.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.storage
def restore(file: Path, storage_url: str) -> None:
    """Put FILE, made by `tocsin backup`, in the place of the store; stop the daemon first.

    What came due since FILE was made is taken at the next start, marked late; a page that FILE does not know as sent
    goes out again, under the same key.
    """
    from agent.clock import SystemClock
    from agent.storage.backup import BadBackup, restore
    from agent.storage.migrate import NewerSchema
    from agent.storage.writer import StoreDown, StoreTaken

    try:
        aside = restore(storage_url, file, SystemClock().now())
    except (BadBackup, NewerSchema, StoreTaken) as error:
        leave(str(error))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    click.echo("restored" if aside is None else f"restored; what was there lies at {aside}")
