"""`tocsin check`: what is written, before it goes live."""

import click

from agent.cli import options
from agent.cli.check_alert import check_alert
from agent.cli.ending import read_config
from agent.cli.printing import cut_to

_ORIGIN = 200
"""The columns of a value and where it is from: all of it stands in `config show`."""


@click.group()
def check() -> None:
    """Check what is written before it goes live."""


@check.command("config", short_help="Print every fault, else where each value is from.")
@options.config_dir
@options.pack
@click.option("--strict", is_flag=True, help="Take every warning for an error.")
def check_config(config_dir: str, pack: str | None, strict: bool) -> None:
    """Read the whole configuration; print every fault as file:line:col, else which file:line each value is from."""
    from agent.clock import SystemClock
    from agent.configuration.show import origins

    config = read_config(config_dir, pack, strict=strict, now=SystemClock().now())
    for line in origins(config):
        click.echo(cut_to(line, _ORIGIN))
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    for note in config.notes:
        click.echo(f"note: {note}", err=True)
    # Last, where a terminal still shows it.
    click.echo(
        f"{config_dir}: good; pack {config.pack}, {len(config.sources)} source(s), {len(config.people)} people, "
        f"{len(config.inspections)} inspection(s), {len(config.known_errors)} known error(s)"
    )


check.add_command(check_alert)
