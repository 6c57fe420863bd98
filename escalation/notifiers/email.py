"""Sends a page by SMTP; one thread of mails per incident."""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import aiosmtplib
from pydantic import field_validator

from collectors.rule import Span, parse_span
from escalation.delivery import ChannelConfig, PageToSend, Undeliverable

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_NAMED = re.compile(r"[^\x00-\x1f\x7f<>@,;:]*<([^<>]*)>")
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,240}>")
"""An id of a mail that a header holds as it is."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
_PORTS = {"none": 25, "starttls": 587, "implicit": 465}
_FAREWELL_S = 1.0
# Bodies are never 8 bit, so that a relay which knows no 8BITMIME has nothing to refuse or to spoil.
_POLICY = SMTP.clone(cte_type="7bit")


class Config(ChannelConfig):
    """`port` is that of `tls` unless written: 25 without, 587 with `starttls`, 465 with `implicit`.

    `sender` may carry a name: `Tocsin <tocsin@example.org>`.
    """

    type: Literal["email"]
    host: str
    port: int | None = None
    sender: str
    username: str | None = None
    password: str | None = None
    tls: Literal["none", "starttls", "implicit"] = "none"
    timeout: Span = parse_span("20s")

    @field_validator("sender")
    @classmethod
    def _an_address(cls, sender: str) -> str:
        if address_of(sender) is None:
            raise ValueError("the sender is no mail address: write tocsin@example.org or Tocsin <tocsin@example.org>")
        return sender


def address_of(text: str) -> str | None:
    """The bare mail address of `ana@example.org` or `Ana <ana@example.org>`; None where it is none or hides another."""
    found = _NAMED.fullmatch(text)
    address = found[1] if found else text
    return address if _ADDRESS.fullmatch(address) else None


class Notify:
    """Each mail has a connection of its own. A 5xx is for good, a 4xx passes (greylisting, a full disk)."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sender = address_of(config.sender) or config.sender
        self.port = config.port or _PORTS[config.tls]

    async def send(self, page: PageToSend) -> str | None:
        address = address_of(page.to)
        if address is None:
            raise Undeliverable(f"{page.to[:100]!r} is no mail address: write it in people.yaml", permanent=True)
        mail = self._mail(page, address)
        client = self._client()
        handed_over = False
        try:
            async with asyncio.timeout(self._config.timeout.total_seconds()):
                await client.connect()
                await client.mail(self._sender)
                await client.rcpt(address)
                handed_over = True
                await client.data(mail.as_bytes())
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise self._undeliverable(error, handed_over) from error
        else:
            await _part(client)
        finally:
            client.close()
        return str(mail["Message-ID"])

    def _client(self) -> aiosmtplib.SMTP:
        config = self._config
        return aiosmtplib.SMTP(
            hostname=config.host,
            port=self.port,
            username=config.username,
            password=config.password,
            use_tls=config.tls == "implicit",
            start_tls=config.tls == "starttls",
            timeout=config.timeout.total_seconds(),
        )

    def _undeliverable(self, error: Exception, handed_over: bool) -> Undeliverable:
        """What a failure means. Once the mail was handed over, silence is not a no."""
        host = self._config.host
        if isinstance(error, aiosmtplib.SMTPResponseException):
            if error.code < 0:  # an answer that is no SMTP
                return Undeliverable(f"{host} gave no readable answer", unknown=handed_over)
            if isinstance(error, aiosmtplib.SMTPAuthenticationError):
                why = f"{host} refuses the login: {error.code}, check username and password"
            else:
                why = f"{host} refuses the mail: {error.code} {_UNPRINTABLE.sub(' ', error.message)}"[:300]
            return Undeliverable(why, permanent=error.code >= 500)
        if handed_over:
            return Undeliverable(f"{host} did not say whether it took the mail", unknown=True)
        if isinstance(error, OSError | TimeoutError):
            return Undeliverable(f"{host}:{self.port} cannot be reached: {_why_unreachable(error)}")
        # What is left is a server that lacks what the configuration asks for.
        lacking = "login" if "AUTH" in str(error) else "STARTTLS"
        return Undeliverable(f"{host} offers no {lacking}: change tls or username of the notifier", permanent=True)

    def _mail(self, page: PageToSend, address: str) -> EmailMessage:
        """The same Message-ID for each attempt; References to the thread of the incident, or to what it answers."""
        domain = self._sender.rpartition("@")[2]
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self._config.sender
        mail["To"] = address
        mail["Subject"] = _line(page.message.subject)
        if page.created_at is not None:
            mail["Date"] = format_datetime(page.created_at)
        mail["Message-ID"] = f"<{page.key}@{domain}>"
        thread = f"<{page.incident or page.key}@{domain}>"
        answered = page.answers if _ID.fullmatch(page.answers) else ""
        mail["In-Reply-To"] = answered or thread
        mail["References"] = f"{answered} {thread}" if answered else thread
        mail["Auto-Submitted"] = "auto-replied" if page.answers else "auto-generated"
        mail["Idempotency-Key"] = page.key
        mail["X-Tocsin-Incident"] = page.incident
        mail["X-Tocsin-Step"] = page.step
        mail["X-Tocsin-Target"] = _line(page.target)
        mail["X-Tocsin-Attempt"] = str(page.attempt)
        mail.set_content(page.message.text)
        return mail

    async def close(self) -> None:
        """Nothing to let go of: each mail has a connection of its own."""


def _why_unreachable(error: Exception) -> str:
    """The cause in words: check DNS, the certificate, the port."""
    cause = error.__cause__ if isinstance(error, aiosmtplib.SMTPConnectError) and error.__cause__ else error
    if isinstance(cause, TimeoutError):
        return "it does not answer in time"
    if isinstance(cause, socket.gaierror):
        return "its name is not known to DNS"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "it does not speak TLS as we do"
    number = cause.errno if isinstance(cause, OSError) else None
    return os.strerror(number) if number else type(cause).__name__


def _line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


async def _part(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; the mail is accepted, so nothing that goes wrong here matters."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await client.quit(timeout=_FAREWELL_S)
