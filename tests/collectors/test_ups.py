"""A UPS as one machine of states."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.source import Finding, Reading
from collectors.thresholds import Kept, Threshold, judge_all
from collectors.ups import Lost, UpsData, UpsState, judge_ups

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LABELS = {"ups": "rack1", "instance": "127.0.0.1:3493"}
LIMITS = {
    "ups_charge_pct": Threshold.model_validate({"warn": 50, "crit": 25, "severity": {"warn": 2, "crit": 1}}),
    "ups_runtime_s": Threshold.model_validate({"warn": 600, "crit": 300, "severity": {"warn": 2, "crit": 1}}),
    "ups_load_pct": Threshold.model_validate({"warn": 80, "severity": {"warn": 3}}),
    "ups_unreachable_s": Threshold.model_validate({"crit": {"gt": "15m"}, "severity": {"crit": 2}}),
}


class Bench:
    """A UPS on the bench: show it to the machine, see what is open."""

    def __init__(self) -> None:
        self.state, self.kept = UpsState(), dict[Any, Kept]()
        self.open: dict[str, tuple[str, int | None]] = {}
        self.now = T0

    def see(self, status: str | Lost, minutes: float = 1, **values: float) -> dict[str, tuple[str, int | None]]:
        self.now += timedelta(minutes=minutes)
        charge, runtime, load = (
            values.get(k, v) for k, v in (("charge_pct", 100.0), ("runtime_s", 3600.0), ("load_pct", 20.0))
        )
        seen = status if isinstance(status, Lost) else UpsData(frozenset(status.split()), charge, runtime, load)
        self.state, told = judge_ups(self.state, seen, LABELS, self.now)
        found, self.kept = judge_all(told, self.kept, LIMITS.__getitem__, self.now)
        for finding in found:
            assert finding.labels == LABELS
            if finding.level is None:
                self.open.pop(finding.alertname, None)
            else:
                self.open[finding.alertname] = (finding.level, finding.severity)
        return self.open


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("OL", {}),
        ("OL CHRG", {}),
        ("OL TRIM", {}),
        ("OL CHRG LB", {}),
        ("OB DISCHRG", {"UpsPower": ("crit", 2)}),
        ("OB DISCHRG LB", {"UpsPower": ("crit", 1)}),
        ("FSD OB LB", {"UpsPower": ("crit", 1)}),
        ("FSD OL", {"UpsPower": ("crit", 1)}),
        ("OL RB", {"UpsReplaceBattery": ("warn", 3)}),
        ("OL OVER", {"UpsOverload": ("crit", 2)}),
        ("ALARM OL", {"UpsAlarm": ("warn", 3)}),
        ("OL LB", {"UpsBatteryLow": ("warn", 3)}),
        ("BYPASS", {"UpsBypass": ("warn", 3)}),
        ("OFF", {"UpsOff": ("crit", 2)}),
        ("OB RB", {"UpsPower": ("crit", 2)}),
        ("NOLB OL", {}),
        ("", {"UpsCommLost": ("warn", 3)}),
        ("WAIT", {"UpsCommLost": ("warn", 3)}),
        ("COMMLOST OL", {"UpsCommLost": ("warn", 3)}),
    ],
)
def test_flags_are_tokens_and_each_has_its_alert(status: str, expected: dict[str, Any]) -> None:
    assert Bench().see(status) == expected


def test_one_power_cut_is_one_alert_that_changes_its_severity() -> None:
    bench = Bench()
    seen = [
        dict(bench.see(status, **values))
        for status, values in [
            ("OL", {}),
            ("OB DISCHRG", {"charge_pct": 98.0}),
            ("OB DISCHRG ALARM RB", {"charge_pct": 60.0}),
            ("OB DISCHRG", {"charge_pct": 40.0}),
            ("OB DISCHRG LB", {"charge_pct": 30.0}),
            ("FSD OB DISCHRG LB", {"charge_pct": 10.0, "runtime_s": 60.0}),
            ("OL CHRG LB", {"charge_pct": 10.0, "runtime_s": 60.0}),
            ("OL CHRG", {"charge_pct": 40.0}),
        ]
    ]
    assert [list(one) for one in seen] == [[], *[["UpsPower"]] * 5, [], []]
    assert [one["UpsPower"][1] for one in seen[1:6]] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        pytest.param({"charge_pct": 49.0}, 2, id="half-empty-stays-2"),
        pytest.param({"charge_pct": 24.0}, 1, id="charge-under-25-is-1"),
        pytest.param({"runtime_s": 599.0}, 2, id="under-ten-minutes-stays-2"),
        pytest.param({"runtime_s": 299.0}, 1, id="under-five-minutes-is-1"),
        pytest.param({"charge_pct": math.nan, "runtime_s": math.nan}, 2, id="unknown-raises-nothing"),
    ],
)
def test_on_battery_charge_and_runtime_raise_the_same_alert(values: dict[str, float], severity: int) -> None:
    assert Bench().see("OB", **values) == {"UpsPower": ("crit", severity)}


LOSSES = [
    pytest.param(Lost("stale"), id="stale"),
    pytest.param("", id="no-status"),
    pytest.param("COMMLOST OL", id="commlost-with-a-leftover-OL"),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_data_that_is_lost_during_a_power_cut_never_reads_as_mains(loss: str | Lost) -> None:
    bench = Bench()
    bench.see("OB LB", charge_pct=20.0)
    assert bench.see(loss) == {"UpsPower": ("crit", 1), "UpsCommLost": ("warn", 3)}
    assert bench.see(loss, minutes=14) == {"UpsPower": ("crit", 1), "UpsCommLost": ("warn", 3)}
    assert bench.see(loss, minutes=2) == {"UpsPower": ("crit", 1), "UpsCommLost": ("crit", 2)}
    assert bench.see("OL CHRG", charge_pct=30.0) == {}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_severity_that_came_from_the_charge_outlives_the_loss_of_data(loss: str | Lost) -> None:
    bench = Bench()
    bench.see("OB", charge_pct=20.0)
    assert bench.see(loss)["UpsPower"] == ("crit", 1)


def test_data_that_is_lost_on_mains_opens_no_power_cut() -> None:
    bench = Bench()
    bench.see("OL OVER RB", load_pct=90.0)
    assert bench.see(Lost("stale")) == {
        "UpsOverload": ("crit", 2), "UpsReplaceBattery": ("warn", 3), "UpsCommLost": ("warn", 3),
    }  # fmt: skip


def test_a_ups_seen_for_the_first_time_without_data_is_not_called_well() -> None:
    _, told = judge_ups(UpsState(), Lost("stale"), LABELS, T0)
    findings = {one.alertname: one.level for one in told if isinstance(one, Finding)}
    assert findings == {"UpsCommLost": "warn"}
    assert all(math.isnan(r.value) for r in told if isinstance(r, Reading) and r.key != "ups_unreachable_s")


def test_an_alarm_that_was_there_before_the_cut_stays_through_it() -> None:
    bench = Bench()
    bench.see("OL ALARM")
    assert bench.see("OB ALARM") == {"UpsAlarm": ("warn", 3), "UpsPower": ("crit", 2)}


def test_a_worn_battery_that_showed_in_a_cut_is_told_when_mains_is_back() -> None:
    bench = Bench()
    bench.see("OB RB")
    assert bench.see("OL RB") == {"UpsReplaceBattery": ("warn", 3)}


def test_after_a_restart_within_a_cut_the_worn_battery_is_not_called_well() -> None:
    _, told = judge_ups(UpsState(), UpsData(frozenset({"OB", "RB"})), LABELS, T0)
    assert "UpsReplaceBattery" not in {one.alertname for one in told if isinstance(one, Finding)}


def test_load_and_overload_are_one_alert() -> None:
    bench = Bench()
    assert bench.see("OL", load_pct=81.0) == {"UpsOverload": ("warn", 3)}
    assert bench.see("OL OVER", load_pct=104.0) == {"UpsOverload": ("crit", 2)}
    assert bench.see("OL", load_pct=79.0) == {"UpsOverload": ("warn", 3)}
    assert bench.see("OL", load_pct=70.0) == {}


STATUS = st.sampled_from(["OL", "OL CHRG", "OB DISCHRG", "OB LB", "FSD OB", "OL RB", "OL LB", "OFF", ""]) | st.just(
    Lost("stale")
)


@given(st.lists(STATUS, max_size=25))
def test_a_power_cut_is_open_from_the_first_battery_to_the_first_mains_and_nothing_else_ends_it(
    history: list[str | Lost],
) -> None:
    bench, on_battery, severity = Bench(), False, 0
    for status in history:
        flags = set() if isinstance(status, Lost) else set(status.split())
        on_battery = bool(flags & {"OB", "FSD"}) or (on_battery and "OL" not in flags)
        if flags & {"OB", "FSD"}:
            severity = 1 if flags & {"LB", "FSD"} else 2
        power = bench.see(status).get("UpsPower")
        assert power == (("crit", severity) if on_battery else None)
