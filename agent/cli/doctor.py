"""`tocsin doctor`: what would fail at night."""

import asyncio
import sys

import click

from agent.cli import options


@click.command(short_help="Look for what would fail at night.")
@options.config_dir
@options.pack
@options.storage
def doctor(config_dir: str, pack: str | None, storage_url: str) -> None:
    """Prove that the store is set up to keep what it is given, and that the configuration reaches people."""
    from agent.doctor import ends_with, examine

    findings = asyncio.run(examine(config_dir, pack, storage_url))
    for finding in findings:
        standing = "BAD " if not finding.good else "warn" if finding.warns else "ok  "
        click.echo(f"{standing} {finding.what}: {finding.found}")
    sys.exit(ends_with(findings))
