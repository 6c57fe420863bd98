"""A mailbox that speaks as much IMAP as a reader needs, and refuses what a test tells it to."""

import asyncio
import re
from typing import Self


class Mailbox:
    """`refuses` holds the commands that are answered NO; `silent` in it: nothing is answered at all."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.seen: set[int] = set()
        self.refuses: set[str] = set()
        self.port = 0
        self._talks: set[asyncio.Task[None]] = set()

    def deliver(self, *mails: bytes) -> None:
        self.mails.extend(mails)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            if "silent" not in self.refuses:
                writer.write(b"* OK ready\r\n")
            while line := await reader.readline():
                tag, _, rest = line.decode().strip().partition(" ")
                if "silent" not in self.refuses:
                    writer.write(self._answer(tag, rest.removeprefix("UID ")))
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._talks.discard(task)
            writer.close()

    def _answer(self, tag: str, said: str) -> bytes:
        command = said.split(" ", maxsplit=1)[0].upper()
        if command in self.refuses:
            return f"{tag} NO not now\r\n".encode()
        told = b""
        if command == "CAPABILITY":
            told = b"* CAPABILITY IMAP4rev1\r\n"
        elif command == "SELECT":
            told = f"* {len(self.mails)} EXISTS\r\n".encode()
        elif command == "SEARCH":
            unseen = [str(n) for n in range(1, len(self.mails) + 1) if n not in self.seen]
            told = f"* SEARCH {' '.join(unseen)}\r\n".encode()
        elif command == "FETCH":
            told = self._fetched(int(said.split(" ")[1]), said)
        elif command == "STORE":
            self.seen |= {int(n) for n in re.findall(r"[0-9]+", said.split(" ")[1])}
        elif command == "LOGOUT":
            told = b"* BYE\r\n"
        return told + f"{tag} OK done\r\n".encode()

    def _fetched(self, number: int, said: str) -> bytes:
        mail = self.mails[number - 1]
        if "SIZE" in said:
            return f"* {number} FETCH (UID {number} RFC822.SIZE {len(mail)})\r\n".encode()
        return f"* {number} FETCH (UID {number} BODY[] {{{len(mail)}}}\r\n".encode() + mail + b")\r\n"
