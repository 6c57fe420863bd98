"""A web address that answers, answers wrongly, hangs, or ends its certificate."""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.inspections.http import Config, Inspect
from collectors.source import Finding
from tests.collectors.inspections.reading import at, findings, values, well
from tests.collectors.inspections.web import Web
from tests.real.running import Port


def config(url: str, **more: Any) -> Config:
    return Config.model_validate({"type": "http", "every": "1m", "url": url, **more})


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as serving:
        yield serving


async def test_an_address_that_answers_is_well_and_its_latency_is_read(web: Web) -> None:
    inspection = Inspect("shop", config(f"{web.url}/health", headers={"X-Probe": "tocsin"}))
    told = await inspection.read(at(0))
    assert (findings(told), well(told)) == ({}, {"HttpDown"})
    assert values(told).keys() == {"http_latency_s"}
    assert values(told)["http_latency_s"] > 0
    assert all(one.labels == {"instance": f"{web.url}/health"} for one in told)
    assert web.seen[0][:2] == ("GET", "/health")
    assert web.seen[0][3]["X-Probe"] == "tocsin"
    await inspection.close()


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        pytest.param(500, {}, "it answers 500", id="a-server-error"),
        pytest.param(404, {}, "it answers 404", id="not-found"),
        pytest.param(204, {}, None, id="any-2xx-is-well"),
        pytest.param(200, {"expect_status": [401]}, "it answers 200", id="not-the-one-expected"),
        pytest.param(401, {"expect_status": [200, 401]}, None, id="one-of-those-expected"),
        pytest.param(200, {"expect_text": "well"}, None, id="the-text-is-there"),
        pytest.param(200, {"expect_text": "ready"}, "does not hold 'ready'", id="the-text-is-missing"),
        pytest.param(302, {"follow_redirects": False}, "it answers 302", id="a-redirect-is-no-2xx"),
    ],
)
async def test_an_answer_is_well_only_as_it_is_expected(
    web: Web, status: int, more: dict[str, Any], reason: str | None
) -> None:
    web.status = status
    inspection = Inspect("shop", config(web.url, **more))
    told = await inspection.read(at(0))
    down = [one.annotations["reason"] for one in told if isinstance(one, Finding) and one.level == "crit"]
    assert len(down) == (reason is not None)
    assert reason is None or reason in down[0]
    assert math.isnan(values(told)["http_latency_s"]) is (reason is not None)
    await inspection.close()


async def test_a_redirect_is_followed(web: Web) -> None:
    async with Web() as target:
        web.status, web.location = 302, f"{target.url}/there"
        inspection = Inspect("shop", config(web.url))
        assert findings(await inspection.read(at(0))) == {}
        assert target.seen[0][1] == "/there"
        await inspection.close()


async def test_nobody_there_is_down_and_well_again_when_somebody_is() -> None:
    port = Port()
    inspection = Inspect("shop", config(f"http://127.0.0.1:{port.number}"))
    assert findings(await inspection.read(at(0))) == {"HttpDown": ("crit", None)}
    web = Web()
    web.port = port.release()
    async with web:
        assert well(await inspection.read(at(1))) == {"HttpDown"}
    await inspection.close()


async def test_a_server_that_hangs_is_down_within_the_timeout() -> None:
    done = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    inspection = Inspect("shop", config(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout="200ms"))
    (down,) = [one for one in await inspection.read(at(0)) if isinstance(one, Finding)]
    assert down.level == "crit"
    await inspection.close()
    done.set()
    server.close()


async def test_a_short_failure_says_nothing_until_it_has_lasted(web: Web) -> None:
    inspection = Inspect("shop", config(web.url, down_after="2m"))
    web.status = 500
    told = [findings(await inspection.read(at(minute))) for minute in range(4)]
    assert told == [{}, {}, {"HttpDown": ("crit", None)}, {"HttpDown": ("crit", None)}]
    web.status = 200
    assert well(await inspection.read(at(4))) == {"HttpDown"}
    web.status = 500
    told_5 = await inspection.read(at(5))
    assert (findings(told_5), well(told_5)) == ({}, set()), "counted anew, and not called well meanwhile"
    await inspection.close()


async def test_a_login_in_the_address_is_no_label(web: Web) -> None:
    inspection = Inspect("shop", config(web.url.replace("://", "://ana:secret@")))
    told = await inspection.read(at(0))
    assert "secret" not in repr(told)
    assert web.seen[0][3]["Authorization"].startswith("Basic ")
    await inspection.close()


def serving(certificate: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return tls


async def test_the_days_a_certificate_is_still_good_are_read(certificate: Path) -> None:
    async with Web(serving(certificate)) as web:
        inspection = Inspect("shop", config(web.url, ca_file=str(certificate)))
        today = datetime.now(UTC)
        assert values(await inspection.read(today))["tls_days_left"] == pytest.approx(3650, abs=1)
        await inspection.close()


async def test_a_certificate_nobody_vouches_for_is_down_unless_that_is_meant(certificate: Path) -> None:
    async with Web(serving(certificate)) as web:
        strict, lax = Inspect("a", config(web.url)), Inspect("b", config(web.url, verify_tls=False))
        assert findings(await strict.read(at(0))) == {"HttpDown": ("crit", None)}
        told = await lax.read(at(0))
        assert findings(told) == {}
        assert values(told).keys() == {"http_latency_s"}
        await strict.close()
        await lax.close()
