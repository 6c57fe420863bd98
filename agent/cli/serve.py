"""`tocsin serve`: the daemon."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import click

from agent.cli import options
from agent.cli.ending import UNREACHABLE, USAGE, leave, read_config


@click.command(short_help="Run the daemon.")
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
    from agent import logs, process
    from agent.cli.welcome import greet
    from agent.daemon import Options
    from agent.http.listening import BadAddress, CannotStart, address, check_url
    from agent.http.proxies import BadProxies, Proxies
    from agent.storage.migrate import NewerSchema
    from agent.storage.writer import StoreDown, StoreTaken

    process.end_at_once_when_asked()
    logs.set_up(log_level, log_format)
    proxies = tuple(filter(None, trusted_proxies.split(",")))
    try:
        Proxies(proxies)
        address(listen)
        check_url(external_url)
    except (BadProxies, BadAddress) as error:
        leave(str(error), USAGE)
    config = read_config(config_dir, pack, library_later=True)
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    asked = Options(config_dir, pack, listen, external_url, proxies, storage_url)
    try:
        _run(process.serve(asked, config, lambda d, port: greet(d, port, full=welcome), lambda: bool(hung_up)))
    except (CannotStart, StoreTaken, NewerSchema, ValueError) as error:
        leave(str(error))
    except StoreDown as error:
        leave(str(error), UNREACHABLE)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run it on uvloop, where that is installed."""
    try:
        import uvloop

        uvloop.run(work)
    except ImportError:
        asyncio.run(work)
