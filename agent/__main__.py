"""The command line: `tocsin serve`, `check`, `rehearse`, `replay` and the client commands."""

import asyncio
import signal
import sys
from typing import Any

import click

from agent import cli
from agent.cli import options
from agent.cli.alert import check_alert
from agent.cli.client import cut_to
from agent.cli.telling import Commands
from agent.version import VERSION

_MOST_STRETCHED = 10_000
_ORIGIN = 200
"""The columns of a value and where it is from: all of it stands in `config show`."""
OK, FAILED, USAGE, CONFIGURATION, UNREACHABLE = 0, 1, 2, 3, 4


@click.group(cls=Commands, context_settings={"auto_envvar_prefix": "TOCSIN", "help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tocsin")
def main() -> None:
    """Alerts become incidents, incidents reach people, and nothing is lost on the way."""


def fail(text: str, code: int = FAILED) -> None:
    """Say why, and leave."""
    click.echo(text, err=True)
    sys.exit(code)


@main.command(short_help="Run the daemon.")
@options.config_dir
@options.pack
@click.option(
    "--web.listen-address", "listen", default="127.0.0.1:9099", show_default=True, envvar="TOCSIN_WEB_LISTEN_ADDRESS"
)
@click.option("--web.external-url", "external_url", default="", envvar="TOCSIN_WEB_EXTERNAL_URL")
@click.option(
    "--web.trusted-proxies",
    "trusted_proxies",
    default="",
    envvar="TOCSIN_WEB_TRUSTED_PROXIES",
    help="Networks whose proxies are believed about the client: 10.0.0.0/8,::1.",
)
@options.storage
@click.option(
    "--log.level",
    "log_level",
    default="info",
    show_default=True,
    envvar="TOCSIN_LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"]),
)
@click.option(
    "--log.format",
    "log_format",
    default="logfmt",
    show_default=True,
    envvar="TOCSIN_LOG_FORMAT",
    type=click.Choice(["logfmt", "json", "console"]),
)
@click.option("--welcome", is_flag=True, help="Say what to try next.")
def serve(
    config_dir: str,
    pack: str | None,
    listen: str,
    external_url: str,
    trusted_proxies: str,
    storage_url: str,
    log_level: str,
    log_format: str,
    welcome: bool,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads the configuration."""
    hung_up: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: hung_up.append(number))
    from agent import daemon, logs
    from agent.configuration.config import ConfigFaults, load
    from agent.http.listening import BadAddress, CannotStart, address, check_url
    from agent.http.proxies import BadProxies, Proxies
    from agent.storage.migrate import NewerSchema
    from agent.storage.writer import StoreDown, StoreTaken
    from agent.welcome import greet

    logs.set_up(log_level, log_format)
    proxies = tuple(filter(None, trusted_proxies.split(",")))
    try:
        Proxies(proxies)
        address(listen)
        check_url(external_url)
        config = load(config_dir, pack, library_later=True)
    except (BadProxies, BadAddress) as error:
        fail(f"tocsin: {error}", USAGE)
        return
    except ConfigFaults as faults:
        fail(str(faults), CONFIGURATION)
        return
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    asked = daemon.Options(config_dir, pack, listen, external_url, proxies, storage_url)
    try:
        _run(daemon.serve(asked, config, lambda d, port: greet(d, port, full=welcome), lambda: bool(hung_up)))
    except (CannotStart, StoreTaken, NewerSchema, ValueError) as error:
        fail(f"tocsin: {error}")
    except StoreDown as error:
        fail(f"tocsin: {error}", UNREACHABLE)


def _run(work: Any) -> None:
    try:
        import uvloop

        uvloop.run(work)
    except ImportError:
        asyncio.run(work)


@main.group()
def check() -> None:
    """Check what is written before it goes live."""


@check.command("config", short_help="Print every fault, else where each value is from.")
@options.config_dir
@options.pack
@click.option("--strict", is_flag=True, help="Take every warning for an error.")
def check_config(config_dir: str, pack: str | None, strict: bool) -> None:
    """Read the whole configuration; print every fault as file:line:col, else which file:line each value is from."""
    from agent.clock import SystemClock
    from agent.configuration.config import ConfigFaults, load
    from agent.configuration.show import origins

    try:
        config = load(config_dir, pack, strict=strict, now=SystemClock().now())
    except ConfigFaults as faults:
        fail(str(faults), CONFIGURATION)
        return
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


@main.group("config")
def config_group() -> None:
    """Show the configuration."""


@config_group.command("show")
@options.config_dir
@options.pack
def config_show(config_dir: str, pack: str | None) -> None:
    """Print the effective configuration; secrets are masked."""
    from agent.configuration.config import ConfigFaults, load
    from agent.configuration.show import effective_text

    try:
        click.echo(effective_text(load(config_dir, pack)))
    except ConfigFaults as faults:
        fail(str(faults), CONFIGURATION)


@config_group.command("export", short_help="Print it as YAML with the origin of each value.")
@options.config_dir
@options.pack
@options.storage
def config_export(config_dir: str, pack: str | None, storage_url: str) -> None:
    """Print the effective configuration as YAML with its origins, and what people laid over it."""
    from agent.clock import SystemClock
    from agent.configuration.config import ConfigFaults, load
    from agent.configuration.export import exported, rows_exported
    from agent.storage.writer import StoreDown

    try:
        files = exported(load(config_dir, pack))
        rows = rows_exported(storage_url, SystemClock().now())
    except ConfigFaults as faults:
        fail(str(faults), CONFIGURATION)
        return
    except StoreDown as error:
        fail(f"tocsin: {error}", UNREACHABLE)
        return
    click.echo(files)
    if rows:
        click.echo(rows)


@config_group.command("schema")
def config_schema() -> None:
    """Print the JSON schema of every file, for editors."""
    import json

    from agent.configuration.config import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@main.group()
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
        fail(f"tocsin: {error}")
        return
    except StoreDown as error:
        fail(f"tocsin: {error}", UNREACHABLE)
        return
    click.echo(f"{before or 'empty'} -> {after}")


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
        fail(f"tocsin: {error}", UNREACHABLE)
        return
    except (OSError, TimeoutError, SQLAlchemyError) as error:
        fail(f"tocsin: the store cannot be read: {in_words(error)}", UNREACHABLE)
        return
    click.echo(f"store {found or 'empty'}, release {migrate.heads()[0]}")


@main.command(short_help="Run scenario files on a hand clock.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@options.config_dir
def rehearse(files: tuple[str, ...], config_dir: str) -> None:
    """Run scenario files on a hand clock; say what was not as expected."""
    from agent import logs
    from agent.configuration.config import ConfigFaults
    from agent.rehearsal.rehearse import BadScenario
    from agent.rehearsal.rehearse import rehearse as run

    logs.set_up("error")
    failed = 0
    for file in files:
        try:
            wrong = asyncio.run(run(file, config_dir))
        except (BadScenario, ConfigFaults) as faults:
            fail(str(faults), CONFIGURATION)
            return
        click.echo(f"{'FAILED' if wrong else 'ok'}  {file}")
        for line in wrong:
            click.echo(f"  {line}")
        failed += bool(wrong)
    if failed:
        fail(f"{failed} of {len(files)} scenario(s) failed")


@main.command(short_help="Replay recorded webhooks.")
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
    from agent.configuration.config import ConfigFaults
    from agent.rehearsal import replay as player

    logs.set_up("error")
    if not 0 < stretch <= _MOST_STRETCHED:
        fail(f"--stretch must be more than 0 and at most {_MOST_STRETCHED}", USAGE)
    if out is not None and not Path(out).absolute().parent.is_dir():
        fail(f"tocsin: there is no folder {Path(out).absolute().parent}: make it, or name another --out", USAGE)
    try:
        messages = [m for run in runs for m in player.read_run(run)]
        answer = asyncio.run(player.replay(messages, player.load_for(config_dir, topology, pack), stretch))
        other = None
        if against is not None:
            messages = [m for run in runs for m in player.read_run(run)]
            other = asyncio.run(player.replay(messages, player.load_for(against, topology, pack), stretch))
    except ConfigFaults as faults:
        fail(str(faults), CONFIGURATION)
        return
    except player.BadRun as error:
        fail(str(error))
        return
    if out is not None:
        Path(out).write_text(json.dumps(answer.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for line in player.report(answer):
        click.echo(line)
    if other is not None:
        click.echo("")
        for line in player.difference(answer, other):
            click.echo(line)


@main.command(short_help="Look for what would fail at night.")
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


@main.command(short_help="Play a two-minute outage, and say what happens.")
@click.option("--fast", is_flag=True, help="In seconds instead of two minutes.")
def demo(fast: bool) -> None:
    """Play a two-minute outage into a daemon of its own, and say what happens."""
    from agent.rehearsal.demo import main as play

    sys.exit(play(fast=fast))


for command in cli.commands:
    main.add_command(command)


if __name__ == "__main__":
    main()
