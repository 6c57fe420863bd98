"""The address that the house listens on."""

import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator

from aiohttp import web


class CannotStart(Exception):
    """One sentence that says why, and what to do."""


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
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(app, auto_decompress=False, access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    site = web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port), reuse_address=True)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise _not_listening(listen, error) from error
    server = site._server
    try:
        yield server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it has started
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def holding(listen: str) -> Iterator[None]:
    """Hold the address while the store is opened: a daemon that cannot listen migrates nothing and spends no token.

    Raises CannotStart where it is in use.
    """
    host, _, port = listen.rpartition(":")
    with contextlib.ExitStack() as until_opened:
        try:
            found = socket.getaddrinfo(host.strip("[]") or "127.0.0.1", int(port), type=socket.SOCK_STREAM)
            held = until_opened.enter_context(socket.socket(found[0][0], socket.SOCK_STREAM))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(found[0][4])
        except OSError as error:
            raise _not_listening(listen, error) from error
        yield


def _not_listening(listen: str, error: OSError) -> CannotStart:
    return CannotStart(f"cannot listen on {listen}: {error.strerror or error}; name another --web.listen-address")
