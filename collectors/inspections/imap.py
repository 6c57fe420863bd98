"""Reads a mailbox by IMAP: what is unseen becomes a report, and is marked as seen once that is stored."""

import asyncio
import contextlib
import imaplib
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from collectors.rule import Span, parse_span
from collectors.source import Finding, InspectionConfig, Letter, Reading, Unreachable

_AT_ONCE = 20
"""Mails that one look takes out of the mailbox; the next look takes the next ones."""
LARGEST = 32 * 1024 * 1024
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
_LETTERS = re.compile(r"([\x20-\x7e]+)|([^\x20-\x7e]+)")
_SIZE = re.compile(rb"RFC822\.SIZE ([0-9]+)")


class Config(InspectionConfig):
    """`port` is that of `tls` unless written: 993 with `implicit`, else 143."""

    type: Literal["imap"]
    host: str
    port: int | None = Field(None, ge=1, le=65535)
    username: str
    password: str
    folder: str = "INBOX"
    tls: Literal["none", "starttls", "implicit"] = "implicit"
    verify_tls: bool = True
    ca_file: str | None = None
    timeout: Span = parse_span("10s")
    acknowledge: str | None = None


class Inspect:
    """Each look has a connection of its own, in a thread: imaplib knows no asyncio, and its sockets a deadline."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self.port = config.port or _PORTS[config.tls]

    async def read(self, now: datetime) -> list[Reading | Finding | Letter]:
        """The unseen mails, the oldest first. Raises Unreachable."""
        found: list[Reading | Finding | Letter] = []
        found.extend(await asyncio.to_thread(self._said, self._fetch))
        return found

    async def taken(self, ids: list[str]) -> None:
        """Mark these as seen. Raises Unreachable: they are fetched again, and known again by their Message-ID."""
        await asyncio.to_thread(self._said, self._mark, ids)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _said(self, do: Any, *arguments: Any) -> Any:
        where = f"{self._config.host}:{self.port}"
        try:
            with self._mailbox() as mailbox:
                return do(mailbox, *arguments)
        except imaplib.IMAP4.error as error:
            why = str(error)[:200]
            raise Unreachable(f"{where} refuses {self._config.username} or its folder: {why}; check both") from error
        except (OSError, EOFError, ValueError) as error:
            raise Unreachable(f"{where} cannot be reached or went silent: {type(error).__name__}: {error}") from error

    @contextmanager
    def _mailbox(self) -> Iterator[imaplib.IMAP4]:
        config, deadline = self._config, self._config.timeout.total_seconds()
        if config.tls == "implicit":
            mailbox: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                config.host, self.port, ssl_context=self._context(), timeout=deadline
            )
        else:
            mailbox = imaplib.IMAP4(config.host, self.port, timeout=deadline)
        try:
            if config.tls == "starttls":
                mailbox.starttls(self._context())
            self._login(mailbox)
            _good(mailbox.select(_quoted(config.folder)))
            yield mailbox
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError, EOFError):
                mailbox.logout()

    def _login(self, mailbox: imaplib.IMAP4) -> None:
        name, password = self._config.username, self._config.password
        if name.isascii() and password.isascii():
            mailbox.login(name, password)
        else:  # LOGIN knows no other letters
            mailbox.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._config.ca_file)
        if not self._config.verify_tls:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _fetch(self, mailbox: imaplib.IMAP4) -> list[Letter]:
        unseen = _good(mailbox.uid("SEARCH", "UNSEEN"))[0] or b""
        letters = []
        for uid in unseen.split()[:_AT_ONCE]:
            number = uid.decode("ascii")
            letters.append(Letter(number, self._body(mailbox, number)))
        return letters

    def _body(self, mailbox: imaplib.IMAP4, uid: str) -> bytes:
        """The mail as it came; of one that is too large its head, so that it is told whose it was."""
        told = _good(mailbox.uid("FETCH", uid, "(RFC822.SIZE)"))
        size = next((int(found[1]) for found in (_SIZE.search(_flat(part)) for part in told) if found), 0)
        wanted = "(BODY.PEEK[])" if size <= LARGEST else "(BODY.PEEK[HEADER])"
        parts = _good(mailbox.uid("FETCH", uid, wanted))
        return next((part[1] for part in parts if isinstance(part, tuple)), b"")

    def _mark(self, mailbox: imaplib.IMAP4, ids: list[str]) -> None:
        _good(mailbox.uid("STORE", ",".join(ids), "+FLAGS.SILENT", r"(\Seen)"))


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    """What was answered. Raises IMAP4.error where it is no OK."""
    status, found = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"{status} {found!r}"[:200])
    return found


def _quoted(folder: str) -> str:
    """A folder's name as IMAP writes it: other letters in its own kind of UTF-7 (RFC 3501, 5.1.3)."""
    parts = []
    for plain, other in _LETTERS.findall(folder):
        coded = b64encode(other.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        parts.append(plain.replace("&", "&-") if plain else f"&{coded}-")
    escaped = "".join(parts).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _flat(part: Any) -> bytes:
    found: Any = part[0] if isinstance(part, tuple) else part
    return found if isinstance(found, bytes) else b""
