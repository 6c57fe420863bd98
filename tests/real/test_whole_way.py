"""From a metric over its line to a page that somebody acknowledges, and back: nothing in between is ours to fake."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.daemon import SOURCE_TOKEN, Tocsin, site
from tests.real.parts import (
    Alertmanager,
    Answer,
    Exporter,
    Prometheus,
    SmtpSink,
    WebhookSink,
    route_to,
    rule,
    scrape,
    sends_to,
    until,
)
from tests.real.sinks import Received

pytestmark = pytest.mark.real("prometheus", "prometheus-alertmanager")

DISK_FULL = rule(
    "NodeFilesystemAlmostOutOfSpace",
    "disk_used_pct > 95",
    labels={"severity": "critical"},
    annotations={"summary": "/srv on {{ $labels.instance }} is nearly full"},
)
KNOWN = "disk-space-low"


@asynccontextmanager
async def monitored(open_dir: Path, exporter: Exporter, tocsin: Tocsin) -> AsyncIterator[Alertmanager]:
    """A Prometheus that scrapes the exporter and an Alertmanager that tells the daemon."""
    to = route_to(f"{tocsin.url}/webhooks/alertmanager/am", token=SOURCE_TOKEN)
    async with Alertmanager(open_dir, to) as alertmanager:
        config = scrape(exporter.address, alertmanagers=[sends_to(alertmanager.address)])
        async with Prometheus(open_dir, config, [DISK_FULL]):
            yield alertmanager


def fill(exporter: Exporter, used: float) -> None:
    exporter.set("disk_used_pct", used, instance="mon-1:9100", mountpoint="/srv")


async def each_step_has_one_record(tocsin: Tocsin, number: str) -> None:
    plan = await tocsin.plan(number)
    assert Counter(step["step"] for step in plan).most_common(1)[0][1] == 1
    assert [step["step"] for step in plan if step["outcome"] is None] == []
    told = Counter(e["facts"]["step"] for e in await tocsin.timeline(number) if e["kind"] == "step")
    assert set(told) == {step["step"] for step in plan if step["outcome"] in ("paged", "fallback", "superseded")}
    assert set(told.values()) == {1}


def in_order(kinds: list[str], *wanted: str) -> bool:
    """Tell whether `wanted` occur in this order, others between them or not."""
    rest = iter(kinds)
    return all(kind in rest for kind in wanted)


CLOSED = ("opened", "step", "page_sent", "acknowledged", "service_restored", "resolved")


async def test_a_metric_over_its_line_becomes_a_page_an_acknowledgement_and_a_closed_timeline(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    fill(exporter, 40)
    files = site(hook=webhook_sink.url, mail_port=smtp_sink.port)
    async with Tocsin(open_dir, files) as tocsin, monitored(open_dir, exporter, tocsin):
        await until(lambda: exporter.scrapes, "a scrape")
        fill(exporter, 97)
        (mail,), (page,) = await smtp_sink.wait_for(1), await webhook_sink.wait_for(1)
        incident = await tocsin.incident_of(DISK_FULL["alert"])
        number = incident["number"]
        assert (incident["state"], incident["severity"]) == ("assigned", 2)
        assert [known["id"] for known in incident["known_errors"]][:1] == [KNOWN]

        acknowledged = await tocsin.act(number, "acknowledge", by="ana")
        assert (acknowledged["state"], acknowledged["assignee"]) == ("in_progress", "ana")
        fill(exporter, 40)
        resolved = await tocsin.wait_for(number, "it is resolved", state="resolved")

        kinds = await tocsin.kinds(number)
        assert in_order(kinds, *CLOSED), kinds
        assert kinds.count("page_sent") == 2
        assert [alert["status"] for alert in resolved["alerts"]] == ["resolved"]
        assert resolved["resolved_at"] == resolved["service_restored_at"]
        await each_step_has_one_record(tocsin, number)
        assert await tocsin.stop() == 0

    assert mail.recipients == ["ana@example.org"]
    assert mail.message["X-Tocsin-Incident"] == number
    assert number in mail.subject
    workaround = incident["known_errors"][0]["workaround"].splitlines()[0]
    assert workaround in mail.text
    assert page.headers["X-Tocsin-Incident"] == number
    assert (page.headers["X-Tocsin-Step"], page.headers["X-Tocsin-Target"]) == ("2/c0", "wei")
    assert page.headers["X-Tocsin-Attempt"] == "1"
    assert page.json["known_errors"][0]["id"] == KNOWN
    assert len(webhook_sink.received) == 1
    assert len(smtp_sink.mails) == 1


def once_beyond_what_was_unconfirmed(received: list[Received]) -> dict[str, list[Any]]:
    """Per Idempotency-Key the answers of the sink; raises where a page it had accepted came again."""
    by_key: dict[str, list[Any]] = {}
    for got in received:
        by_key.setdefault(got.headers["Idempotency-Key"], []).append("lost" if got.answer.drop else got.answer.status)
    for answers in by_key.values():
        assert answers.count(200) == 1, by_key
        assert answers[-1] == 200, by_key
    return by_key


async def test_the_same_way_with_the_daemon_killed_at_each_turn(
    open_dir: Path, exporter: Exporter, webhook_sink: WebhookSink, smtp_sink: SmtpSink
) -> None:
    fill(exporter, 40)
    files = site(hook=webhook_sink.url, mail_port=smtp_sink.port)
    webhook_sink.script(Answer(after=120, drop=True))
    async with Tocsin(open_dir, files) as tocsin, monitored(open_dir, exporter, tocsin):
        await until(lambda: exporter.scrapes, "a scrape")
        fill(exporter, 97)
        await webhook_sink.wait_for(1)
        await tocsin.restart()  # a page is on its way: whether it has arrived is not known
        first, again = await webhook_sink.wait_for(2)
        await smtp_sink.wait_for(1)
        incident = await tocsin.incident_of(DISK_FULL["alert"])
        number = incident["number"]

        await tocsin.act(number, "acknowledge", by="ana")
        await tocsin.kill()
        fill(exporter, 40)
        await tocsin.start()
        await until(lambda: _restored(tocsin, number), "its alert is over")
        await tocsin.restart()
        await tocsin.wait_for(number, "it is resolved", state="resolved")

        kinds = await tocsin.kinds(number)
        assert in_order(kinds, *CLOSED), kinds
        assert [kinds.count(kind) for kind in ("opened", "acknowledged", "resolved")] == [1, 1, 1]
        await each_step_has_one_record(tocsin, number)
        assert len(await tocsin.incidents()) == 1

    once_beyond_what_was_unconfirmed(webhook_sink.received)
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert (first.headers["X-Tocsin-Attempt"], again.headers["X-Tocsin-Attempt"]) == ("1", "2")
    assert again.json["repeat_unconfirmed"] is True
    keys = Counter(mail.message["Idempotency-Key"] for mail in smtp_sink.mails)
    assert len(keys) == 1


async def _restored(tocsin: Tocsin, number: str) -> bool:
    return (await tocsin.incident(number))["service_restored_at"] is not None
