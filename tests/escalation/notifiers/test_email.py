"""A page by mail: what arrives, and what each answer of the server means."""

import asyncio
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from escalation.delivery import Message, PageToSend, Undeliverable
from escalation.notifiers.email import Config, Notify, address_of
from tests.escalation.notifiers.receivers import CREATED, page, serving, speaks_smtp

if TYPE_CHECKING:
    from tests.real.parts import Port, SmtpSink


def channel(port: int, **keys: Any) -> Notify:
    written = {"host": "127.0.0.1", "sender": "Tocsin <tocsin@example.org>", "timeout": "5s", **keys}
    return Notify(Config(type="email", port=port, **written))


async def failure(port: int, sent: PageToSend | None = None, **keys: Any) -> Undeliverable:
    """Why the mail does not arrive."""
    with pytest.raises(Undeliverable) as caught:
        await channel(port, **keys).send(sent or page())
    return caught.value


@pytest.mark.parametrize(
    ("answers", "in_reply_to", "submitted"),
    [
        pytest.param("<1@bob>", "<1@bob>", "auto-replied", id="the mail that it answers"),
        pytest.param("<" + "x" * 400 + "@bob>", "<INC-20260302-0001@example.org>", "auto-replied", id="an id too long"),
        pytest.param("<1@bob>\r\nBcc: all@bob", "<INC-20260302-0001@example.org>", "auto-replied", id="a hostile id"),
        pytest.param("", "<INC-20260302-0001@example.org>", "auto-generated", id="no answer, but a page"),
    ],
)
async def test_an_answer_says_to_which_mail(
    smtp_sink: "SmtpSink", answers: str, in_reply_to: str, submitted: str
) -> None:
    await channel(smtp_sink.port).send(page(answers=answers))
    (mail,) = smtp_sink.mails
    assert (mail.message["In-Reply-To"], mail.message["Auto-Submitted"]) == (in_reply_to, submitted)
    assert "<INC-20260302-0001@example.org>" in mail.message["References"]
    assert mail.message["Bcc"] is None


async def test_a_mail_arrives_in_chinese_with_its_key_and_step(smtp_sink: "SmtpSink") -> None:
    provider_id = await channel(smtp_sink.port).send(page())
    (mail,) = smtp_sink.mails
    assert (mail.sender, mail.recipients) == ("tocsin@example.org", ["ana@example.org"])
    assert (mail.subject, mail.text.splitlines()) == ("[INC-20260302-0001 sev2] 磁盘已满", ["原因:磁盘已满 ü"])
    assert mail.message["From"] == "Tocsin <tocsin@example.org>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(mail.message["Date"]) == CREATED
    named = {n: mail.message[n] for n in mail.message if n.startswith("X-Tocsin") or n == "Idempotency-Key"}
    assert named == {
        "Idempotency-Key": page().key,
        "X-Tocsin-Incident": "INC-20260302-0001",
        "X-Tocsin-Step": "2/p75",
        "X-Tocsin-Target": "ana",
        "X-Tocsin-Attempt": "2",
    }
    assert provider_id == mail.message["Message-ID"] == f"<{page().key}@example.org>"
    assert mail.raw.isascii(), "a relay without 8BITMIME takes it as it is"


async def test_a_retry_is_the_same_mail_and_all_mails_of_an_incident_are_one_thread(smtp_sink: "SmtpSink") -> None:
    for sent in (page(attempt=1), page(attempt=2), page(key="another", step="2/p100")):
        await channel(smtp_sink.port).send(sent)
    first, again, next_step = (mail.message for mail in smtp_sink.mails)
    assert first["Message-ID"] == again["Message-ID"] != next_step["Message-ID"]
    assert {mail[name] for mail in (first, again, next_step) for name in ("References", "In-Reply-To")} == {
        "<INC-20260302-0001@example.org>"
    }
    assert (first["X-Tocsin-Attempt"], again["X-Tocsin-Attempt"]) == ("1", "2")


async def test_a_page_of_an_incident_that_is_gone_still_has_a_thread(smtp_sink: "SmtpSink") -> None:
    await channel(smtp_sink.port).send(page(incident=""))
    assert smtp_sink.mails[0].message["References"] == f"<{page().key}@example.org>"


async def test_a_subject_cannot_add_a_header_or_a_recipient(smtp_sink: "SmtpSink") -> None:
    evil = Message("disk\r\nBcc: eve@example.org\r\n\r\nbody", "text\r\n.\r\nMAIL FROM:<eve@example.org>\r\n", "", {})
    await channel(smtp_sink.port).send(page(message=evil, target="ana\r\nBcc: eve@example.org"))
    (mail,) = smtp_sink.mails
    assert mail.recipients == ["ana@example.org"]
    assert mail.message["Bcc"] is None
    assert mail.subject == "disk Bcc: eve@example.org body"
    assert mail.text.splitlines() == ["text", ".", "MAIL FROM:<eve@example.org>"]


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("ana", id="no domain"),
        pytest.param("", id="nothing"),
        pytest.param("ana@example.org\r\nBcc: eve@example.org", id="a line break"),
        pytest.param("ana@example.org, eve@example.org", id="two"),
        pytest.param("ana@example.org> RCPT TO:<eve", id="a command"),
        pytest.param("安娜@example.org", id="not ASCII"),
        pytest.param("ana@", id="half"),
    ],
)
async def test_what_is_no_address_is_for_good_and_nobody_is_asked(smtp_sink: "SmtpSink", to: str) -> None:
    error = await failure(smtp_sink.port, page(to=to))
    assert (error.permanent, error.unknown) == (True, False)
    assert "people.yaml" in str(error)
    assert "\r" not in str(error)
    assert smtp_sink.mails == smtp_sink.refused == []


def test_an_address_may_have_a_name() -> None:
    assert address_of("Ana <ana+page@mail-1.example.org>") == "ana+page@mail-1.example.org"


def test_a_sender_that_is_no_address_is_refused_when_the_configuration_is_read() -> None:
    with pytest.raises(ValidationError, match="no mail address"):
        Config(type="email", host="mail-1", sender="Tocsin")


@pytest.mark.parametrize(
    ("tls", "port", "used"),
    [("none", None, 25), ("starttls", None, 587), ("implicit", None, 465), ("starttls", 25, 25)],
)
async def test_the_port_is_that_of_the_tls_unless_it_is_written(tls: Any, port: int | None, used: int) -> None:
    config = Config(type="email", host="mail.invalid", port=port, sender="tocsin@example.org", tls=tls)
    assert Notify(config).port == used


@pytest.mark.parametrize(
    ("replies", "permanent"),
    [
        pytest.param({"MAIL": "550 5.1.8 who are you"}, True, id="sender refused"),
        pytest.param({"MAIL": "451 4.3.0 later"}, False, id="sender not now"),
        pytest.param({"MAIL": "500 5.5.2 what?"}, True, id="500 is a 5xx"),
        pytest.param({"RCPT": "550 5.1.1 no such user"}, True, id="recipient refused"),
        pytest.param({"RCPT": "450 4.2.0 greylisted"}, False, id="greylisted"),
        pytest.param({"RCPT": "452 4.2.2 over quota"}, False, id="mailbox full"),
        pytest.param({"DATA": "554 5.5.1 no"}, True, id="no data wanted"),
        pytest.param({"BODY": "552 5.3.4 too big"}, True, id="mail refused"),
        pytest.param({"BODY": "451 4.3.0 disk full"}, False, id="mail not now"),
        pytest.param({"BODY": "421 4.3.2 shutting down"}, False, id="shutting down: it says it did not take it"),
        pytest.param({"EHLO": "421 busy", "HELO": "421 busy"}, False, id="busy"),
    ],
)
async def test_a_5xx_is_for_good_and_a_4xx_passes(replies: dict[str, str | None], permanent: bool) -> None:
    async with serving(speaks_smtp(replies)) as server:
        error = await failure(server.port)
    assert (error.permanent, error.unknown) == (permanent, False)
    assert str(error).startswith("127.0.0.1 refuses the mail: ")


@pytest.mark.parametrize(("greeting", "permanent"), [("554 not here", True), ("421 too many connections", False)])
async def test_a_server_that_refuses_the_connection_is_understood(greeting: str, permanent: bool) -> None:
    async with serving(speaks_smtp({}, greeting=greeting)) as server:
        error = await failure(server.port)
    assert (error.permanent, error.unknown) == (permanent, False)


@pytest.mark.parametrize(
    ("replies", "unknown"),
    [
        pytest.param({"EHLO": None}, False, id="cut before anything"),
        pytest.param({"MAIL": None}, False, id="cut at the sender"),
        pytest.param({"RCPT": None}, False, id="cut at the recipient"),
        pytest.param({"BODY": None}, True, id="cut after the mail"),
        pytest.param({"BODY": "what?"}, True, id="an answer that is none"),
    ],
)
async def test_only_a_connection_lost_with_the_mail_under_way_leaves_it_unknown(
    replies: dict[str, str | None], unknown: bool
) -> None:
    async with serving(speaks_smtp(replies)) as server:
        error = await failure(server.port)
    assert (error.permanent, error.unknown) == (False, unknown)


@pytest.mark.parametrize(
    ("lines", "unknown"),
    [
        pytest.param(0, False, id="no greeting"),
        pytest.param(2, False, id="silent at the sender"),
        pytest.param(4, True, id="silent at the data"),
    ],
)
async def test_a_server_that_goes_silent_is_given_up_in_time(lines: int, unknown: bool) -> None:
    async def talk(_served: object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(lines):
            writer.write(b"250 ok\r\n" if _ else b"220 sink\r\n")
            await reader.readline()
        await asyncio.Event().wait()

    async with serving(talk) as server:
        error = await failure(server.port, timeout="300ms")
    assert (error.permanent, error.unknown) == (False, unknown)


async def test_nobody_listening_is_a_failure_that_passes(free_port: "Callable[..., Port]") -> None:
    error = await failure(free_port().number)
    assert (error.permanent, error.unknown) == (False, False)
    assert "cannot be reached: Connection refused" in str(error)


async def test_a_name_that_dns_does_not_know_is_told_as_such() -> None:
    error = await failure(25, host="mail.invalid")
    assert (error.permanent, str(error)) == (False, "mail.invalid:25 cannot be reached: its name is not known to DNS")


async def test_a_certificate_that_is_not_accepted_is_told_with_what_is_wrong_with_it(certificate: Path) -> None:
    """It passes: a certificate is mended at the server, and the page is then still there."""
    async with serving(speaks_smtp({}), certificate) as server:
        error = await failure(server.port, tls="implicit")
    assert (error.permanent, error.unknown) == (False, False)
    assert "its certificate is not accepted: self-signed certificate" in str(error)


async def test_a_server_that_speaks_no_tls_is_told_as_such() -> None:
    async with serving(speaks_smtp({})) as server:
        error = await failure(server.port, tls="implicit")
    assert (error.permanent, error.unknown) == (False, False)
    assert "it does not speak TLS as we do" in str(error)


async def test_a_mail_that_was_taken_stays_taken_when_the_farewell_fails() -> None:
    async with serving(speaks_smtp({"QUIT": None})) as server:
        assert await channel(server.port).send(page())


async def test_a_login_that_fits_is_used_and_one_that_does_not_is_for_good_and_not_told() -> None:
    from tests.real.sinks import SmtpSink

    async with SmtpSink(user="tocsin", password="s3cretpass") as sink:
        await channel(sink.port, username="tocsin", password="s3cretpass").send(page())
        error = await failure(sink.port, username="tocsin", password="wr0ngpass")
    assert len(sink.mails) == 1
    assert (error.permanent, error.unknown) == (True, False)
    assert "username and password" in str(error)
    assert "wr0ngpass" not in str(error)


@pytest.mark.parametrize(
    ("keys", "lacking"),
    [
        pytest.param({"tls": "starttls"}, "STARTTLS", id="tls"),
        pytest.param({"username": "tocsin", "password": "s3cretpass"}, "login", id="login"),
    ],
)
async def test_a_server_that_lacks_what_is_configured_says_what_to_change(keys: dict[str, Any], lacking: str) -> None:
    async with serving(speaks_smtp({})) as server:
        error = await failure(server.port, **keys)
    assert error.permanent
    assert f"offers no {lacking}" in str(error)
    assert b"s3cretpass" not in server.heard, "no password goes out where no login is offered"
    assert b"MAIL" not in server.heard
