"""The client commands of the command line."""

import click

commands: list[click.Command] = []
