"""Mails that an MTA pipes in: `POST /webhooks/email/{source}`, the body is the mail as it came (message/rfc822)."""

from datetime import datetime
from typing import Any

from collectors.alert import Parsed
from collectors.mail import parse_mail


def parse(body: bytes, origin: str, now: datetime, _: Any = None) -> Parsed:
    """Return the mail; it holds no alerts. Raises NotThisFormat."""
    return Parsed([], mail=parse_mail(body))
