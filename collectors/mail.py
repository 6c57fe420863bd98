"""A mail as MTAs and mailboxes hand it over: who wrote what, in which thread; Chinese charsets, broken MIME."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parseaddr
from html.parser import HTMLParser
from itertools import islice
from typing import Any

import msgspec

from collectors.alert import NotThisFormat
from collectors.payload import clean

MAX_DEPTH = 50
MAX_PARTS = 1_000
TEXT_MOST = 4_000
TITLE_MOST = 200
_HTML_MOST = 1024 * 1024
_MOST_IDS = 50
_ID = re.compile(r"<[^<>\s]{3,998}>")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_REPLY = re.compile(r"^\s*(?:(?:re|fw|fwd|aw|antw|sv|回复|答复|转发|回覆|轉寄)\s*[:\uff1a]\s*)+", re.IGNORECASE)
_QUOTE = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|原始邮件|原始郵件|转发的邮件|forwarded message)\s*-{2,}"
    r"|on .{1,200} wrote:|在 ?.{1,200}写道[:\uff1a]|发件人[:\uff1a].*|寄件者[:\uff1a].*|_{10,})\s*$",
    re.IGNORECASE,
)
_CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "gb_2312-80": "gb18030"}
"""What calls itself by an older name of the same family holds characters of the newer one."""
_CONTAINERS = re.compile(rb"content-type:\s*(?:multipart|message)/", re.IGNORECASE)
_MOST_CONTAINERS, _MOST_BOUNDS = 200, 5_000
_MACHINES = frozenset({"mailer-daemon", "postmaster", "no-reply", "noreply", "do-not-reply", "donotreply"})


class Enclosed(msgspec.Struct, frozen=True):
    """A file of a mail. `name` as its sender wrote it, `kind` its media type."""

    name: str
    kind: str
    content: bytes


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. Texts are clean; `refers_to` are the ids of its thread, the nearest first."""

    message_id: str
    refers_to: tuple[str, ...]
    sender: str
    """The address."""
    sender_name: str
    subject: str
    """Without `Re:` and its like."""
    text: str
    automatic: str
    """By which sign a machine sent it: nobody answers it. Empty: a person did."""
    answer: bool
    """It is a machine's answer (a bounce, an absence): by itself it reports nothing."""
    files: tuple[Enclosed, ...] = ()

    @property
    def title(self) -> str:
        """What an incident is called by: the subject, else the first line."""
        first = next((line.strip() for line in self.text.splitlines() if line.strip()), "")
        return (self.subject or first or "(no subject)")[:TITLE_MOST]


def parse_mail(body: bytes) -> Mail:
    """Return the mail. Raises NotThisFormat where it is none, and where it is nested deeper than 50."""
    if len(_CONTAINERS.findall(body)) > _MOST_CONTAINERS:  # before it is parsed: that costs their number squared
        raise NotThisFormat(_TOO_DEEP)
    if body.count(b"\n--") > _MOST_BOUNDS:
        raise NotThisFormat(f"the mail has more than {_MOST_BOUNDS} parts")
    try:
        message = message_from_bytes(body, policy=compat32)
        parts = list(islice(_leaves(message), MAX_PARTS))
        return _mail(message, parts, body)
    except RecursionError as error:
        raise NotThisFormat(_TOO_DEEP) from error


_TOO_DEEP = f"the mail is nested deeper than {MAX_DEPTH}"


def _mail(message: Message, parts: list[Message], body: bytes) -> Mail:
    sender = parseaddr(_raw(message, "From"))[1].strip()
    if _ADDRESS.fullmatch(sender) is None:
        raise NotThisFormat("this is no mail: it has no From: with an address. Send message/rfc822 as it came")
    found = _ID.search(_raw(message, "Message-ID"))
    message_id = found[0] if found else f"<{hashlib.sha256(body).hexdigest()}@no-message-id>"
    thread = [*_ID.findall(_raw(message, "In-Reply-To")), *reversed(_ID.findall(_raw(message, "References")))]
    automatic = _automatic(message, sender)
    return Mail(
        message_id=message_id,
        refers_to=tuple(dict.fromkeys(one for one in thread if one != message_id))[:_MOST_IDS],
        sender=sender.lower(),
        sender_name=_one_line(decoded(getaddresses([_raw(message, "From")])[0][0]))[:TITLE_MOST],
        subject=_one_line(_REPLY.sub("", decoded(_raw(message, "Subject"))))[:TITLE_MOST],
        text=_text(parts),
        automatic=automatic,
        answer=automatic in ("auto-replied", "bounce", "report"),
        files=tuple(_files(parts)),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order, without recursion; a mail within a mail is one part."""
    waiting: list[tuple[Message, int]] = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise NotThisFormat(_TOO_DEEP)
        inner = part.get_payload()
        if isinstance(inner, list):
            waiting.extend((one, depth + 1) for one in reversed(inner) if isinstance(one, Message))
        else:
            yield part


# headers


def _raw(message: Message, name: str) -> str:
    """A header as it came, unfolded; raw bytes that are no ASCII are read as what they are."""
    wanted = name.lower()
    for key, value in message.raw_items():
        if key.lower() == wanted:
            return re.sub(r"\r?\n", "", _readable(str(value)))
    return ""


def _readable(text: str) -> str:
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return _decode(raw, "")


def decoded(header: str) -> str:
    """A header in words: RFC 2047, also of charsets that are called by another name, and what is broken as it is."""
    try:
        pieces = decode_header(header)
    except (HeaderParseError, binascii.Error, ValueError):
        return clean(header)
    return clean("".join(piece if isinstance(piece, str) else _decode(piece, charset) for piece, charset in pieces))


def _decode(raw: bytes, charset: Any) -> str:
    """Bytes as text: as they call themselves, else UTF-8, else GB 18030."""
    named = _CHARSETS.get(str(charset or "").strip("'\" ").lower(), str(charset or "").strip("'\" ").lower())
    for candidate, errors in ((named, "strict"), ("utf-8", "strict"), ("gb18030", "strict"), (named, "replace")):
        try:
            if candidate:
                return raw.decode(candidate, errors)
        except (LookupError, UnicodeError, ValueError):
            continue
    return raw.decode("utf-8", "replace")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _automatic(message: Message, sender: str) -> str:
    """The sign by which a machine sent it (RFC 3834), or nothing."""
    submitted = _raw(message, "Auto-Submitted").partition(";")[0].strip().lower()
    mailbox = sender.partition("@")[0].lower()
    signs = {
        "report": message.get_content_type() == "multipart/report",
        "bounce": _raw(message, "Return-Path").strip() == "<>" or mailbox == "mailer-daemon",
        "auto-replied": submitted == "auto-replied" or _has(message, "X-Autoreply", "X-Autorespond"),
        "auto-generated": submitted not in ("", "no"),
        "precedence": _raw(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"),
        "list": _has(message, "List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress", "X-Tocsin-Incident"),
        "machine": mailbox in _MACHINES,
    }
    return next((sign for sign, shown in signs.items() if shown), "")


def _has(message: Message, *names: str) -> bool:
    return any(_raw(message, name).strip() for name in names)


# bodies


def _text(parts: list[Message]) -> str:
    """What was written: the plain text, else the HTML as text; without what it quotes."""
    plain = [_words(part) for part in parts if _is_text(part, "text/plain")]
    if not any(text.strip() for text in plain):
        plain = [text_of_html(_words(part)) for part in parts if _is_text(part, "text/html")]
    text = _unquoted(clean("\n".join(plain)).replace("\r\n", "\n").strip())
    return text if len(text) <= TEXT_MOST else f"{text[: TEXT_MOST - 1]}…"


def _is_text(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment"


def _words(part: Message) -> str:
    try:
        charset = part.get_content_charset()
    except (LookupError, ValueError, UnicodeError):
        charset = None
    return _decode(_content(part), charset)


def _content(part: Message) -> bytes:
    """The bytes of a part; what is no good base64 is read as far as it goes."""
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error):
        found = None
    if isinstance(found, bytes):
        return found
    written = part.get_payload()
    raw = str(written).encode("utf-8", "surrogateescape") if isinstance(written, str) else b""
    return _base64(raw) if _raw(part, "Content-Transfer-Encoding").strip().lower() == "base64" else raw


def _base64(raw: bytes) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4])
    except binascii.Error:
        return b""


def _unquoted(text: str) -> str:
    """The text without the mail that it answers; where nothing else is there, all of it."""
    lines: list[str] = []
    for line in text.splitlines():
        if _QUOTE.match(line[:300]):
            break
        lines.append(line)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith(">")):
        lines.pop()
    return "\n".join(lines).strip() or text


class _Words(HTMLParser):
    """The words of an HTML page, a line for each block."""

    _BLOCKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr"})
    _SILENT = frozenset({"script", "style", "head", "title"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self.words.append("\n")
        elif tag in ("td", "th"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def text_of_html(html: str) -> str:
    """HTML as plain text; of a page over 1 MiB the beginning."""
    reader = _Words()
    reader.feed(html[:_HTML_MOST])
    reader.close()
    lines = (_one_line(line) for line in "".join(reader.words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _files(parts: list[Message]) -> Iterator[Enclosed]:
    """What was enclosed: named parts, and all that is no text."""
    for part in parts:
        kind = part.get_content_type()
        name = _name(part)
        if not name and kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            continue
        content = _content(part)
        if content:
            yield Enclosed(name or f"unnamed.{kind.partition('/')[2][:20] or 'bin'}", kind, content)


def _name(part: Message) -> str:
    """The name of a file, by RFC 2231 or, as many write it, by RFC 2047."""
    try:
        found = part.get_filename() or ""
    except (ValueError, LookupError, UnicodeError):
        found = ""
    return _one_line(decoded(_readable(found)))[:TITLE_MOST]
