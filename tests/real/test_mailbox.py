"""A mailbox of a real Dovecot: what is unseen is read once, in order; a mail becomes an incident, with a receipt."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.inspections.imap import Config, Inspect
from collectors.source import Letter, Unreachable
from tests.real.daemon import Tocsin, Yaml, site
from tests.real.mailserver import PASSWORD, Dovecot
from tests.real.parts import SmtpSink, WebhookSink, until

pytestmark = pytest.mark.real("dovecot")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
async def dovecot(open_dir: Path) -> AsyncIterator[Dovecot]:
    async with Dovecot(open_dir) as running:
        yield running


def mail(number: int = 1, sender: str = "bob@example.org", text: str = "it is dark", **heads: str) -> bytes:
    named = {"From": sender, "To": "help@example.org", "Subject": f"printer {number}"}
    named |= {"Message-ID": f"<mail-{number}@bob>", **{name.replace("_", "-"): value for name, value in heads.items()}}
    return "\r\n".join([*(f"{name}: {value}" for name, value in named.items()), "", text]).encode()


def reading(dovecot: Dovecot, user: str = "help", **more: Any) -> Inspect:
    written = {"type": "imap", "every": "1s", "host": "127.0.0.1", "port": dovecot.port, "tls": "none"}
    return Inspect("box", Config.model_validate({**written, "username": user, "password": PASSWORD, **more}))


async def letters(inspection: Inspect) -> list[Letter]:
    return [one for one in await inspection.read(NOW) if isinstance(one, Letter)]


async def test_what_is_unseen_is_read_in_order_as_it_came_and_marked_once_it_is_taken(dovecot: Dovecot) -> None:
    sent = [mail(n, text="磁盘已满 🔥\r\n.\r\nA1 OK done") for n in range(1, 24)]
    dovecot.deliver("help", *sent)
    inspection = reading(dovecot)
    first = await letters(inspection)
    assert [letter.body for letter in first] == sent[:20]
    assert dovecot.seen("help") == 0
    assert await letters(inspection) == first
    await inspection.taken([letter.id for letter in first])
    assert dovecot.seen("help") == 20
    assert [letter.body for letter in await letters(inspection)] == sent[20:]


@pytest.mark.parametrize("folder", ["Reports", "工单", "R&D", 'a "b"'])
async def test_a_folder_of_any_name_is_read(dovecot: Dovecot, folder: str) -> None:
    inspection = reading(dovecot, folder=folder)
    with pytest.raises(Unreachable, match="refuses help or its folder"):
        await letters(inspection)
    on_disk = {"工单": "&XeVTVQ-", "R&D": "R&-D"}.get(folder, folder)
    dovecot.deliver("help", mail(), folder=on_disk)
    (letter,) = await letters(inspection)
    await inspection.taken([letter.id])
    assert dovecot.seen("help", on_disk) == 1


@pytest.mark.parametrize("password", ["wrong", "密码"])
async def test_a_wrong_password_is_an_outage_that_says_so(dovecot: Dovecot, password: str) -> None:
    with pytest.raises(Unreachable, match="refuses help or its folder"):
        await letters(reading(dovecot, password=password))


async def test_a_server_that_is_gone_is_an_outage_and_back_it_is_read_again(dovecot: Dovecot) -> None:
    dovecot.deliver("help", mail())
    inspection = reading(dovecot)
    await dovecot.stop()
    with pytest.raises(Unreachable, match="cannot be reached"):
        await letters(inspection)
    await dovecot.start()
    assert len(await letters(inspection)) == 1


async def test_a_mail_in_the_mailbox_becomes_an_incident_and_its_sender_gets_an_answer_to_it(
    dovecot: Dovecot, open_dir: Path, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    mailbox: Yaml = {"type": "imap", "every": "1s", "host": "127.0.0.1", "port": dovecot.port, "tls": "none"}
    mailbox |= {"username": "help", "password": PASSWORD, "acknowledge": "mail"}
    inspections = {"inspections": {"helpdesk": mailbox}}
    files = site(hook=webhook_sink.url, mail_port=smtp_sink.port, inspections=inspections)
    async with Tocsin(open_dir, files) as tocsin:
        dovecot.deliver("help", mail(7, References="<older@bob>"), mail(8, Auto_Submitted="auto-replied"))

        async def receipt() -> Any:
            return next((m for m in smtp_sink.mails if m.recipients == ["bob@example.org"]), None)

        answer = (await until(receipt, "the sender has an answer")).message
        (incident,) = await tocsin.incidents()
        assert (answer["In-Reply-To"], answer["Auto-Submitted"]) == ("<mail-7@bob>", "auto-replied")
        assert answer["References"].split()[0] == "<mail-7@bob>"
        assert incident["number"] in answer["References"]
        dovecot.deliver("help", mail(9, text="still dark", In_Reply_To=str(answer["Message-ID"])))

        async def noted() -> Any:
            lines = await tocsin.timeline(incident["number"])
            return next((line for line in lines if line["kind"] == "note"), None)

        assert (await until(noted, "the reply is a note"))["facts"]["text"] == "still dark"
        await until(lambda: dovecot.seen("help") == 3, "all three are marked as seen")
        assert len(await tocsin.incidents()) == 1
        assert sum(1 for m in smtp_sink.mails if m.recipients == ["bob@example.org"]) == 1
