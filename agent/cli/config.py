"""`tocsin config`: the configuration as it is in force."""

import click

from agent.cli import options
from agent.cli.ending import UNREACHABLE, leave, read_config


@click.group()
def config() -> None:
    """Show the configuration."""


@config.command("show")
@options.config_dir
@options.pack
def config_show(config_dir: str, pack: str | None) -> None:
    """Print the effective configuration; secrets are masked."""
    from agent.configuration.show import effective_text

    click.echo(effective_text(read_config(config_dir, pack)))


@config.command("export", short_help="Print it as YAML with the origin of each value.")
@options.config_dir
@options.pack
@options.storage
def config_export(config_dir: str, pack: str | None, storage_url: str) -> None:
    """Print the effective configuration as YAML with its origins, and what people laid over it."""
    from agent.clock import SystemClock
    from agent.configuration.export import exported, rows_exported
    from agent.storage.writer import StoreDown

    files = exported(read_config(config_dir, pack))
    try:
        rows = rows_exported(storage_url, SystemClock().now())
    except StoreDown as error:
        leave(str(error), UNREACHABLE)
    click.echo(files)
    if rows:
        click.echo(rows)


@config.command("schema")
def config_schema() -> None:
    """Print the JSON schema of every file, for editors."""
    import json

    from agent.configuration.schemas import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
