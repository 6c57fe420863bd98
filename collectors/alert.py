"""An alert as a source told it: seen, never stored as such; what is stored is the episode it belongs to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from collectors.labels import Labels


class Status(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


class Level(StrEnum):
    """How bad our own inspection finds it; stands beside the labels, so that a raise is the same alert."""

    WARN = "warn"
    CRIT = "crit"


class Alert(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One alert of one message.

    `labels_json` and `annotations_json` are JSON objects of strings; `labels` decodes on demand.
    `starts_text` and `ends_text` are the very strings received ("" where none was). `expires_at` is set
    by sources that tell an end in the future instead of a resolve. `repairs` names what was mended.
    """

    origin: str
    fingerprint: str
    status: Status
    starts_at: datetime
    starts_text: str
    labels_json: bytes
    annotations_json: bytes = b"{}"
    ends_at: datetime | None = None
    ends_text: str = ""
    expires_at: datetime | None = None
    generator_url: str = ""
    level: str = ""
    repairs: tuple[str, ...] = ()
    group: str = ""
    """The group in which its sender told it; "" where there is none."""

    @property
    def labels(self) -> Labels:
        """Its labels, decoded anew each time."""
        return decode_labels(self.labels_json)

    @property
    def annotations(self) -> Labels:
        """What its sender wrote beside the labels, decoded anew each time."""
        return decode_labels(self.annotations_json)

    @property
    def firing(self) -> bool:
        return self.status is Status.FIRING


_decoder = msgspec.json.Decoder(dict[str, str])
_encoder = msgspec.json.Encoder(order="deterministic")


def decode_labels(raw: bytes) -> Labels:
    """Return the labels of a JSON object of strings."""
    return _decoder.decode(raw)


def hash_of(labels_json: bytes, starts_text: str) -> int:
    """What a repetition is known by: labels and start as a sender writes them."""
    return hash((labels_json, starts_text))


def encode_labels(labels: Labels) -> bytes:
    """Return labels as canonical JSON: sorted keys, no spaces."""
    return _encoder.encode(dict(labels))


class Rejected(msgspec.Struct, frozen=True):
    """One alert of a message that could not be saved: its place, the reason, and what it was."""

    index: int
    reason: str
    body: bytes


class Parsed(msgspec.Struct, frozen=True):
    """What a message held. `truncated` counts alerts that the sender left out."""

    alerts: list[Alert]
    rejected: list[Rejected] = []
    truncated: int = 0
    external_url: str = ""
    receiver: str = ""
    mail: Any = None
    """A mail (collectors/mail.py), which a person wrote."""


class NotThisFormat(ValueError):
    """The body is not a message of this source; the text says what to change at the sender."""

    body: bytes = b""
    """What was sent, where whoever read it has put it here: it is kept as a dead letter."""
