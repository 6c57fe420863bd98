"""Mails become reports, replies become notes, machines get no answer; over HTTP and from a mailbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.loops.inspect import Watch
from escalation.delivery import PageToSend
from tests.agent.http.serving import SITE, Answered, Served, served
from tests.collectors.inspections.mailbox import Mailbox
from tests.real.parts import Database

MAILED = {
    **SITE,
    "tocsin.yaml": """
pack: iso20000-default
sources:
  am: {type: alertmanager, token: am-secret-token}
  helpdesk: {type: email, token: mail-secret-token, acknowledge: mail}
  quiet: {type: email, token: quiet-secret-token}
notifiers: {hook: {type: recording}, mail: {type: recording}}
fallback: [root]
""",
    "people.yaml": SITE["people.yaml"].replace(
        "contacts: [{notifier: hook, to: ana}]", "contacts: [{notifier: hook, to: Ana@Example.org}]"
    ),
}


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, files=MAILED) as running:
        yield running


def mail(sender: str = "bob@example.org", ident: str = "<1@x>", subject: str = "printer", **more: str) -> bytes:
    text = more.pop("text", "it is dark")
    heads = {
        "From": sender,
        "Message-ID": ident,
        "Subject": subject,
        **{k.replace("_", "-"): v for k, v in more.items()},
    }
    lines = [f"{name}: {value}" for name, value in heads.items() if value]
    return "\r\n".join([*lines, "", text]).encode()


async def send(api: Served, body: bytes, source: str = "helpdesk", status: int = 200) -> Answered:
    token = "mail-secret-token" if source == "helpdesk" else "quiet-secret-token"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
    answered = await api.call("POST", f"/webhooks/email/{source}", as_="", data=body, headers=headers)
    assert answered.status == status, answered.text
    return answered


async def only(api: Served) -> dict[str, Any]:
    (found,) = (await api.get("/api/v1/incidents")).items
    return found


async def notes(api: Served, number: str) -> list[tuple[str, str]]:
    rows = (await api.get(f"/api/v1/incidents/{number}/timeline")).items
    return [(r["actor"], r["facts"]["text"]) for r in rows if r["kind"] == "note"]


async def receipts(api: Served) -> list[str]:
    return [str(p) for (p,) in await api.daemon.writer.fetch("SELECT address FROM page WHERE step = 'receipt'")]


async def test_a_mail_is_a_report_and_its_sender_is_told_the_number(api: Served) -> None:
    await send(api, mail(subject="=?gb2312?B?tPLTobv6u7XByw==?=", text="打印机坏了"))
    found = await only(api)
    record = found["record"]
    assert (found["title"], record["symptom"], record["channel"]) == ("打印机坏了", "打印机坏了", "email")
    assert (record["recorder"], record["reporter"]) == ("agent", "bob@example.org")
    assert record["reporter_contact"] == "bob@example.org"
    assert found["next_step"] is not None
    assert await receipts(api) == ["bob@example.org"]
    pages = api.daemon.pipeline.desk.outbox
    from agent.intents import PagesClaimed
    from agent.loops.paging import no_links

    due = [n for n in pages.due(api.clock.now()) if pages.pages[n].step == "receipt"]
    (claimed,) = await api.daemon.pipeline.submit(PagesClaimed(tuple(due)))
    sent: PageToSend = claimed.composed(no_links)
    assert (sent.to, sent.message.subject) == ("bob@example.org", f"[{found['number']}] 已收到：打印机坏了")
    assert found["number"] in sent.message.text


async def test_the_same_mail_again_is_one_report(api: Served) -> None:
    await send(api, mail())
    await send(api, mail())
    await asyncio.gather(*(send(api, mail(ident="<2@x>")) for _ in range(5)))
    assert len((await api.get("/api/v1/incidents")).items) == 2
    assert len(await receipts(api)) == 2


async def test_a_reply_is_a_note_of_its_incident_also_after_a_restart(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    api.daemon.pipeline.desk = await api.daemon._load(api.daemon.writer)
    await send(api, mail(ident="<2@x>", References="<0@x> <1@x>", subject="Re: printer", text="still dark"))
    await send(api, mail("carol@example.org", ident="<3@x>", In_Reply_To="<2@x>", text="mine too"))
    assert await notes(api, number) == [("bob@example.org", "still dark"), ("carol@example.org", "mine too")]
    assert (await only(api))["number"] == number


async def test_an_answer_to_our_receipt_and_to_our_pages_finds_its_incident(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    ((key,),) = await api.daemon.writer.fetch("SELECT key FROM page WHERE step = 'receipt'")
    await send(api, mail("carol@example.org", ident="<2@x>", In_Reply_To=f"<{key}@tocsin>", text="thanks"))
    await send(api, mail("ana@example.org", ident="<3@x>", References=f"<{number}@tocsin>", text="on my way"))
    assert await notes(api, number) == [("carol@example.org", "thanks"), ("ana", "on my way")]
    await send(api, mail("eve@example.org", ident="<4@x>", References=f"<{number}@tocsin>", text="a guessed number"))
    assert len(await notes(api, number)) == 2


async def test_what_is_resolved_is_not_reopened_by_a_mail_and_the_desk_is_told(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    await api.act(number, "acknowledge", as_="desk")
    await api.act(number, "resolve", {"type": "permanent", "resolution": "toner", "note": "new"}, as_="desk")
    await send(api, mail(ident="<2@x>", In_Reply_To="<1@x>", text="thank you"))
    assert (await only(api))["state"] == "resolved"
    kinds = [r["kind"] for r in (await api.get(f"/api/v1/incidents/{number}/timeline")).items]
    assert kinds.count("desk_informed") == 1


async def test_what_waits_for_the_customer_goes_on_when_they_answer(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    await api.act(number, "acknowledge", as_="desk")
    waits = {"for": "customer", "reason": "which room?", "resume_at": "2026-03-03T09:00:00Z"}
    assert (await api.act(number, "suspend", waits, as_="desk")).body["state"] == "pending_customer"
    await send(api, mail(ident="<2@x>", In_Reply_To="<1@x>", text="away", Auto_Submitted="auto-replied"))
    assert (await only(api))["state"] == "pending_customer"
    await send(api, mail(ident="<3@x>", In_Reply_To="<1@x>", text="room 3"))
    assert (await only(api))["state"] == "in_progress"


async def test_after_the_end_a_reply_is_a_recurrence(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    await api.act(number, "cancel", {"reason": "a drill"})
    await send(api, mail(ident="<2@x>", In_Reply_To="<1@x>", text="again"))
    found = {i["number"]: i for i in (await api.get("/api/v1/incidents")).items}
    del found[number]
    assert [i["recurrence_of"] for i in found.values()] == [number]


async def test_further_replies_after_the_end_belong_to_the_recurrence(api: Served) -> None:
    await send(api, mail())
    number = (await only(api))["number"]
    await api.act(number, "cancel", {"reason": "a drill"})
    for n in (2, 3):
        await send(api, mail(ident=f"<{n}@x>", In_Reply_To="<1@x>", text=f"again {n}"))
    ((fresh,),) = await api.daemon.writer.fetch("SELECT number FROM incident WHERE recurrence_of = ?", number)
    assert [text for _, text in await notes(api, fresh)] == ["again 3"]
    links = (await api.get(f"/api/v1/incidents/{fresh}")).body["links"]
    assert [(link["kind"], link["target"]) for link in links] == [("incident", number)]


async def test_a_machine_is_never_answered_and_its_answers_report_nothing(api: Served) -> None:
    await send(api, mail(Auto_Submitted="auto-generated", subject="cron failed"))
    await send(api, mail(ident="<2@x>", Precedence="list"))
    assert len((await api.get("/api/v1/incidents")).items) == 2
    await send(api, mail(ident="<3@x>", Auto_Submitted="auto-replied", subject="I am away"))
    await send(api, mail("mailer-daemon@example.org", ident="<4@x>"))
    assert len((await api.get("/api/v1/incidents")).items) == 2
    assert await receipts(api) == []
    assert len((await api.get("/api/v1/dead-letters", as_="root")).items) == 2


async def test_a_source_that_does_not_say_so_answers_nobody(api: Served) -> None:
    await send(api, mail(), "quiet")
    await only(api)
    assert await receipts(api) == []


async def test_one_of_ours_reports_as_themselves(api: Served) -> None:
    await send(api, mail("Ana <ana@example.org>"))
    record = (await only(api))["record"]
    assert record["reporter"] == "ana"
    assert (await only(api))["source"] == "staff"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"no mail", b"From: a@b.cn\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 100_000]
)
async def test_what_is_no_mail_is_a_dead_letter(api: Served, body: bytes) -> None:
    await send(api, body, status=400)
    assert len((await api.get("/api/v1/dead-letters", as_="root")).items) == 1


async def test_no_address_stands_in_logs_and_a_viewer_sees_none(api: Served, capfd: pytest.CaptureFixture[str]) -> None:
    await send(api, mail("bob.canary@example.org"))
    number = (await only(api))["number"]
    await send(api, mail("carol.canary@example.org", ident="<2@x>", In_Reply_To="<1@x>", text="call 0134-canary"))
    said = capfd.readouterr()
    for path in (f"/api/v1/incidents/{number}", f"/api/v1/incidents/{number}/timeline", "/api/v1/dead-letters"):
        assert "canary" not in (await api.get(path, as_="vic")).text
    assert "canary" not in said.out + said.err + (await api.get("/metrics", as_="")).text


async def test_who_mailed_is_erased_with_their_mails(api: Served) -> None:
    await send(api, mail("Bob <bob.canary@example.org>", text="my number is 0134"))
    await send(api, mail("bob.canary@example.org", ident="<2@x>", In_Reply_To="<1@x>", text="again"))
    answered = await api.post("/api/v1/people/erase", {"person": "bob.canary@example.org"}, as_="root")
    assert answered.body["rows"]["journal"] >= 2
    from tests.agent.http.test_erasing import stored

    assert "bob.canary" not in await stored(api)


async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres: Database) -> None:
    async with served(tmp_path, postgres.url, files=MAILED) as api:
        await send(api, mail())
        await send(api, mail())
        number = (await only(api))["number"]
        api.daemon.pipeline.desk = await api.daemon._load(api.daemon.writer)
        await send(api, mail(ident="<2@x>", In_Reply_To="<1@x>", text="again"))
        assert await notes(api, number) == [("bob@example.org", "again")]


# a mailbox


def watch(api: Served, mailbox: Mailbox, **more: Any) -> Watch:
    from collectors.inspections.imap import Config

    keys = {"type": "imap", "every": "1m", "host": "127.0.0.1", "port": mailbox.port, "tls": "none", "timeout": "2s"}
    config = Config.model_validate({**keys, "username": "help", "password": "secret", **more})
    daemon = api.daemon
    return Watch("inbox", config, daemon.pipeline, lambda: daemon.config, daemon.metrics)


async def test_unseen_mails_of_a_mailbox_become_reports_once(api: Served) -> None:
    async with Mailbox() as mailbox:
        mailbox.deliver(mail(), mail(ident="<2@x>", subject="second"))
        inbox = watch(api, mailbox)
        await inbox.once(api.clock.now())
        await inbox.once(api.clock.now())
        assert mailbox.seen == {1, 2}
        assert {i["title"] for i in (await api.get("/api/v1/incidents")).items} == {"printer", "second"}


async def test_a_mail_that_was_not_marked_is_known_again(api: Served) -> None:
    async with Mailbox() as mailbox:
        mailbox.deliver(mail())
        mailbox.refuses.add("STORE")
        inbox = watch(api, mailbox)
        await inbox.once(api.clock.now())
        mailbox.refuses.clear()
        await inbox.once(api.clock.now())
        assert mailbox.seen == {1}
        await only(api)


async def test_what_is_no_mail_does_not_stop_the_mailbox(api: Served) -> None:
    async with Mailbox() as mailbox:
        mailbox.deliver(b"no mail", mail())
        await watch(api, mailbox).once(api.clock.now())
        assert mailbox.seen == {1, 2}
        titles = {i["title"] for i in (await api.get("/api/v1/incidents")).items}
        assert "printer" in titles
        assert len((await api.get("/api/v1/dead-letters", as_="root")).items) == 1


@pytest.mark.parametrize("trouble", ["gone", "LOGIN", "SELECT", "silent"])
async def test_an_outage_of_a_mailbox_is_told_once_and_once_when_it_is_over(api: Served, trouble: str) -> None:
    async with Mailbox() as mailbox:
        inbox = watch(api, mailbox, timeout="1s")
        if trouble == "gone":
            await mailbox.stop()
        mailbox.refuses.add(trouble)
        for _ in range(2):
            await inbox.once(api.clock.now())
        found = await only(api)
        assert [a["labels"]["alertname"] for a in found["alerts"]] == ["InspectionUnreachable"]
        mailbox.refuses.clear()
        if trouble == "gone":
            await mailbox.start(mailbox.port)
        mailbox.deliver(mail())
        await inbox.once(api.clock.now())
        (alert,) = (await api.get(f"/api/v1/incidents/{found['number']}")).body["alerts"]
        assert alert["status"] == "resolved"
        assert len((await api.get("/api/v1/incidents")).items) == 2
