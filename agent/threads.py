"""How mails find their incident again: by the ids of those that went before."""

import hashlib
import re
from collections.abc import Iterator

from collectors.mail import Mail

RECEIPT = "receipt"
"""The step of the page that acknowledges a report."""
_OURS = re.compile(r"<([0-9a-f]{40})@")
"""A page's own id: its key, as the notifier `email` writes it."""
_ADDRESS = re.compile(r"[^\s@<>'\"]+@[^\s@<>'\"]+")
_NUMBER = re.compile(r"<(INC-[0-9A-Za-z-]{1,40})@")


def key_of(message_id: str) -> str:
    """Under which a mail is remembered."""
    ours = _OURS.match(message_id)
    return hashlib.sha256((ours[1] if ours else message_id).encode("utf-8", "replace")).hexdigest()


def key_of_page(page_key: str) -> str:
    """The same of a mail that we send."""
    return hashlib.sha256(page_key.encode()).hexdigest()


def without_addresses(text: str) -> str:
    """A text for the log: mail servers name whom they refuse."""
    return _ADDRESS.sub("(an address)", text)


def keys_of(mail: Mail) -> list[str]:
    """The keys of a mail and of its thread, its own first."""
    return [key_of(one) for one in (mail.message_id, *mail.refers_to)]


def numbers_in(mail: Mail) -> Iterator[str]:
    """The numbers of incidents in whose thread our pages stand."""
    for one in mail.refers_to:
        found = _NUMBER.match(one)
        if found:
            yield found[1]
