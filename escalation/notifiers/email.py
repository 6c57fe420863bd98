"""Sends a page by SMTP; one thread of mails per incident."""

from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from collectors.rule import Rule, Span, parse_span
from escalation.delivery import PageToSend, Undeliverable


class Config(Rule):
    type: Literal["email"]
    host: str
    port: int = 25
    sender: str
    username: str | None = None
    password: str | None = None
    tls: Literal["none", "starttls", "implicit"] = "none"
    timeout: Span = parse_span("20s")


class Notify:
    def __init__(self, config: Config) -> None:
        self._config = config

    async def send(self, page: PageToSend) -> str | None:
        config = self._config
        mail = self._mail(page)
        try:
            await aiosmtplib.send(
                mail,
                sender=config.sender,
                recipients=[page.to],
                hostname=config.host,
                port=config.port,
                username=config.username,
                password=config.password,
                use_tls=config.tls == "implicit",
                start_tls=config.tls == "starttls",
                timeout=config.timeout.total_seconds(),
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPSenderRefused) as error:
            code = _code(error)
            raise Undeliverable(f"{config.host} refuses the mail: {error}", permanent=code >= 500) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Undeliverable(f"{config.host} refuses user name or password", permanent=True) from error
        except aiosmtplib.SMTPResponseException as error:
            raise Undeliverable(f"{config.host}: {error.code} {error.message}", permanent=error.code >= 500) from error
        except aiosmtplib.SMTPConnectError as error:
            raise Undeliverable(f"{config.host}:{config.port} cannot be reached: {error}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Undeliverable(f"{config.host}: {type(error).__name__}", unknown=True) from error
        return str(mail["Message-ID"])

    def _mail(self, page: PageToSend) -> EmailMessage:
        """The same Message-ID for each attempt; References to the thread of the incident."""
        domain = self._config.sender.rpartition("@")[2] or "tocsin"
        thread = f"<{page.incident}@{domain}>"
        mail = EmailMessage()
        mail["From"] = self._config.sender
        mail["To"] = page.to
        mail["Subject"] = page.message.subject
        mail["Message-ID"] = f"<{page.key}@{domain}>"
        mail["In-Reply-To"] = mail["References"] = thread
        mail["Auto-Submitted"] = "auto-generated"
        mail["Idempotency-Key"] = page.key
        mail["X-Tocsin-Incident"] = page.incident
        mail["X-Tocsin-Step"] = page.step
        mail["X-Tocsin-Target"] = page.target
        mail["X-Tocsin-Attempt"] = str(page.attempt)
        mail.set_content(page.message.text)
        return mail

    async def close(self) -> None:
        """Nothing to let go of: each mail has a connection of its own."""


def _code(error: Exception) -> int:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max((r.code for r in error.recipients), default=550)
    return getattr(error, "code", 550)
