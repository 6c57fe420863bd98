"""The command line, `tocsin` or `python -m agent`: each command is a file of `agent/cli`."""

import click

from agent import cli
from agent.cli.telling import Commands
from agent.version import VERSION


@click.group(cls=Commands, context_settings={"auto_envvar_prefix": "TOCSIN", "help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tocsin")
def main() -> None:
    """Alerts become incidents, incidents reach people, and nothing is lost on the way."""


for command in cli.commands:
    main.add_command(command)


if __name__ == "__main__":
    main()
