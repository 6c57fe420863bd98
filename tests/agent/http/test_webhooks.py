"""Intake over real sockets: who may send, what is taken, what is refused and how; nothing that got a 2xx is lost."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import hmac
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import generate_latest

from agent import tokens
from agent.clock import HandClock
from agent.configuration.config import Config
from agent.configuration.load import load
from agent.daemon import Daemon, Options
from agent.http import webhooks
from agent.http.health import Health
from agent.http.listening import serving
from agent.http.webhooks import LIMIT, Intake
from agent.intents import TimePassed
from agent.pipeline import Overloaded
from agent.storage.writer import StoreDown
from tests.house import DISK_FULL, START, alert, message

SOURCES = """
sources:
  am: {type: alertmanager, token: [old-secret, new-secret]}
  other: {type: alertmanager, token: other-secret}
  pass: {type: alertmanager, basic: {username: am, password: "p:w"}}
  seal: {type: alertmanager, hmac: {secret: seal-secret}}
  made: {type: alertmanager}
  prom: {type: prometheus, token: prom-secret, origin: am}
  form: {type: generic, token: form-secret}
"""
AM = {"Authorization": "Bearer new-secret"}
FIRING = message(alert(DISK_FULL))


@dataclass
class Door:
    """A daemon's intake on a port."""

    daemon: Daemon
    port: int
    session: aiohttp.ClientSession
    intake: Intake

    async def post(self, path: str, body: bytes = FIRING, headers: Mapping[str, str] = AM) -> tuple[int, str]:
        url, data = f"http://127.0.0.1:{self.port}{path}", io.BytesIO(body)
        async with self.session.post(url, data=data, headers=headers) as answer:
            return answer.status, await answer.text()

    async def am(self, body: bytes = FIRING, headers: Mapping[str, str] = AM) -> int:
        return (await self.post("/webhooks/alertmanager/am", body, headers))[0]

    async def raw(self, request: bytes, *, rest: bytes = b"") -> bytes:
        """Bytes as they are; what comes back until the other side closes or has answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(request)
            await writer.drain()
            writer.write(rest)
            await writer.drain()
        answered = b""
        with contextlib.suppress(ConnectionError):
            answered = await reader.read(65_536)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return answered

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return await self.daemon.writer.fetch(sql)

    async def count(self, table: str) -> int:
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0][0])

    async def letters(self) -> list[tuple[str, str]]:
        return [(s, r) for s, r in await self.rows("SELECT source, reason FROM dead_letter ORDER BY id")]

    async def own(self) -> list[str]:
        """The titles of self-incidents."""
        return [t for (t,) in await self.rows("SELECT title FROM incident WHERE source = 'self' ORDER BY id")]


@lru_cache
def configured(sources: str) -> Config:
    with TemporaryDirectory() as site:
        (Path(site) / "tocsin.yaml").write_text(
            "pack: iso20000-default\nnotifiers: {hook: {type: recording}}\nfallback: [ana]\n" + sources
        )
        (Path(site) / "people.yaml").write_text(
            "people: {ana: {name: Ana, roles: [l1, l2, pm], contacts: [{notifier: hook, to: ana}]}}"
        )
        return load(site)


Opening = Callable[..., AbstractAsyncContextManager[Door]]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    @asynccontextmanager
    async def opened(
        sources: str = SOURCES, listen: str = "127.0.0.1:0", trusted_proxies: tuple[str, ...] = ()
    ) -> AsyncIterator[Door]:
        storage = f"sqlite:///{tmp_path / 'tocsin.db'}"
        options = Options(listen=listen, storage_url=storage, trusted_proxies=trusted_proxies)
        daemon = Daemon(options, configured(sources), HandClock(START))
        await daemon.open()
        daemon.pipeline.committed.clear()
        line = asyncio.create_task(daemon.pipeline.run())
        app = daemon.app()
        intake = next(r.handler.__self__ for r in app.router.routes() if isinstance(_of(r), Intake))  # type: ignore[attr-defined]  # bound methods
        try:
            async with serving(app, "127.0.0.1:0") as port, aiohttp.ClientSession() as session:
                yield Door(daemon, port, session, intake)
        finally:
            assert not line.done(), "the line died"
            line.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await line
            await daemon.close()

    return opened


def _of(route: web.AbstractRoute) -> object:
    return getattr(route.handler, "__self__", None)


@pytest.fixture
async def door(opening: Opening) -> AsyncIterator[Door]:
    async with opening() as opened:
        yield opened


# who may send


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def sealed(body: bytes, secret: str = "seal-secret") -> dict[str, str]:
    return {"X-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer wrong"}, id="a wrong token"),
        pytest.param({"Authorization": "Bearer other-secret"}, id="another source's token"),
        pytest.param({"Authorization": "Bearer "}, id="an empty token"),
        pytest.param({"Authorization": "Bearer"}, id="no token after the word"),
        pytest.param({"Authorization": "new-secret"}, id="a token without the word"),
        pytest.param({"Authorization": "Bearer new-secret x"}, id="a token and more"),
        pytest.param({"Authorization": "Bearer " + "x" * 4000}, id="a long token"),
        pytest.param(basic("am", "new-secret"), id="the token as a password"),
    ],
)
async def test_who_is_not_known_gets_401_and_leaves_nothing(door: Door, headers: dict[str, str]) -> None:
    assert await door.am(headers=headers) == 401
    assert await door.count("alert") == await door.count("dead_letter") == await door.count("incident") == 0


@pytest.mark.parametrize(
    "value", [b"Bearer \xff\xfe", b"Bearer \xed\xa0\x80", b"Basic \xff", b"Basic !!!!", b"Bearer \xe5\xbc\xa0"]
)
@pytest.mark.parametrize("path", ["/webhooks/alertmanager/am", "/webhooks/alertmanager/pass", "/api/v2/alerts"])
async def test_bytes_that_are_no_token_are_401(door: Door, path: str, value: bytes) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\nAuthorization: ".encode()
    assert (await door.raw(head + value + b"\r\n\r\n{}")).startswith(b"HTTP/1.1 401")


async def test_a_megabyte_of_token_is_refused_and_stores_nothing(door: Door) -> None:
    head = b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nAuthorization: Bearer "
    answered = await door.raw(head + b"x" * 1_000_000 + b"\r\n\r\n{}")
    assert answered == b"" or answered.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 401"))
    assert await door.count("alert") == 0


async def test_two_tokens_are_valid_while_one_takes_the_place_of_the_other(door: Door) -> None:
    assert await door.am(headers={"Authorization": "Bearer old-secret"}) == 200
    assert await door.am(headers={"Authorization": "Bearer new-secret"}) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic("am", "p:w"), 200),
        (basic("am", "p:x"), 401),
        (basic("an", "p:w"), 401),
        (basic("", ""), 401),
        ({"Authorization": "Bearer p:w"}, 401),
    ],
)
async def test_a_source_known_by_a_password(door: Door, headers: dict[str, str], status: int) -> None:
    assert (await door.post("/webhooks/alertmanager/pass", headers=headers))[0] == status


async def test_a_sealed_message_is_taken_and_one_changed_bit_is_not(door: Door) -> None:
    headers = sealed(FIRING)
    changed = bytes([FIRING[0], FIRING[1] ^ 1, *FIRING[2:]])
    assert (await door.post("/webhooks/alertmanager/seal", changed, headers))[0] == 401
    assert (await door.post("/webhooks/alertmanager/seal", FIRING, sealed(FIRING, "seal-secreT")))[0] == 401
    assert (await door.post("/webhooks/alertmanager/seal", FIRING, {}))[0] == 401
    assert await door.count("alert") == await door.count("dead_letter") == 0
    assert (await door.post("/webhooks/alertmanager/seal", FIRING, headers))[0] == 200


async def test_a_signature_of_strange_bytes_is_401(door: Door) -> None:
    head = b"POST /webhooks/alertmanager/seal HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Signature-256: \xff\xfe"
    assert (await door.raw(head + b"\r\n\r\n{}")).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(("of", "status"), [("packed", 200), ("unpacked", 401)])
async def test_the_seal_is_over_the_bytes_as_they_were_sent(door: Door, of: str, status: int) -> None:
    packed = gzip.compress(FIRING)
    headers = {**sealed(packed if of == "packed" else FIRING), "Content-Encoding": "gzip"}
    assert (await door.post("/webhooks/alertmanager/seal", packed, headers))[0] == status


async def test_a_source_with_a_seal_is_known_by_a_token_made_for_it_too(door: Door) -> None:
    token = await tokens.create(door.daemon.writer, source="seal", now=START)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await door.post("/webhooks/alertmanager/seal", headers=headers))[0] == 200
    wrong = {**headers, **sealed(FIRING, "another")}
    assert (await door.post("/webhooks/alertmanager/seal", headers=wrong))[0] == 401
    status, told = await door.post("/webhooks/alertmanager/seal", headers={})
    assert status == 401
    assert "X-Signature-256" in told


async def test_a_token_made_for_a_source_opens_that_source_alone(door: Door) -> None:
    token = await tokens.create(door.daemon.writer, source="made", now=START)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await door.post("/webhooks/alertmanager/made", headers=headers))[0] == 200
    assert (await door.post("/webhooks/alertmanager/am", headers=headers))[0] == 401
    person = await tokens.create(door.daemon.writer, person="ana", now=START)
    headers = {"Authorization": f"Bearer {person}"}
    assert (await door.post("/webhooks/alertmanager/made", headers=headers))[0] == 401


@pytest.mark.parametrize("kind", ["alertmanager", "generic"])
async def test_intake_is_open_on_loopback_while_no_sources_are_written(opening: Opening, kind: str) -> None:
    async with opening(sources="") as door:
        body = FIRING if kind == "alertmanager" else b'{"alertname": "A"}'
        assert (await door.post(f"/webhooks/{kind}/any.name-1", body, {}))[0] == 200
        assert (await door.post("/api/v2/alerts", b'[{"labels": {"alertname": "A"}}]', {}))[0] == 200


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Prefix", "X-FORWARDED-SSL"]
)
async def test_open_intake_is_closed_to_what_came_through_a_proxy(opening: Opening, header: str) -> None:
    async with opening(sources="") as door:
        assert (await door.post("/webhooks/alertmanager/am", headers={header: "x"}))[0] == 401
        assert (await door.post("/api/v2/alerts", b"[]", {header: "x"}))[0] == 401


async def test_open_intake_is_closed_to_what_came_through_a_trusted_proxy_too(opening: Opening) -> None:
    async with opening(sources="", trusted_proxies=("127.0.0.0/8",)) as door:
        assert (await door.post("/webhooks/alertmanager/am", headers={"X-Forwarded-For": "127.0.0.1"}))[0] == 401


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "10.0.0.1:9099", ":9099"])
async def test_intake_is_not_open_where_others_reach_it(opening: Opening, listen: str) -> None:
    async with opening(sources="", listen=listen) as door:
        assert (await door.post("/webhooks/alertmanager/am", headers={}))[0] == 401


async def test_intake_is_not_open_once_a_source_is_written(door: Door) -> None:
    assert (await door.post("/webhooks/alertmanager/am", headers={}))[0] == 401
    assert (await door.post("/api/v2/alerts", b"[]", {}))[0] == 401


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/alertmanager/nobody",
        "/webhooks/generic/am",
        "/webhooks/nothing/am",
        "/webhooks/alertmanager/tocsin",
        "/webhooks/alertmanager/inspection",
        "/webhooks/alertmanager/%00",
        "/webhooks/alertmanager/%ED%A0%80",
        "/webhooks/alertmanager/" + "a" * 500,
    ],
)
async def test_an_unknown_source_or_type_is_404_with_a_dead_letter_and_a_self_incident(door: Door, path: str) -> None:
    assert (await door.post(path))[0] == 404
    assert await door.count("dead_letter") == 1
    assert len(await door.own()) == 1
    assert await door.count("alert WHERE origin <> 'tocsin'") == 0


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\xed\xa0\x80", b"%ff%00", "张".encode()])
async def test_a_name_of_strange_bytes_is_no_harm(door: Door, name: bytes) -> None:
    request = b"POST /webhooks/alertmanager/" + name + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    answered = await door.raw(request + b"Content-Length: 2\r\n\r\n{}")
    assert answered.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert await door.am() == 200


async def test_names_that_nobody_knows_open_one_self_incident_and_a_bounded_number_of_letters(door: Door) -> None:
    for n in range(100):
        assert (await door.post(f"/webhooks/alertmanager/unknown-{n}", b"", {}))[0] == 404
    assert len(await door.own()) == 1
    assert await door.count("dead_letter") == webhooks._MOST_UNKNOWN
    door.daemon.clock.set(START + webhooks._MINUTE)  # type: ignore[attr-defined]  # a hand clock
    await door.post("/webhooks/alertmanager/one-more", b"", {})
    assert await door.count("dead_letter") == webhooks._MOST_UNKNOWN + 1


@pytest.mark.parametrize("name", ["A", "_a", "a b", ".a", "-a", "é", "a/b", ""])
async def test_an_open_intake_takes_only_names_of_sources(opening: Opening, name: str) -> None:
    async with opening(sources="") as door:
        assert (await door.post(f"/webhooks/alertmanager/{name}", headers={}))[0] == 404


async def test_an_open_intake_does_not_speak_for_tocsin_itself(opening: Opening) -> None:
    async with opening(sources="") as door:
        for name in ("tocsin", "inspection"):
            assert (await door.post(f"/webhooks/alertmanager/{name}", headers={}))[0] == 404


# how much, and how


async def test_a_body_is_not_read_before_its_sender_is_known(door: Door) -> None:
    request = b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert (await door.raw(request)).startswith(b"HTTP/1.1 401")


async def test_a_body_over_the_limit_by_its_own_word_is_413_with_a_dead_letter(door: Door) -> None:
    head = b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer new-secret\r\n"
    assert (await door.raw(head + f"Content-Length: {LIMIT + 1}\r\n\r\n".encode())).startswith(b"HTTP/1.1 413")
    assert [s for s, _ in await door.letters()] == ["am"]
    assert len(await door.own()) == 1


async def test_a_body_over_the_limit_in_chunks_is_413_with_a_dead_letter(door: Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // (1 << 20) + 2):
            yield b" " * (1 << 20)

    url = f"http://127.0.0.1:{door.port}/webhooks/alertmanager/am"
    try:
        async with door.session.post(url, data=chunks(), headers=AM) as answer:
            assert answer.status == 413
    except aiohttp.ClientError:
        pass  # closed while it still sent
    assert [s for s, _ in await door.letters()] == ["am"]


async def test_a_body_just_under_the_limit_is_taken(door: Door) -> None:
    padded = FIRING[:-1] + b" " * (LIMIT - len(FIRING)) + b"}"
    assert len(padded) == LIMIT
    assert await door.am(padded) == 200
    assert await door.count("alert") == 1


async def test_gzip_is_taken(door: Door) -> None:
    assert await door.am(gzip.compress(FIRING), {**AM, "Content-Encoding": "gzip"}) == 200
    assert await door.count("alert") == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(FIRING, id="not gzip at all"),
        pytest.param(gzip.compress(FIRING)[:-9], id="cut off"),
        pytest.param(gzip.compress(FIRING)[:40] + b"\x00" * 60, id="broken inside"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_gzip_that_is_none_is_400_with_a_dead_letter(door: Door, body: bytes) -> None:
    assert await door.am(body, {**AM, "Content-Encoding": "gzip"}) == 400
    assert await door.rows("SELECT count(*), max(size) FROM dead_letter") == [(1, len(body))]
    assert [bytes(kept) for (kept,) in await door.rows("SELECT body FROM dead_letter")] == [body]


async def test_what_was_packed_twice_is_400(door: Door) -> None:
    body = gzip.compress(gzip.compress(FIRING))
    assert await door.am(body, {**AM, "Content-Encoding": "gzip"}) == 400
    assert await door.count("dead_letter") == 1


async def test_a_gzip_bomb_is_413_and_takes_no_room(door: Door) -> None:
    bomb = gzip.compress(b"0" * (4 * LIMIT))
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        assert await door.am(bomb, {**AM, "Content-Encoding": "gzip"}) == 413
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * LIMIT
    assert await door.count("dead_letter") == 1


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "compress", "x" * 5000])
async def test_other_encodings_are_415(door: Door, encoding: str) -> None:
    assert await door.am(FIRING, {**AM, "Content-Encoding": encoding}) == 415
    assert await door.count("alert") == 0


async def test_a_slow_body_is_closed_without_an_answer(door: Door) -> None:
    door.intake.read_deadline_s = 0.05
    head = b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer new-secret\r\n"
    assert await door.raw(head + b"Content-Length: 100\r\n\r\n{") == b""
    assert await door.count("alert") == await door.count("dead_letter") == 0
    door.intake.read_deadline_s = 10
    assert await door.am() == 200


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"zz\r\n{}\r\n0\r\n\r\n", id="a size that is no number"),
        pytest.param(b"-1\r\n{}\r\n0\r\n\r\n", id="a negative size"),
        pytest.param(b"ffffffffffffffffff\r\n{}\r\n", id="a size without end"),
        pytest.param(b"2\r\n{}XX0\r\n\r\n", id="no line after a chunk"),
    ],
)
async def test_chunks_of_bad_sizes_are_no_fault_of_ours(door: Door, rest: bytes) -> None:
    door.intake.read_deadline_s = 0.2
    head = b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer new-secret\r\n"
    answered = await door.raw(head + b"Transfer-Encoding: chunked\r\n\r\n", rest=rest)
    assert b" 5" not in answered[:12], answered
    assert await door.am() == 200


async def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(door: Door) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /webhooks/alertmanager/am HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer new-secret\r\n")
    writer.write(b"Content-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await door.am() == 200
    assert await door.count("dead_letter") == 0


# what is sent


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no JSON", id="no JSON"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"version": "5", "alerts": []}', id="version 5"),
        pytest.param(b'{"version": "4"}', id="no alerts"),
        pytest.param(b'{"version": "4", "alerts": {}}', id="alerts that are no list"),
        pytest.param(b"[" * 100_000, id="a hundred thousand deep"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="a hundred thousand deep and closed"),
        pytest.param(b'{"a":' * 2_000 + b"1" + b"}" * 2_000, id="two thousand objects deep"),
        pytest.param(FIRING[:-5], id="cut off"),
        pytest.param(b"\xff\xfe\x00\x01", id="no text"),
    ],
)
async def test_what_is_no_message_is_400_with_a_dead_letter_and_a_self_incident(door: Door, body: bytes) -> None:
    assert await door.am(body) == 400
    assert [s for s, _ in await door.letters()] == ["am"]
    assert len(await door.own()) == 1


def poisoned(**keys: Any) -> bytes:
    """A message with a good alert and one with these keys."""
    good = alert({"alertname": "Good"})
    told = json.loads(message(good, alert({"alertname": "Poison"})))
    told["alerts"][1].update(keys)
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(poisoned(labels={"alertname": "Poison", "x": "\ud800"}), id="a lone surrogate, escaped"),
        pytest.param(
            poisoned(labels={"alertname": "Poison", "x": "@"}).replace(b"@", b"\xed\xa0\x80"), id="a lone surrogate"
        ),
        pytest.param(poisoned(labels={"alertname": "Poison", "x": "\x00"}), id="NUL"),
        pytest.param(poisoned(labels={"alertname": "Poison", "x": float("nan")}), id="NaN"),
        pytest.param(poisoned(labels={"alertname": "Poison", "x": float("inf")}), id="Infinity"),
        pytest.param(
            poisoned(labels={"alertname": "Poison", "x": 0}).replace(b'"x": 0', b'"x": 1e999'), id="a number too large"
        ),
        pytest.param(
            poisoned(labels={"alertname": "Poison", "x": 0}).replace(b'"x": 0', b'"x": ' + b"9" * 5000),
            id="five thousand digits",
        ),
        pytest.param(poisoned(labels={"alertname": "Poison", "x": 2**63}), id="more than 64 bits"),
        pytest.param(poisoned(startsAt="0001-01-01T00:00:00Z"), id="year 1"),
        pytest.param(poisoned(startsAt="9999-12-31T23:59:59-14:00"), id="year 9999, west"),
        pytest.param(poisoned(startsAt="2026-03-02T08:59:60Z"), id="a sixtieth second"),
        pytest.param(poisoned(startsAt="2026-03-02T24:00:00Z"), id="24:00"),
        pytest.param(poisoned(startsAt=1_772_442_000), id="an epoch"),
        pytest.param(poisoned(startsAt=None), id="no start"),
        pytest.param(poisoned(startsAt="x" * 1_000_000), id="a start of a megabyte"),
        pytest.param(poisoned(endsAt="x" * 1_000_000), id="an end of a megabyte"),
        pytest.param(poisoned(status="odd"), id="an unknown status"),
        pytest.param(poisoned(status=["firing"]), id="a status that is no text"),
        pytest.param(poisoned(fingerprint="forged"), id="a forged fingerprint"),
        pytest.param(poisoned(annotations=None), id="annotations of null"),
        pytest.param(poisoned(annotations={"summary": {"deep": [1, 2, "\ud800"]}}), id="annotations that nest"),
        pytest.param(poisoned(generatorURL=7), id="a link that is no text"),
        pytest.param(poisoned(labels={"alertname": "Poison", "x": "y" * 1_000_000}), id="a label of a megabyte"),
        pytest.param(
            poisoned(labels={"alertname": "Poison", **{f"l{n}": "v" for n in range(5_000)}}), id="five thousand labels"
        ),
        pytest.param(poisoned(labels={"alertname": "Poison", "a\x00b": "v", "名": "v"}), id="a label name with NUL"),
        pytest.param(b"\xef\xbb\xbf" + poisoned(), id="a byte order mark"),
        pytest.param(poisoned().decode().encode("utf-16"), id="UTF-16"),
        pytest.param(poisoned().replace(b'"Poison"', b'"Poi\xffson"'), id="broken UTF-8"),
        pytest.param(
            poisoned().replace(b'"status": "firing"', b'"status": "resolved", "status": "firing"'), id="a key twice"
        ),
        pytest.param(poisoned(**{f"k{n}": n for n in range(10_000)}), id="ten thousand keys"),
    ],
)
async def test_a_poison_alert_is_mended_and_costs_the_others_nothing(door: Door, body: bytes) -> None:
    assert await door.am(body) == 200
    labels = [json.loads(found) for (found,) in await door.rows("SELECT labels FROM alert WHERE origin = 'am'")]
    assert sorted(found["alertname"][:3] for found in labels) == ["Goo", "Poi"]


@pytest.mark.parametrize("item", [None, 7, "x", [], {}, {"labels": {}}, {"labels": []}, {"labels": {"a": ""}}])
async def test_an_alert_that_is_none_is_a_dead_letter_and_the_others_are_taken(door: Door, item: Any) -> None:
    body = json.loads(FIRING)
    body["alerts"].insert(0, item)
    assert await door.am(json.dumps(body).encode()) == 200
    assert await door.count("alert WHERE origin = 'am'") == 1
    assert await door.count("dead_letter") == 1
    assert len(await door.own()) == 1


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
async def test_the_name_of_the_scheme_may_be_written_in_any_case(door: Door, scheme: str) -> None:
    assert await door.am(headers={"Authorization": f"{scheme} new-secret"}) == 200
    login = base64.b64encode(b"am:p:w").decode()
    basic = {"Authorization": f"{scheme.replace('earer', 'asic').replace('EARER', 'ASIC')} {login}"}
    assert (await door.post("/webhooks/alertmanager/pass", headers=basic))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/webhooks/alertmanager/am", b"no JSON", AM, 400),
        ("/webhooks/alertmanager/am", FIRING, {}, 401),
        ("/webhooks/alertmanager/nobody", FIRING, AM, 404),
        ("/webhooks/nothing/am", FIRING, AM, 404),
        ("/webhooks/alertmanager/am", FIRING, {**AM, "Content-Encoding": "br"}, 415),
    ],
)
async def test_a_refused_message_is_a_problem_that_says_what_to_do(
    door: Door, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with door.session.post(f"http://127.0.0.1:{door.port}{path}", data=body, headers=headers) as answer:
        said = json.loads(await answer.text())
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (said["status"], bool(said["detail"]), bool(said["title"])) == (status, True, True)


@pytest.mark.parametrize(
    ("body", "token"), [(b"{}", "prom-secret"), (b'[{"labels": {}}]', "prom-secret"), (b"[]", "x")]
)
async def test_alertmanagers_own_route_refuses_with_a_json_string_as_it_does(
    door: Door, body: bytes, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with door.session.post(f"http://127.0.0.1:{door.port}/api/v2/alerts", data=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (400 if token != "x" else 401, "application/json")
        assert isinstance(await answer.json(), str)


async def test_an_empty_message_is_taken(door: Door) -> None:
    assert await door.am(message()) == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a;b;c", ""]
)
async def test_the_content_type_does_not_matter(door: Door, kind: str) -> None:
    assert await door.am(FIRING, {**AM, "Content-Type": kind}) == 200


# the store


async def fails(batch: Any) -> None:
    raise StoreDown("the disk is gone")


async def test_while_the_store_is_down_it_is_503_with_retry_after_and_nothing_is_taken(door: Door) -> None:
    door.daemon.writer.commit = fails  # type: ignore[method-assign]  # the store fails
    url = f"http://127.0.0.1:{door.port}"
    for path, body, headers in (
        ("/webhooks/alertmanager/am", FIRING, AM),
        ("/webhooks/alertmanager/am", b"no JSON", AM),
        ("/api/v2/alerts", b'[{"labels": {"alertname": "A"}}]', {"Authorization": "Bearer prom-secret"}),
    ):
        async with door.session.post(url + path, data=body, headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert await door.count("alert") == 0


async def test_when_the_store_is_back_the_message_sent_again_is_taken(door: Door) -> None:
    real = door.daemon.writer.commit
    door.daemon.writer.commit = fails  # type: ignore[method-assign]  # the store fails
    assert await door.am() == 503
    door.daemon.writer.commit = real  # type: ignore[method-assign]  # and is back
    await door.daemon.pipeline.submit(TimePassed())
    assert await door.am() == 200
    assert await door.count("alert WHERE origin = 'am'") == 1


async def test_a_token_that_cannot_be_read_is_503_and_not_401(door: Door) -> None:
    token = await tokens.create(door.daemon.writer, source="made", now=START)
    await door.daemon.writer.commit([("ALTER TABLE token RENAME TO tokens_gone", [()])])
    status, _ = await door.post("/webhooks/alertmanager/made", headers={"Authorization": f"Bearer {token}"})
    assert status == 503


async def test_an_overload_is_503_with_retry_after(door: Door) -> None:
    def overloaded(_: Any) -> Any:
        raise Overloaded("too many messages are waiting")

    door.daemon.pipeline.put = overloaded  # type: ignore[method-assign,assignment]  # the line is full
    url = f"http://127.0.0.1:{door.port}/webhooks/alertmanager/am"
    async with door.session.post(url, data=FIRING, headers=AM) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert await door.am(b"no JSON") == 503


# what Prometheus sends

PROM = {"Authorization": "Bearer prom-secret"}


async def test_valid_direct_alerts_are_stored_and_then_400_names_the_others(door: Door) -> None:
    body = [
        {"labels": {"alertname": "Good"}},
        {"labels": {}},
        {"labels": {"alertname": "Late"}, "startsAt": "yesterday"},
        {"labels": {"alertname": "Odd"}, "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-01T09:00:00Z"},
        "x",
    ]
    status, text = await door.post("/api/v2/alerts", json.dumps(body).encode(), PROM)
    assert status == 400
    assert [f"alert {n}" in text for n in range(5)] == [False, True, True, True, True]
    labels = [json.loads(found) for (found,) in await door.rows("SELECT labels FROM alert WHERE origin = 'am'")]
    assert labels == [{"alertname": "Good"}]


async def test_direct_alerts_that_are_all_valid_are_200_and_empty(door: Door) -> None:
    assert await door.post("/api/v2/alerts", b'[{"labels": {"alertname": "A"}}]', PROM) == (200, "")
    assert await door.post("/api/v2/alerts", b"[]", PROM) == (200, "")


async def test_the_source_of_direct_alerts_is_the_one_that_the_token_names(door: Door) -> None:
    body = b'[{"labels": {"alertname": "A"}}]'
    made = await tokens.create(door.daemon.writer, source="made", now=START)
    for headers in (PROM, {"Authorization": f"Bearer {made}"}, basic("am", "p:w")):
        assert (await door.post("/api/v2/alerts", body, headers))[0] == 200
    rows = await door.rows("SELECT origin, source FROM alert ORDER BY id")
    assert rows == [("am", "prom"), ("made", "made"), ("pass", "pass")]


@pytest.mark.parametrize("body", [b"{}", b"", b"null", b"[" * 100_000, b"7"])
async def test_direct_alerts_that_are_no_list_are_400_with_a_dead_letter(door: Door, body: bytes) -> None:
    assert (await door.post("/api/v2/alerts", body, PROM))[0] == 400
    assert [s for s, _ in await door.letters()] == ["prom"]


@pytest.mark.parametrize("body", ['{"foo": 1}', "[7]", '"x"', '{"title": "Odd", "status": "perhaps"}', "[{}, 7]"])
async def test_a_message_of_which_nothing_could_be_taken_is_400_and_a_dead_letter(door: Door, body: str) -> None:
    form = {"Authorization": "Bearer form-secret"}
    status, told = await door.post("/webhooks/generic/form", body.encode(), form)
    assert (status, "alert 0: " in told) == (400, True)
    assert {source for source, _ in await door.letters()} == {"form"}
    good = f'[{{"title": "Good"}}, {body}]'
    assert await door.post("/webhooks/generic/form", good.encode(), form) == (200, "")


async def test_bad_input_is_never_told_to_be_tried_again(door: Door) -> None:
    """429 and 5xx mean that it may go well the next time."""
    for body in (b"", b"{", b"[" * 100_000, b"\x00", FIRING[:-1]):
        for path in ("/webhooks/alertmanager/am", "/webhooks/generic/form", "/api/v2/alerts"):
            token = {"/webhooks/generic/form": "form-secret", "/api/v2/alerts": "prom-secret"}.get(path, "new-secret")
            status, _ = await door.post(path, body, {"Authorization": f"Bearer {token}"})
            assert status == 400, (path, body[:9])


async def test_a_store_that_hangs_is_answered_503_in_time_and_what_it_takes_later_is_kept(door: Door) -> None:
    writer, goes_on = door.daemon.writer, asyncio.Event()
    commit = writer.commit

    async def hangs(batch: Any) -> None:
        await goes_on.wait()
        await commit(batch)

    writer.commit = hangs  # type: ignore[method-assign]  # a database that has stopped within a statement
    health = Health(door.daemon.pipeline, door.daemon.metrics, door.daemon.cycle, None, None)  # type: ignore[arg-type]
    request: Any = None
    door.intake.answer_deadline_s = 0.05
    assert await door.am() == 503
    assert "the store stands still" in str((await health.ready(request)).text)
    goes_on.set()
    door.intake.answer_deadline_s = 30
    assert await door.am() == 200
    assert (await health.ready(request)).status == 200
    assert await door.count("alert") == 1


async def test_tokens_that_are_not_read_in_time_are_503(door: Door) -> None:
    async def hangs(_: str) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    door.intake._source_of = hangs
    door.intake.answer_deadline_s = 0.05
    assert (await door.post("/webhooks/alertmanager/am", headers={"Authorization": "Bearer tcs_x"}))[0] == 503


async def test_a_message_waits_its_turn_while_others_are_committed(door: Door) -> None:
    writer, goes_on, pipeline = door.daemon.writer, asyncio.Event(), door.daemon.pipeline
    commit, loop = writer.commit, asyncio.get_running_loop()

    async def waits(batch: Any) -> None:
        begun = loop.time()
        while loop.time() < begun + 4 * door.intake.answer_deadline_s:  # the others: each commit is noted
            pipeline.health.committed_at = loop.time()
            await asyncio.sleep(0.001)
        goes_on.set()
        await commit(batch)

    writer.commit = waits  # type: ignore[method-assign]
    door.intake.answer_deadline_s = 0.2
    assert await door.am() == 200
    assert goes_on.is_set()


async def test_however_many_alerts_and_names_come_the_metrics_have_the_same_series(door: Door) -> None:
    def series() -> set[str]:
        door.daemon.metrics.look_at(door.daemon.pipeline.desk, START)
        lines = generate_latest(door.daemon.metrics.registry).decode().splitlines()
        return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}

    async def come(names: range) -> None:
        for n in names:
            labels = {"alertname": f"Canary{n}", "instance": f"canary-{n}", f"canary_{n}": f"canary-{n}"}
            assert await door.am(message(alert(labels))) == 200
            await door.post(f"/webhooks/canary-{n}/am")
            await door.post(f"/webhooks/alertmanager/canary-{n}")
            await door.post("/webhooks/alertmanager/am", b"canary", AM)

    await come(range(5))
    before = series()
    await come(range(5, 60))
    assert series() == before
    assert not any("anary" in one for one in before)
