"""How a command ends: with a sentence on standard error, and an exit code that scripts can tell apart."""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from agent.configuration.config import Config

FAILED, USAGE, CONFIGURATION, UNREACHABLE = 1, 2, 3, 4


def leave(text: str, code: int = FAILED) -> NoReturn:
    """Say why in a sentence of ours, and end with this code."""
    end(f"tocsin: {text}", code)


def end(text: str, code: int = FAILED) -> NoReturn:
    """Print what stands by itself, such as faults with their files, and end with this code."""
    click.echo(text, err=True)
    sys.exit(code)


def read_config(config_dir: str, pack: str | None, **how: Any) -> "Config":
    """Return the configuration, read as `load` is told `how`; where it has faults print them all, and end (3)."""
    from agent.configuration.faults import ConfigFaults
    from agent.configuration.load import load

    try:
        return load(config_dir, pack, **how)
    except ConfigFaults as faults:
        end(str(faults), CONFIGURATION)
