"""`tocsin rehearse`, `replay` and `demo`: trying things out, without a daemon that pages anybody."""

import asyncio
import sys

import click

from agent.cli import options
from agent.cli.ending import CONFIGURATION, USAGE, end, leave

_MOST_STRETCHED = 10_000


@click.command(short_help="Run scenario files on a hand clock.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@options.config_dir
def rehearse(files: tuple[str, ...], config_dir: str) -> None:
    """Run scenario files on a hand clock; say what was not as expected."""
    from agent import logs
    from agent.configuration.faults import ConfigFaults
    from agent.rehearsal.rehearse import BadScenario
    from agent.rehearsal.rehearse import rehearse as run

    logs.set_up("error")
    failed = 0
    for file in files:
        try:
            wrong = asyncio.run(run(file, config_dir))
        except (BadScenario, ConfigFaults) as faults:
            end(str(faults), CONFIGURATION)
        click.echo(f"{'FAILED' if wrong else 'ok'}  {file}")
        for line in wrong:
            click.echo(f"  {line}")
        failed += bool(wrong)
    if failed:
        end(f"{failed} of {len(files)} scenario(s) failed")


@click.command(short_help="Replay recorded webhooks.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@options.config_dir
@options.pack
@click.option("--topology", type=click.Path(exists=True, dir_okay=False), help="Take this topology.yaml instead.")
@click.option("--stretch", default=1.0, show_default=True, help="Multiply every distance in time.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write the answer file.")
@click.option("--against", type=click.Path(exists=True, file_okay=False), help="Another configuration to compare with.")
def replay(
    runs: tuple[str, ...],
    config_dir: str,
    pack: str | None,
    topology: str | None,
    stretch: float,
    out: str | None,
    against: str | None,
) -> None:
    """Replay recorded webhooks (JSON lines, or the store of a daemon) through this configuration."""
    import json
    from pathlib import Path

    from agent import logs
    from agent.configuration.faults import ConfigFaults
    from agent.rehearsal import replay as player

    logs.set_up("error")
    if not 0 < stretch <= _MOST_STRETCHED:
        end(f"--stretch must be more than 0 and at most {_MOST_STRETCHED}", USAGE)
    if out is not None and not Path(out).absolute().parent.is_dir():
        leave(f"there is no folder {Path(out).absolute().parent}: make it, or name another --out", USAGE)

    def played(site: str) -> player.Answer:
        messages = [m for run in runs for m in player.read_run(run)]
        return asyncio.run(player.replay(messages, player.load_for(site, topology, pack), stretch))

    try:
        answer = played(config_dir)
        other = played(against) if against is not None else None
    except ConfigFaults as faults:
        end(str(faults), CONFIGURATION)
    except player.BadRun as error:
        end(str(error))
    if out is not None:
        Path(out).write_text(json.dumps(answer.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for line in player.report(answer):
        click.echo(line)
    if other is not None:
        click.echo("")
        for line in player.difference(answer, other):
            click.echo(line)


@click.command(short_help="Play a two-minute outage, and say what happens.")
@click.option("--fast", is_flag=True, help="In seconds instead of two minutes.")
def demo(fast: bool) -> None:
    """Play a two-minute outage into a daemon of its own, and say what happens."""
    from agent.rehearsal.demo import main as play

    sys.exit(play(fast=fast))
