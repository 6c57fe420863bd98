"""A UPS behind a real SNMP agent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pysnmp.hlapi.v3arch.asyncio import UdpTransportTarget

from collectors.inspections.ups_snmp import Config, Inspect
from collectors.source import Unreachable
from tests.collectors.inspections.conftest import Snmpd
from tests.collectors.inspections.reading import at, findings, values, well


def config(port: int, **more: Any) -> Config:
    return Config.model_validate({"type": "ups_snmp", "every": "10s", "host": "127.0.0.1", "port": port, **more})


@pytest.fixture
async def rack2(snmpd: Snmpd) -> AsyncIterator[Inspect]:
    inspection = Inspect("rack2", config(snmpd.port, deadline="30s"))
    yield inspection
    await inspection.close()


pytestmark = [pytest.mark.real("snmpd"), pytest.mark.real("snmp")]

BATTERY, CUT, LOW, DEPLETED = {"o4_1_0": 5}, (2, 6), {"o4_1_0": 5, "o2_1_0": 3}, {"o4_1_0": 5, "o2_1_0": 4}
CRIT_2, CRIT_1 = {"UpsPower": ("crit", 2)}, {"UpsPower": ("crit", 1)}


async def test_a_ups_on_mains_is_well_and_is_read(rack2: Inspect) -> None:
    told = await rack2.read(at(0))
    assert findings(told) == {}
    assert "UpsPower" in well(told)
    assert values(told) == {"ups_charge_pct": 100, "ups_runtime_s": 3600, "ups_load_pct": 31, "ups_unreachable_s": 0}
    assert all(one.labels == {"ups": "rack2", "instance": "127.0.0.1"} for one in told)


async def test_a_power_cut_is_one_alert_through_all_its_states(snmpd: Snmpd, rack2: Inspect) -> None:
    seen = []
    for minute, (alarms, objects) in enumerate(
        [
            ((), {}),
            (CUT, BATTERY),
            ((*CUT, 3), LOW),
            ((*CUT, 4), DEPLETED),
            ((2, 23), LOW),
            ((), {"o4_1_0": 3, "o2_1_0": 2}),
        ]
    ):
        snmpd.say(alarms, **objects)
        seen.append(findings(await rack2.read(at(minute))))
    assert seen == [{}, CRIT_2, CRIT_1, CRIT_1, CRIT_1, {}]


@pytest.mark.parametrize(
    ("alarms", "objects", "expected"),
    [
        pytest.param((1,), {}, {"UpsReplaceBattery": ("warn", 3)}, id="battery-bad"),
        pytest.param((8,), {}, {"UpsOverload": ("crit", 2)}, id="overload"),
        pytest.param((5, 16), {}, {"UpsAlarm": ("warn", 3)}, id="too-hot-and-a-fan"),
        pytest.param((24,), {}, {}, id="a-test-is-no-alarm"),
        pytest.param((9,), {"o4_1_0": 4}, {"UpsBypass": ("warn", 3)}, id="bypass"),
        pytest.param((14,), {"o4_1_0": 2}, {"UpsOff": ("crit", 2)}, id="output-off"),
        pytest.param((), {"o4_1_0": 6}, {}, id="boosting-is-on-mains"),
        pytest.param((20,), {"o4_1_0": 3}, {"UpsCommLost": ("warn", 3)}, id="the-card-has-lost-its-ups"),
        pytest.param((), {"o4_1_0": 1}, {"UpsCommLost": ("warn", 3)}, id="an-unknown-source-is-not-mains"),
    ],
)
async def test_alarms_of_the_mib_are_the_alerts_of_a_ups(
    snmpd: Snmpd, rack2: Inspect, alarms: tuple[int, ...], objects: dict[str, int], expected: dict[str, Any]
) -> None:
    snmpd.say(alarms, **objects)
    assert findings(await rack2.read(at(0))) == expected


async def test_a_card_that_lost_its_ups_in_a_cut_does_not_end_it(snmpd: Snmpd, rack2: Inspect) -> None:
    snmpd.say(CUT, **BATTERY)
    await rack2.read(at(0))
    snmpd.say((20,), o4_1_0=3)
    assert findings(await rack2.read(at(1))) == {**CRIT_2, "UpsCommLost": ("warn", 3)}


async def test_version_1_is_read_too(snmpd: Snmpd) -> None:
    inspection = Inspect("rack2", config(snmpd.port, version="1", ups="hall", deadline="30s"))
    told = await inspection.read(at(0))
    assert values(told)["ups_charge_pct"] == 100
    assert told[0].labels["ups"] == "hall"
    await inspection.close()


async def test_a_wrong_community_is_an_outage_that_says_what_to_check(snmpd: Snmpd) -> None:
    inspection = Inspect("rack2", config(snmpd.port, community="private", retries=0, deadline="500ms"))
    with pytest.raises(Unreachable, match="community"):
        await inspection.read(at(0))
    await inspection.close()


async def test_an_agent_without_the_ups_mib_is_named(snmpd: Snmpd, rack2: Inspect) -> None:
    (snmpd.directory / "ups.json").write_text("{}")
    with pytest.raises(Unreachable, match="does not speak the UPS-MIB"):
        await rack2.read(at(0))


async def test_an_agent_that_comes_back_is_found_again(snmpd: Snmpd) -> None:
    inspection = Inspect("rack2", config(snmpd.port, deadline="2s"))
    await inspection.read(at(0))
    await snmpd.stop()
    with pytest.raises(Unreachable, match="does not answer"):
        await inspection.read(at(1))
    await snmpd.start()
    assert "UpsPower" in well(await inspection.read(at(2)))
    await inspection.close()


async def test_a_silent_address_is_an_outage_within_the_deadline(silent_udp_port: int) -> None:
    inspection = Inspect("rack2", config(silent_udp_port, deadline="300ms"))
    for minute in range(2):
        with pytest.raises(Unreachable, match="does not answer"):
            await inspection.read(at(minute))
    await inspection.close()


async def test_a_deadline_before_the_address_is_found_spoils_no_later_look(
    silent_udp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    inspection = Inspect("rack2", config(silent_udp_port, deadline="300ms"))
    with monkeypatch.context() as patched:
        patched.setattr(UdpTransportTarget, "create", never)
        with pytest.raises(Unreachable):
            await inspection.read(at(0))
    with pytest.raises(Unreachable, match="does not answer"):
        await inspection.read(at(1))
    await inspection.close()


def test_a_community_is_not_shown() -> None:
    assert "secret" not in repr(config(161, community="secret"))
