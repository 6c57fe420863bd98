"""A page over HTTP: what is sent, and what each answer means ."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from escalation.delivery import Message, Undeliverable
from escalation.notifiers.webhook import Config, Notify
from tests.escalation.notifiers.receivers import answers, page, serving, speaks_smtp, whole_request

if TYPE_CHECKING:
    from tests.real.parts import Port, WebhookSink

MANY = [1, 2, 3]


@asynccontextmanager
async def channel(url: str, **keys: Any) -> AsyncIterator[Notify]:
    notify = Notify(Config(type="webhook", url=url, **keys))
    try:
        yield notify
    finally:
        await notify.close()


async def failure(url: str, **keys: Any) -> Undeliverable:
    """Why the page does not arrive."""
    async with channel(url, **keys) as notify:
        with pytest.raises(Undeliverable) as caught:
            await notify.send(page())
    return caught.value


async def test_a_page_carries_its_key_and_says_which_step_of_which_incident(webhook_sink: "WebhookSink") -> None:
    async with channel(webhook_sink.url, headers={"Authorization": "Bearer t0ken-of-the-site"}) as notify:
        await notify.send(page())
    (got,) = webhook_sink.received
    assert got.method == "POST"
    named = {
        name: got.headers[name] for name in got.headers if name.startswith("X-Tocsin") or name == "Idempotency-Key"
    }
    assert named == {
        "Idempotency-Key": page().key,
        "X-Tocsin-Incident": "INC-20260302-0001",
        "X-Tocsin-Step": "2/p75",
        "X-Tocsin-Target": "ana",
        "X-Tocsin-Attempt": "2",
    }
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["User-Agent"].startswith("Tocsin/")
    assert got.headers["Authorization"] == "Bearer t0ken-of-the-site"
    assert got.json == {"incident": {"state": "new"}, "to": "ana@example.org"}


async def test_the_headers_of_the_contract_cannot_be_replaced_by_configuration(webhook_sink: "WebhookSink") -> None:
    async with channel(webhook_sink.url, headers={"idempotency-key": "mine", "user-agent": "mine"}) as notify:
        await notify.send(page())
    (got,) = webhook_sink.received
    assert got.headers.getall("Idempotency-Key") == [page().key]
    assert got.headers.getall("User-Agent") == ["mine"]


async def test_a_retry_sends_the_same_body_under_the_same_key(webhook_sink: "WebhookSink") -> None:
    webhook_sink.script(503, 200)
    async with channel(webhook_sink.url) as notify:
        with pytest.raises(Undeliverable):
            await notify.send(page(attempt=1))
        await notify.send(page(attempt=2))
    first, second = webhook_sink.received
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert (first.headers["X-Tocsin-Attempt"], second.headers["X-Tocsin-Attempt"]) == ("1", "2")


async def test_a_text_that_is_no_unicode_is_sent_all_the_same(webhook_sink: "WebhookSink") -> None:
    async with channel(webhook_sink.url) as notify:
        await notify.send(page(message=Message("s", "t", "s", {"text": "half \ud83d of it"})))
    assert webhook_sink.received[0].json["text"] == "half ? of it"


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "retry_after"),
    [
        pytest.param(500, {}, False, None, id="500 passes"),
        pytest.param(502, {}, False, None, id="502 passes"),
        pytest.param(504, {}, False, None, id="504 passes"),
        pytest.param(503, {"Retry-After": "7"}, False, 7, id="503 says when"),
        pytest.param(429, {"Retry-After": "5"}, False, 5, id="429 says when"),
        pytest.param(429, {}, False, None, id="429 says not when"),
        pytest.param(429, {"Retry-After": "86400"}, False, 300, id="a day is too long"),
        pytest.param(429, {"Retry-After": "9" * 400}, False, 300, id="a number without end"),
        pytest.param(429, {"Retry-After": "soon"}, False, None, id="no number"),
        pytest.param(429, {"Retry-After": "-3"}, False, None, id="a number below nothing"),
        pytest.param(429, {"Retry-After": "²"}, False, None, id="a digit that is no number"),
        pytest.param(
            503,
            {"Retry-After": "Mon, 02 Mar 2026 08:31:00 GMT", "Date": "Mon, 02 Mar 2026 08:30:00 GMT"},
            False,
            60,
            id="a date, by the clock of the receiver",
        ),
        pytest.param(
            503,
            {"Retry-After": "Mon, 02 Mar 2026 08:29:00 GMT", "Date": "Mon, 02 Mar 2026 08:30:00 GMT"},
            False,
            0,
            id="a date gone by",
        ),
        pytest.param(408, {}, False, None, id="408 passes"),
        pytest.param(409, {}, False, None, id="409: the same key is being worked on"),
        pytest.param(425, {}, False, None, id="425 passes"),
        pytest.param(400, {}, True, None, id="400 is for good"),
        pytest.param(401, {}, True, None, id="401 is for good"),
        pytest.param(403, {}, True, None, id="403 is for good"),
        pytest.param(404, {}, True, None, id="404 is for good"),
        pytest.param(410, {}, True, None, id="410 is for good"),
        pytest.param(413, {}, True, None, id="413 is for good"),
        pytest.param(422, {}, True, None, id="422 is for good"),
    ],
)
async def test_a_status_says_whether_to_try_again_and_when(
    status: int, headers: dict[str, str], permanent: bool, retry_after: int | None
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = f"HTTP/1.1 {status} No\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    async with serving(answers(answer)) as receiver:
        error = await failure(receiver.url)
    assert (error.permanent, error.unknown) == (permanent, False)
    assert error.retry_after == (None if retry_after is None else timedelta(seconds=retry_after))
    assert str(error) == f"127.0.0.1 answers {status}"
    assert receiver.count == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_says_so(webhook_sink: "WebhookSink", status: int) -> None:
    from tests.real.sinks import Answer

    webhook_sink.script(Answer(status=status, headers={"Location": f"{webhook_sink.url}inside"}))
    error = await failure(webhook_sink.url)
    assert error.permanent
    assert "redirect" in str(error)
    assert [got.path for got in webhook_sink.received] == ["/"]


async def test_nobody_listening_is_a_failure_that_passes(free_port: "Callable[..., Port]") -> None:
    error = await failure(f"http://127.0.0.1:{free_port().number}/hook")
    assert (error.permanent, error.unknown) == (False, False)
    assert "Connection refused" in str(error)


async def test_a_receiver_that_speaks_no_tls_was_not_reached() -> None:
    async with serving(speaks_smtp({})) as receiver:
        error = await failure(receiver.url.replace("http:", "https:"))
    assert (error.permanent, error.unknown) == (False, False)
    assert "TLS" in str(error)


async def test_a_connection_that_never_comes_about_is_no_unknown() -> None:
    """A TLS handshake that hangs: not a byte of the page has left."""

    async def silent(_served: object, reader: asyncio.StreamReader, _writer: object) -> None:
        await reader.read(1)
        await asyncio.Event().wait()

    async with serving(silent) as receiver:
        error = await failure(receiver.url.replace("http:", "https:"), timeout="300ms")
    assert (error.permanent, error.unknown) == (False, False)


async def test_a_certificate_that_is_not_accepted_is_told_with_what_is_wrong_with_it(certificate: Path) -> None:
    async with serving(answers(OK_HEAD), certificate) as receiver:
        error = await failure(receiver.url.replace("http:", "https:"))
    assert (error.permanent, error.unknown) == (False, False)
    assert "its certificate is not accepted: self-signed certificate" in str(error)


OK_HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("parts", "then"),
    [
        pytest.param([], "hang", id="accepts and hangs"),
        pytest.param([], "close", id="closes without an answer"),
        pytest.param([b"HTTP/1.1 2"], "hang", id="half a status line"),
        pytest.param([OK_HEAD + b"Content-Length: 50\r\n\r\n", b"{"], "hang", id="drips"),
        pytest.param([OK_HEAD + b"Content-Length: 50\r\n\r\n", b"{"], "close", id="breaks off in the answer"),
        pytest.param([b"220 this is SMTP\r\n"], "close", id="no HTTP at all"),
    ],
)
async def test_a_page_that_was_written_and_not_answered_may_have_arrived(parts: list[bytes], then: str) -> None:
    async with serving(answers(*parts, then=then)) as receiver:
        error = await failure(receiver.url, timeout="300ms")
    assert (error.permanent, error.unknown) == (False, True)
    assert receiver.count == 1, "a POST is written once: what is tried again says so by its attempt (F9)"


async def test_a_refusing_status_counts_though_its_body_never_ends() -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\n"
    async with serving(answers(head, then="hang")) as receiver:
        error = await failure(receiver.url)
    assert (error.permanent, error.unknown) == (True, False)


@pytest.mark.parametrize(
    ("parts", "then"),
    [
        pytest.param([OK_HEAD + b"Content-Length: 50\r\n\r\n", b"accep"], "hang", id="never ends"),
        pytest.param([OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], "hang", id="never begins"),
        pytest.param([OK_HEAD + b"Content-Length: 50\r\n\r\n", b"accep"], "close", id="breaks off"),
    ],
)
async def test_a_2xx_holds_though_its_body_never_ends(parts: list[bytes], then: str) -> None:
    """To send it again, and by the next channel, would be to page twice for one success."""
    async with serving(answers(*parts, then=then)) as receiver, channel(receiver.url, timeout="300ms") as notify:
        await notify.send(page())
    assert receiver.count == 1


async def test_each_page_has_a_connection_of_its_own(webhook_sink: "WebhookSink") -> None:
    """A kept connection that the receiver has just closed would make a page unknown that never left."""
    answer = OK_HEAD + b"Content-Length: 2\r\n\r\nok"
    async with serving(answers(answer, then="hang")) as receiver, channel(receiver.url) as notify:
        for _ in MANY:
            await notify.send(page())
        assert receiver.count == len(MANY)


CHAT = [
    # service, body, permanent
    ("WeCom bad key", {"errcode": 93000, "errmsg": "invalid webhook url"}, True),
    ("WeCom too often", {"errcode": 45009, "errmsg": "api freq out of limit"}, False),
    ("WeCom busy", {"errcode": -1, "errmsg": "system error"}, False),
    ("DingTalk bad token", {"errcode": 300001, "errmsg": "token is not exist"}, True),
    ("DingTalk keyword", {"errcode": 310000, "errmsg": "keywords not in content"}, True),
    ("DingTalk too often", {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, False),
    ("Feishu keyword", {"code": 19024, "msg": "Key Words Not Found", "data": {}}, True),
    ("Feishu too often", {"code": 11232, "msg": "create msg failed: frequency limited"}, False),
    ("Feishu old form", {"StatusCode": 19001, "StatusMessage": "param invalid: incoming webhook"}, True),
    ("Slack bad token", {"ok": False, "error": "invalid_auth"}, True),
    ("Slack too often", {"ok": False, "error": "ratelimited"}, False),
    ("Telegram gone", {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}, True),
    ("Bark", {"code": "400", "message": "failed to get device token"}, True),
    ("a gateway in trouble", {"code": 503, "message": "upstream"}, False),
    ("Chinese", {"code": 7, "msg": "系统繁忙,请稍后再试"}, False),
    ("no words", {"success": False}, True),
]


@pytest.mark.parametrize(("body", "permanent"), [pytest.param(b, p, id=n) for n, b, p in CHAT])
async def test_a_200_that_says_no_inside_is_a_failure_of_the_right_kind(
    webhook_sink: "WebhookSink", body: dict[str, Any], permanent: bool
) -> None:
    from tests.real.sinks import Answer

    webhook_sink.script(Answer(text=json.dumps(body)))
    error = await failure(webhook_sink.url)
    assert (error.permanent, error.unknown) == (permanent, False)
    assert str(error).startswith("127.0.0.1 answered 200, and in it: ")


@pytest.mark.parametrize(
    ("body", "provider_id"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("ok", None, id="plain text"),
        pytest.param('{"errcode": 0, "errmsg": "ok"}', None, id="WeCom and DingTalk"),
        pytest.param('{"StatusCode": 0, "StatusMessage": "success", "code": 0}', None, id="Feishu"),
        pytest.param('{"code": 200, "message": "success"}', None, id="Bark"),
        pytest.param('{"ok": true}', None, id="Slack"),
        pytest.param('{"id": "sPs71M8A2T", "event": "message"}', "sPs71M8A2T", id="ntfy"),
        pytest.param('{"code": true}', None, id="a code that is no number"),
        pytest.param('["ok"]', None, id="a list"),
        pytest.param("[" * 60_000, None, id="a body nested too deep to read"),
    ],
)
async def test_a_200_that_says_yes_or_nothing_is_delivered(
    webhook_sink: "WebhookSink", body: str, provider_id: str | None
) -> None:
    from tests.real.sinks import Answer

    webhook_sink.script(Answer(text=body))
    async with channel(webhook_sink.url) as notify:
        assert await notify.send(page()) == provider_id


async def test_a_refusal_that_arrives_in_pieces_is_read_whole() -> None:
    body = b'{"errcode": 93000, "errmsg": "invalid webhook url"}'
    head = OK_HEAD + b"Content-Length: %d\r\n\r\n" % len(body)

    async def talk(served: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(served, reader)
        writer.write(head + body[:9])
        await writer.drain()
        for _ in range(50):  # the client's side of the loop reads the first piece
            await asyncio.sleep(0)
        writer.write(body[9:])
        await reader.read()

    async with serving(talk) as receiver:
        assert "invalid webhook url" in str(await failure(receiver.url))


async def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    size = 10_000_000
    written = 0

    async def talk(served: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await whole_request(served, reader)
        writer.write(OK_HEAD + b"Content-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(b"x" * 100_000)
            await writer.drain()
            written += 100_000

    async with serving(talk) as receiver, channel(receiver.url) as notify:
        assert await notify.send(page()) is None
    assert written < size, "the connection was cut before the end"


SECRET_URL = "http://ana:pa55word@{host}/services/T0KENT0KEN/x?key=s3cr3tkey"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="no answer"),
        pytest.param("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", id="refused"),
        pytest.param("HTTP/1.1 302 Found\r\nLocation: /T0KENT0KEN\r\nContent-Length: 0\r\n\r\n", id="redirect"),
        pytest.param(
            'HTTP/1.1 200 OK\r\n\r\n{"errcode": 1, "errmsg": "no T0KENT0KEN, s3cr3tkey, pa55word, of-the-site\\u0007"}',
            id="the answer repeats them",
        ),
        pytest.param("HTTP/1.1 200 s3cr3tkey\x00\r\nbroken", id="an answer that cannot be read"),
    ],
)
async def test_no_failure_tells_a_secret_of_the_address(answer: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(answers(answer.encode())) as receiver:
        url = SECRET_URL.format(host=f"127.0.0.1:{receiver.port}")
        error = await failure(url, headers={"X-Token": "Bearer of-the-site"})
    for secret in ("T0KENT0KEN", "s3cr3tkey", "pa55word", "of-the-site", "\x07"):
        assert secret not in str(error)
        assert secret not in caplog.text


async def test_a_refused_connection_tells_no_secret_either(free_port: "Callable[..., Port]") -> None:
    error = await failure(SECRET_URL.format(host=f"127.0.0.1:{free_port().number}"))
    assert str(error) == "127.0.0.1 cannot be reached: Connection refused"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("gopher://mon-1/", id="another protocol"),
        pytest.param("mon-1:8099/", id="no scheme"),
        pytest.param("http://", id="no host"),
        pytest.param("", id="nothing"),
        pytest.param("http://mon-1/a b", id="a space"),
        pytest.param("http://mon-1/\r\nX-Evil: 1", id="a line break"),
        pytest.param("http://[::1", id="half an address"),
        pytest.param("http://mon-1:99999/", id="no such port"),
    ],
)
def test_what_is_no_web_address_is_refused_when_the_configuration_is_read(url: str) -> None:
    with pytest.raises(ValidationError, match="write it whole"):
        Config(type="webhook", url=url)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Site": "a\r\nX-Evil: 1"}, id="a line break in the value"),
        pytest.param({"X Site": "a"}, id="a space in the name"),
        pytest.param({"": "a"}, id="no name"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_when_the_configuration_is_read(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="cannot be sent"):
        Config(type="webhook", url="http://mon-1/", headers=headers)


def test_two_logins_are_refused_when_the_configuration_is_read() -> None:
    with pytest.raises(ValidationError, match="not both"):
        Config(type="webhook", url="http://ana:pa55word@mon-1/", headers={"authorization": "Bearer x"})


async def test_a_channel_that_sent_nothing_can_be_closed_and_twice() -> None:
    notify = Notify(Config(type="webhook", url="http://mon-1/"))
    await notify.close()
    await notify.close()


# a body of the site's own

SLACK = {"text": "{subject}\n{text}"}
NTFY = {"topic": "{to}", "title": "{subject}", "message": "{text}", "priority": "{priority}", "click": "{link}"}


async def test_a_body_of_the_site_is_sent_in_place_of_ours_with_what_the_page_says(webhook_sink: "WebhookSink") -> None:
    said = {
        "incident": {"severity": 1, "title": "磁盘已满"},
        "links": {"acknowledge": "http://tocsin/ack/x", "open": "http://tocsin/i"},
    }
    message = Message("[INC-20260302-0001 sev1] {to} 磁盘已满", "because", "short", said)
    async with channel(webhook_sink.url, body=NTFY) as notify:
        await notify.send(page(message=message))
    (got,) = webhook_sink.received
    assert got.json == {
        "topic": "ana@example.org",
        "title": "[INC-20260302-0001 sev1] {to} 磁盘已满",
        "message": "because",
        "priority": 5,
        "click": "http://tocsin/ack/x",
    }
    assert got.headers["Idempotency-Key"] == page().key


async def test_a_form_is_sent_as_a_form(webhook_sink: "WebhookSink") -> None:
    body = {"To": "{to}", "From": "+34 600", "Body": "{short}"}
    async with channel(webhook_sink.url, body=body, encoding="form") as notify:
        await notify.send(page())
    (got,) = webhook_sink.received
    assert got.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert got.body == b"To=ana%40example.org&From=%2B34+600&Body=short"


async def test_the_text_is_cut_to_what_the_receiver_takes(webhook_sink: "WebhookSink") -> None:
    long = Message("s", "磁" * 5000, "short", {})
    async with channel(webhook_sink.url, body={"text": "{text}"}, most_bytes=2000) as notify:
        await notify.send(page(message=long))
    (got,) = webhook_sink.received
    assert 1990 <= len(got.json["text"].encode()) <= 2000


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"body": {"text": ["{txt}"]}}, r"a page has no \{txt\} \(did you mean \{text\}\?\)"),
        ({"body": {"a": {"b": "{text}"}}, "encoding": "form"}, "a form is a flat body"),
        ({"encoding": "form"}, "a form is a flat body"),
    ],
)
def test_a_body_that_cannot_be_sent_is_refused_when_it_is_read(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Config(type="webhook", url="https://chat.example.org/hook", **keys)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("no_text", "127.0.0.1 answers 400: no_text"),
        (
            '{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}',
            "400: Bad Request: chat not found",
        ),
        ("<html>no</html>", "127.0.0.1 answers 400"),
        ("unknown key routing-key-of-the-site", "127.0.0.1 answers 400: unknown key …"),
    ],
)
async def test_a_refusal_says_what_the_receiver_says_of_it(webhook_sink: "WebhookSink", answer: str, said: str) -> None:
    from tests.real.sinks import Answer

    webhook_sink.script(Answer(status=400, text=answer))
    error = await failure(webhook_sink.url, body={"routing_key": "routing-key-of-the-site", **SLACK})
    assert error.permanent
    assert str(error).endswith(said)
