"""The address that the house listens on."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

from aiohttp import web

from agent.http.door import Door, most_connections

_LAST_PORT = 65_535
_BACKLOG = 512
"""Connections that may wait to be taken while the loop is busy."""


class CannotStart(Exception):
    """One sentence that says why, and what to do."""


class BadAddress(ValueError):
    """A flag that is no address; the text says what to write."""


def address(listen: str) -> tuple[str, int]:
    """The host and the port of `host:port` (`[::1]:9099`, `:9099` on loopback). Raises BadAddress."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port[:6]) > _LAST_PORT:
        raise BadAddress(f"{listen!r} is no address to listen on: write --web.listen-address=127.0.0.1:9099")
    return host.strip("[]") or "127.0.0.1", int(port)


def check_url(url: str) -> None:
    """Raise BadAddress unless it is "" or a URL that can stand in front of a path."""
    try:
        found = urlsplit(url)
        good = not url or (found.scheme in ("http", "https") and found.hostname and not found.query + found.fragment)
    except ValueError:
        good = False
    if not good:
        raise BadAddress(f"{url!r} is no address of ours: write --web.external-url=https://tocsin.example.org")


def is_loopback(listen: str) -> bool:
    """Whether only this machine can reach the address."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.asynccontextmanager
async def serving(app: web.Application, listen: str) -> AsyncIterator[int]:
    """Listen; yields the port. Raises CannotStart where it is in use."""
    host, port = address(listen)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    door = Door(_server_of(runner), most_connections())
    loop = asyncio.get_running_loop()
    try:
        listener = await loop.create_server(door, host, port, reuse_address=True, backlog=_BACKLOG)
    except OSError as error:
        door.close()
        await runner.cleanup()
        raise _not_listening(listen, error) from error
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        door.close()
        await runner.cleanup()


def _server_of(runner: web.AppRunner) -> web.Server:
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is set up first")
    return server


@contextlib.contextmanager
def holding(listen: str) -> Iterator[None]:
    """Hold the address while the store is opened: a daemon that cannot listen migrates nothing and spends no token.

    Raises CannotStart where it is in use.
    """
    host, port = address(listen)
    with contextlib.ExitStack() as until_opened:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            held = until_opened.enter_context(socket.socket(found[0][0], socket.SOCK_STREAM))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(found[0][4])
        except OSError as error:
            raise _not_listening(listen, error) from error
        yield


def _not_listening(listen: str, error: OSError) -> CannotStart:
    return CannotStart(
        f"cannot listen on {listen}: {error.strerror or error}; name another --web.listen-address (`make run PORT=…`), "
        "or stop what has it"
    )
