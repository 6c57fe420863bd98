"""Receivers that misbehave on the wire, each on a free port of loopback, and the page that is sent to them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from escalation.delivery import Message, PageToSend

CREATED = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def page(**changed: Any) -> PageToSend:
    """A page as the outbox hands it to a notifier."""
    said: dict[str, Any] = {
        "page": 7,
        "key": "4be0643f1d98573b97caca98a65347dd",
        "incident": "INC-20260302-0001",
        "step": "2/p75",
        "target": "ana",
        "to": "ana@example.org",
        "attempt": 2,
        "notifier": "hook",
        "message": Message(
            "[INC-20260302-0001 sev2] 磁盘已满", "原因:磁盘已满 ü\n", "short", {"incident": {"state": "new"}}
        ),
        "created_at": CREATED,
    }
    return PageToSend(**{**said, **changed})


class Connections:
    """A server that runs `talk` for each connection; `count` tells how many there were, `heard` what was read."""

    def __init__(self) -> None:
        self.port = 0
        self.count = 0
        self.heard = bytearray()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


Talk = Callable[[Connections, asyncio.StreamReader, asyncio.StreamWriter], Any]


@contextlib.asynccontextmanager
async def serving(talk: Talk, certificate: Path | None = None) -> AsyncIterator[Connections]:
    """Serve raw connections (over TLS with a certificate) until the block ends; then all of them are cut."""
    served, talks = Connections(), set[asyncio.Task[Any]]()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.count += 1
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(served, reader, writer)
        writer.transport.abort()

    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def whole_request(served: Connections, reader: asyncio.StreamReader) -> None:
    """Read one HTTP request to the end of its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
    served.heard += head + await reader.readexactly(length)


def answers(*parts: bytes, then: str = "close") -> Talk:
    """An HTTP receiver that reads a request, writes the parts one by one, and then closes or hangs."""

    async def talk(served: Connections, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(served, reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then == "hang":
            await reader.read()

    return talk


def speaks_smtp(replies: Mapping[str, str | None], *, greeting: str = "220 sink") -> Talk:
    """A mail server that answers each verb (`BODY`: the mail itself) as written; None cuts the connection."""
    usual = {
        "EHLO": "250 sink",
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "DATA": "354 go on",
        "BODY": "250 kept",
        "QUIT": "221 bye",
    }
    said = {**usual, **replies}

    async def talk(served: Connections, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode() + b"\r\n")
        while line := await reader.readline():
            served.heard += line
            verb = line[:4].decode("latin-1").upper().strip()
            answer = said.get(verb, "502 no")
            if answer is None:
                return
            writer.write(answer.encode() + b"\r\n")
            if answer.startswith("354"):
                served.heard += await reader.readuntil(b"\r\n.\r\n")
                answer = said["BODY"]
                if answer is None:
                    return
                writer.write(answer.encode() + b"\r\n")

    return talk
