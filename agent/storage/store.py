"""The agent's own tables: dead letters, audit, tokens, idempotent answers, configuration versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from correlation.rows import insert_into, number_key, upsert


class DeadLetterRow(SQLModel, table=True):
    """What could not be taken: the first 64 KiB of it, and why."""

    __tablename__ = "dead_letter"
    id: int = Field(sa_column=number_key())
    at: datetime
    source: str
    reason: str = Field(sa_type=Text)
    size: int
    body: bytes = Field(sa_type=LargeBinary)


class AuditRow(SQLModel, table=True):
    """Who did what to no incident: a token, a reload, a silence. Chained like the timeline.

    Rows below zero are of a command line that wrote beside the daemon: a chain of their own, counted downwards.
    """

    __tablename__ = "audit"
    id: int = Field(sa_column=number_key())
    at: datetime
    who: str
    what: str
    facts: str = Field(sa_type=Text)
    salt: str
    digest: str
    link: str
    erased_by: int = Field(sa_type=BigInteger)


class TokenRow(SQLModel, table=True):
    """A token, stored as its SHA-256; `person` or `source` says whose it is."""

    __tablename__ = "token"
    __table_args__ = (Index("ix_token_digest", "digest", unique=True),)
    id: str = Field(primary_key=True)
    digest: str
    person: str | None
    source: str | None
    roles: str
    """Roles that the token itself carries (the first `admin`), beside those of the person."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


class AnswerRow(SQLModel, table=True):
    """The first answer to an Idempotency-Key, kept for 24 hours.

    What was asked for is written with status 0 in its own commit, `body` naming by what its answer is found; the answer
    takes its place.
    """

    __tablename__ = "answer"
    key: str = Field(primary_key=True)
    person: str
    digest: str
    """SHA-256 of method, path and body: another request under the same key is refused."""
    status: int
    body: bytes = Field(sa_type=LargeBinary)
    at: datetime


class MailRow(SQLModel, table=True):
    """A mail of an incident's thread, received or sent: its id as SHA-256, for ids name people."""

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_incident", "incident_id"),)
    key: str = Field(primary_key=True)
    incident_id: int = Field(sa_type=BigInteger)
    at: datetime


class AttachmentRow(SQLModel, table=True):
    """A file of an incident. `content` stands last: what reads the others does not read it."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_incident", "incident_id"),)
    id: int = Field(sa_column=number_key())
    incident_id: int = Field(sa_type=BigInteger)
    at: datetime
    by: str
    name: str
    kind: str
    size: int
    sha256: str
    content: bytes = Field(sa_type=LargeBinary)


class MetaRow(SQLModel, table=True):
    """What must be remembered beside the incidents: the key that signs acknowledge links, what inspections keep."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str


class ConfigRow(SQLModel, table=True):
    """The policies of one version of the configuration: open incidents keep those they were opened with."""

    __tablename__ = "config"
    version: int = Field(sa_column=number_key())
    at: datetime
    digest: str
    sla: str = Field(sa_type=Text)
    escalation: str = Field(sa_type=Text)
    effective: str = Field(sa_type=Text)


def done_values(key: str, person: str, digest: str, about: str, now: datetime) -> tuple[Any, ...]:
    """A tuple for UPSERT_ANSWER: what was asked for under this key is done, its answer has not been given yet."""
    return (key, person, digest, 0, about.encode(), now)


INSERT_DEAD_LETTER, INSERT_AUDIT = insert_into(DeadLetterRow), insert_into(AuditRow)
UPSERT_CONFIG, UPSERT_ANSWER, UPSERT_META = upsert(ConfigRow), upsert(AnswerRow), upsert(MetaRow)

REMEMBERED = "SELECT value FROM meta WHERE key = ?"


def memory_key(inspection: str) -> str:
    """The key under which an inspection remembers."""
    return f"inspection/{inspection}"


MAIL_BY_KEY = "SELECT m.key, i.number FROM mail m JOIN incident i ON i.id = m.incident_id WHERE m.key = ?"
INSERT_ATTACHMENT = insert_into(AttachmentRow)
ATTACHED = (
    "SELECT COALESCE(SUM(a.size), 0) FROM attachment a JOIN incident i ON i.id = a.incident_id WHERE i.number = ?"
)
"""Bytes that are attached to an incident."""
FORGET_ATTACHMENTS = "DELETE FROM attachment WHERE incident_id = ?"
UPSERT_MAIL = upsert(MailRow)
FORGET_MAILS = "DELETE FROM mail WHERE incident_id = ?"
OLD_JOURNAL = "SELECT seq, at FROM journal ORDER BY seq LIMIT ?"
"""The oldest rows only: the journal is in the order of time, so that nothing else need be looked at."""
OLD_LETTERS = "SELECT id, at FROM dead_letter ORDER BY id LIMIT ?"
FORGET_JOURNAL, FORGET_LETTER = "DELETE FROM journal WHERE seq = ?", "DELETE FROM dead_letter WHERE id = ?"
FORGET_ANSWERS = "DELETE FROM answer WHERE at < ?"
