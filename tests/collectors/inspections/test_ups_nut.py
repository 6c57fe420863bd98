"""A UPS behind a real upsd."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from typing import Any

import pytest

from collectors.inspections.ups_nut import Config, Inspect
from collectors.source import Finding, Reading, Unreachable
from collectors.thresholds import Threshold, judge_all
from tests.collectors.inspections.conftest import Nut
from tests.collectors.inspections.reading import at, findings, values, well
from tests.real.running import Port, until

real = [pytest.mark.real("nut-server"), pytest.mark.real("nut-client")]


def config(port: int, **more: Any) -> Config:
    return Config.model_validate({"type": "ups_nut", "every": "10s", "port": port, "ups": "rack1", **more})


@pytest.fixture
async def rack1(nut: Nut) -> AsyncIterator[Inspect]:
    inspection = Inspect("ups-a", config(nut.server.port, deadline="30s"))
    yield inspection
    await inspection.close()


def nut_test(test: Any) -> Any:
    for mark in real:
        test = mark(test)
    return test


@nut_test
async def test_a_ups_on_mains_is_well_and_is_read(nut: Nut, rack1: Inspect) -> None:
    told = await rack1.read(at(0))
    assert findings(told) == {}
    assert {"UpsPower", "UpsCommLost", "UpsOverload", "UpsReplaceBattery", "UpsAlarm"} <= well(told)
    assert values(told) == {"ups_charge_pct": 100, "ups_runtime_s": 3600, "ups_load_pct": 20, "ups_unreachable_s": 0}
    labels = {"ups": "rack1", "instance": nut.server.address}
    assert all(one.labels == labels for one in told)


@nut_test
async def test_a_power_cut_is_one_alert_through_all_its_states(nut: Nut, rack1: Inspect) -> None:
    limits = {"ups_charge_pct": Threshold.model_validate({"warn": 50, "crit": 25, "severity": {"warn": 2, "crit": 1}})}
    kept: dict[Any, Any] = {}
    seen = []
    for minute, (status, charge) in enumerate(
        [
            ("OL", "100"),
            ("OB DISCHRG", "80"),
            ("OB DISCHRG", "20"),
            ("OB DISCHRG LB", "9"),
            ("FSD OB LB", "5"),
            ("OL CHRG", "6"),
        ]
    ):
        await nut.say(ups_status=status, battery_charge=charge)
        told = await rack1.read(at(minute))
        found, kept = judge_all(told, kept, lambda key: limits.get(key, Threshold()), at(minute))
        seen.append(findings(found))
    assert seen == [{}, *({"UpsPower": ("crit", severity)} for severity in (2, 1, 1, 1)), {}]


@nut_test
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("OL RB", {"UpsReplaceBattery": ("warn", 3)}),
        ("OL OVER", {"UpsOverload": ("crit", 2)}),
        ("ALARM OL", {"UpsAlarm": ("warn", 3)}),
    ],
)
async def test_each_flag_is_its_own_alert(nut: Nut, rack1: Inspect, status: str, expected: dict[str, Any]) -> None:
    await nut.say(ups_status=status)
    assert findings(await rack1.read(at(0))) == expected


@nut_test
async def test_stale_data_never_reads_as_mains(nut: Nut, rack1: Inspect) -> None:
    await nut.say(ups_status="OB DISCHRG")
    await rack1.read(at(0))
    nut.driver.send(signal.SIGSTOP)
    told = await until(lambda: lost(rack1, "stale"), "upsd calls the data stale")
    assert findings(told) == {"UpsPower": ("crit", 2), "UpsCommLost": ("warn", 3)}
    nut.driver.send(signal.SIGCONT)
    assert findings(await until(lambda: found_again(rack1), "the data is fresh again")) == {"UpsPower": ("crit", 2)}


@nut_test
async def test_a_driver_that_died_is_told_as_lost(nut: Nut, rack1: Inspect) -> None:
    await rack1.read(at(0))
    await nut.driver.stop()
    told = await until(lambda: lost(rack1, "not connected"), "upsd has lost its driver")
    assert findings(told) == {"UpsCommLost": ("warn", 3)}


async def lost(inspection: Inspect, why: str) -> list[Reading | Finding]:
    """What is told once the data is lost for this reason; on the way upsd may speak of WAIT, but never of mains."""
    told = await inspection.read(at(1))
    return told if "UpsCommLost" in findings(told) and why in reason(told) else []


async def found_again(inspection: Inspect) -> list[Reading | Finding]:
    told = await inspection.read(at(2))
    return told if "UpsCommLost" in well(told) else []


def reason(told: list[Reading | Finding]) -> str:
    return next(
        one.annotations["reason"] for one in told if isinstance(one, Finding) and one.alertname == "UpsCommLost"
    )


@nut_test
async def test_a_ups_that_upsd_does_not_know_is_named(nut: Nut) -> None:
    inspection = Inspect("ups-a", config(nut.server.port, ups="rack9"))
    with pytest.raises(Unreachable, match=r"knows no UPS 'rack9': see `upsc -l"):
        await inspection.read(at(0))
    await inspection.close()


@nut_test
async def test_a_upsd_that_comes_back_is_found_again(nut: Nut, rack1: Inspect) -> None:
    await rack1.read(at(0))
    await nut.server.stop()
    for minute in (1, 2):
        with pytest.raises(Unreachable, match=r"does not answer .* LISTEN"):
            await rack1.read(at(minute))
    await nut.server.start()
    assert "UpsPower" in well(await rack1.read(at(3)))


async def test_a_port_where_nobody_listens_is_an_outage() -> None:
    port = Port()
    inspection = Inspect("ups-a", config(port.number))
    with pytest.raises(Unreachable, match=r"upsd at 127.0.0.1:\d+ does not answer"):
        await inspection.read(at(0))
    await inspection.close()
    port.release()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b'BEGIN LIST VAR rack1\nVAR rack1 ups.status "OL"\n', id="half-an-answer"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="no-upsd-at-all"),
        pytest.param(b"\xff\xfe\n", id="no-text"),
        pytest.param(b"ERR ACCESS-DENIED\n", id="denied"),
        pytest.param(b"x" * 200_000, id="a-line-without-end"),
        pytest.param(b"BEGIN LIST VAR rack1\n" + b"x" * 200_000, id="a-list-without-end"),
    ],
)
@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs-up", "stays"])
async def test_whatever_answers_in_place_of_upsd_is_an_outage_within_the_deadline(said: bytes, hangs_up: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.current_task())
        with suppress(ConnectionError), closing(writer):
            await reader.readline()
            writer.write(said)
            if not hangs_up:
                await reader.read()

    answering: list[asyncio.Task[None] | None] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    inspection = Inspect("ups-a", config(server.sockets[0].getsockname()[1], deadline="300ms"))
    for minute in range(2):
        with pytest.raises(Unreachable):
            await inspection.read(at(minute))
    await inspection.close()
    await asyncio.gather(*(task for task in answering if task))
    server.close()


def test_a_password_is_not_shown() -> None:
    assert "rigpass" not in repr(config(3493, username="admin", password="rigpass"))
