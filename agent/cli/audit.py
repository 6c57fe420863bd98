"""`tocsin audit verify`: on the store itself, also beside a running daemon."""

import asyncio
import re

import click

from agent.cli import options
from agent.cli.ending import FAILED, UNREACHABLE, leave

_NOTED = re.compile(r"(timeline|audit|command line):(-?[0-9]{1,18}):([0-9a-f]{64})")


@click.group()
def audit() -> None:
    """The evidence: what happened, and who did what."""


@audit.command(short_help="Find every row that was tampered with.")
@click.option("--expect", multiple=True, help="A head that was noted before, as this command or the log printed it.")
@options.storage
def verify(expect: tuple[str, ...], storage_url: str) -> None:
    """Find every row that was edited, deleted, inserted, moved or cut off."""
    from agent.evidence import NoEvidence, examine

    noted: dict[str, dict[int, str]] = {}
    for head in expect:
        found = _NOTED.fullmatch(head.strip())
        if found is None:
            raise click.UsageError(f"{head!r} is no head: write it as it was printed, timeline:1042:9f2c…")
        noted.setdefault(found[1], {})[int(found[2])] = found[3]
    try:
        report = asyncio.run(examine(storage_url, noted))
    except NoEvidence as error:
        leave(str(error), UNREACHABLE)
    for fault in report.faults:
        click.echo(f"{fault.chain} row {fault.row}: {fault.text}")
    for head in report.heads:
        chain = head.partition(":")[0]
        click.echo(f"{report.rows[chain]} row(s), head {head}")
    if report.faults:
        leave(f"{len(report.faults)} fault(s): the evidence is not what was written", FAILED)
    click.echo("whole")
