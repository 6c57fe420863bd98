"""The judge of readings: directions, hysteresis, `for`, layers, and one alert out of several voices."""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from collectors.alert import Level
from collectors.condition import Condition
from collectors.source import Finding, Reading
from collectors.thresholds import (
    Kept,
    State,
    Threshold,
    alert_key,
    contradiction,
    finding_of,
    judge,
    judge_all,
    lay_over,
    threshold_for,
)

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PACK = Path(__file__).resolve().parents[2] / "configs" / "packs" / "iso20000-default" / "thresholds.yaml"


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def threshold(**written: Any) -> Threshold:
    return Threshold.model_validate(written)


def levels(key: str, limits: Threshold, values: list[float], every: float = 1) -> list[str | None]:
    """The level after each value, one a minute."""
    state, seen = State(), list[str | None]()
    for n, value in enumerate(values):
        state, level = judge(state, Reading(key, value), limits, at(n * every))
        seen.append(level)
    return seen


# ---- what is written


@pytest.mark.parametrize(
    ("key", "written", "value", "expected"),
    [
        pytest.param("disk_used_pct", 85, 85, True, id="bare-number-upward-includes-itself"),
        pytest.param("disk_used_pct", 85, 84.9, False, id="bare-number-upward"),
        pytest.param("ups_charge_pct", 50, 49.9, True, id="bare-number-downward"),
        pytest.param("ups_charge_pct", 50, 50, False, id="bare-number-downward-excludes-itself"),
        pytest.param("my_own_number", 3, 4, True, id="unknown-key-is-upward"),
        pytest.param("ups_charge_pct", {"gte": 50}, 60, True, id="written-comparison-beats-the-direction"),
        pytest.param("x", {"gt": 32}, 32, False, id="gt-is-strict"),
        pytest.param("x", {"lte": 10}, 10, True, id="lte-includes"),
        pytest.param("x", {"lt": "10m"}, 599, True, id="a-span-counts-as-seconds"),
        pytest.param("x", {"eq": True}, 1, True, id="eq-true-is-one"),
        pytest.param("room_temp_c", {"outside": [21, 25]}, 25, False, id="the-edge-is-inside"),
        pytest.param("room_temp_c", {"outside": [21, 25]}, 20.9, True, id="outside-below"),
        pytest.param("room_temp_c", {"outside": [21, 25]}, 25.1, True, id="outside-above"),
        pytest.param("x", {"gte": 1}, math.nan, False, id="nan-fulfils-nothing"),
        pytest.param("x", {"outside": [1, 2]}, math.nan, False, id="nan-is-not-outside"),
        pytest.param("disk_full_in_s", {"lt": "24h"}, math.inf, False, id="never-full"),
    ],
)
def test_a_condition_reads_as_it_is_written(key: str, written: Any, value: float, expected: bool) -> None:
    assert Condition.parse(written).of(key).holds(value) is expected


@pytest.mark.parametrize(
    "written",
    ["lots", {"gte": 1, "lt": 2}, {}, {"above": 3}, {"outside": [25, 21]}, {"outside": 3}, [1, 2], None, math.nan],
    ids=repr,
)
def test_what_is_no_condition_is_refused_with_the_right_form(written: Any) -> None:
    with pytest.raises(ValueError, match=r"write"):
        Condition.parse(written)


def test_the_yaml_of_a_threshold_survives_a_round_trip() -> None:
    written = {
        "warn": {"lt": 86400.0, "given": {"disk_free_pct": {"lt": 40.0}}},
        "crit": 5.0,
        "clear": {"outside": [1.0, 2.0]},
        "for": "5m",
        "severity": {"warn": 3},
    }
    assert threshold(**written).model_dump(mode="json", by_alias=True) == written


def test_the_schema_of_a_threshold_can_be_shown() -> None:
    assert TypeAdapter(Threshold).json_schema()["properties"].keys() == {"warn", "crit", "clear", "for", "severity"}


@pytest.mark.parametrize(
    "written", [{"warm": 3}, {"severity": {"warn": 5}}, {"severity": {"info": 3}}, {"for": "soon"}, {"warn": "85%"}]
)
def test_what_a_threshold_does_not_know_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        threshold(**written)


def test_a_condition_that_asks_for_another_value_needs_it() -> None:
    filling = Condition.parse({"lt": "24h", "given": {"disk_free_pct": {"lt": 40}}})
    assert filling.holds(3600, {"disk_free_pct": 39})
    assert not filling.holds(3600, {"disk_free_pct": 41})
    assert not filling.holds(3600), "a value that is not there fulfils nothing"


# ---- levels

DISK = threshold(warn=85, crit=95, clear=83)


@pytest.mark.parametrize(
    ("key", "limits", "values", "expected"),
    [
        pytest.param(
            "disk_used_pct",
            DISK,
            [84, 85, 84, 83, 82.9],
            [None, "warn", "warn", "warn", None],
            id="left-only-past-clear",
        ),
        pytest.param(
            "disk_used_pct", DISK, [96, 94, 92.9, 82], ["crit", "crit", "warn", None], id="crit-falls-to-warn"
        ),
        pytest.param("disk_used_pct", DISK, [96, 20], ["crit", None], id="crit-clears-at-once"),
        pytest.param("disk_used_pct", DISK, [86, 96, 86], ["warn", "crit", "warn"], id="raised-and-lowered"),
        pytest.param(
            "disk_used_pct",
            threshold(warn=85),
            [85, 83, 82.9],
            ["warn", "warn", None],
            id="two-points-where-clear-is-out",
        ),
        pytest.param(
            "ups_charge_pct",
            threshold(warn=50, crit=25),
            [60, 49, 51, 52, 24, 26, 27, 53],
            [None, "warn", "warn", None, "crit", "crit", "warn", None],
            id="downward",
        ),
        pytest.param(
            "ups_charge_pct", threshold(warn=50, clear=60), [49, 59, 60], ["warn", "warn", None], id="downward-clear"
        ),
        pytest.param(
            "x", threshold(warn={"gte": 5}, clear={"lt": 1}), [5, 1, 0.9], ["warn", "warn", None], id="clear-op"
        ),
        pytest.param("x_ratio", threshold(warn=0.05), [0.06, 0.04], ["warn", None], id="no-slack-in-an-unknown-unit"),
        pytest.param(
            "room_temp_c",
            threshold(warn={"outside": [21, 25]}, crit={"gt": 32}),
            [26, 24.5, 24, 33, 31.5, 23],
            ["warn", "warn", None, "crit", "crit", None],
            id="outside-eases-inward",
        ),
        pytest.param("disk_used_pct", threshold(crit=95), [95, 93, 92.9], ["crit", "crit", None], id="only-crit"),
        pytest.param("ok", threshold(crit={"eq": 0}), [0, 1], ["crit", None], id="eq-has-no-hysteresis"),
        pytest.param("disk_used_pct", threshold(), [99], [None], id="nothing-written-judges-nothing"),
        pytest.param("disk_used_pct", DISK, [96, math.nan, 84], ["crit", "crit", "warn"], id="nan-is-never-well"),
        pytest.param("disk_used_pct", DISK, [math.nan], [None], id="nan-raises-nothing"),
        pytest.param(
            "disk_used_pct", threshold(warn=85, clear=90), [86, 86, 84], ["warn", "warn", None], id="clear-beyond-warn"
        ),
        pytest.param("disk_full_in_s", threshold(warn={"lt": "4h"}), [100, math.inf], ["warn", None], id="inf-is-well"),
    ],
)
def test_a_level_follows_the_value_with_hysteresis(
    key: str, limits: Threshold, values: list[float], expected: list[str | None]
) -> None:
    assert levels(key, limits, values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([86] * 6, [None] * 5 + ["warn"], id="reached-when-it-has-held"),
        pytest.param([86, 86, 84, 86, 86, 86], [None] * 6, id="counted-anew-after-a-break"),
        pytest.param([86, 86, 86, 96, 96, 96], [None] * 5 + ["warn"], id="above-crit-is-also-above-warn"),
        pytest.param([96] * 6, [None] * 5 + ["crit"], id="crit-at-once-when-it-held"),
        pytest.param([86] * 6 + [96] * 5 + [96], [None] * 5 + ["warn"] * 6 + ["crit"], id="a-raise-waits-too"),
        pytest.param([86] * 6 + [82], [None] * 5 + ["warn", None], id="clearing-does-not-wait"),
        pytest.param([86, math.nan, math.nan, math.nan, math.nan, 86], [None] * 5 + ["warn"], id="nan-breaks-no-count"),
    ],
)
def test_a_level_is_reached_when_its_condition_has_held(values: list[float], expected: list[str | None]) -> None:
    assert levels("disk_used_pct", threshold(warn=85, crit=95, **{"for": "5m"}), values) == expected


@given(
    values=st.lists(st.floats(0, 100), max_size=40),
    warn=st.integers(10, 80),
    gap=st.integers(1, 15),
    hold=st.integers(0, 3),
)
def test_the_level_is_never_better_than_what_has_held_and_never_worse_than_the_hysteresis_allows(
    values: list[float], warn: int, gap: int, hold: int
) -> None:
    limits = threshold(warn=warn, crit=warn + gap, **{"for": f"{hold}m" if hold else 0})
    for n, level in enumerate(seen := levels("disk_used_pct", limits, values)):
        held = values[max(0, n - hold) : n + 1]
        if len(held) == hold + 1 and min(held) >= warn + gap:
            assert level == "crit"
        if len(held) == hold + 1 and min(held) >= warn:
            assert level is not None
        if values[n] < warn - 2:
            assert level is None
        before = seen[n - 1] if n else None
        if level == "crit" and before != "crit":
            assert values[n] >= warn + gap, "crit begins only where its condition holds"


def test_an_alert_does_not_end_while_its_own_condition_holds() -> None:
    late_clear = threshold(warn=85, clear=90, **{"for": "5m"})
    assert judge(State(Level.WARN), Reading("disk_used_pct", 86), late_clear, at(0))[1] == "warn"


def test_a_changed_threshold_counts_at_the_next_reading() -> None:
    state, level = judge(State(), Reading("disk_used_pct", 86), DISK, at(0))
    assert level == "warn"
    assert judge(state, Reading("disk_used_pct", 86), threshold(warn=90), at(1))[1] is None
    assert judge(state, Reading("disk_used_pct", 86), threshold(warn=70, crit=86), at(1))[1] == "crit"


# ---- layers


def test_the_more_specific_layer_wins_field_by_field() -> None:
    pack = {"disk_used_pct": threshold(warn=85, crit=95, severity={"warn": 3, "crit": 2}, **{"for": "5m"})}
    own = {"disk_used_pct": threshold(warn=80)}
    site = {
        "disk_used_pct": threshold(warn=82, crit=97),
        "root-disk.disk_used_pct": threshold(warn=70, severity={"warn": 4}),
    }
    root = threshold_for("root-disk", "disk_used_pct", pack, own, site)
    assert root == threshold(warn=70, crit=97, severity={"warn": 4, "crit": 2}, **{"for": "5m"})
    assert threshold_for("data", "disk_used_pct", pack, own, site).warn == Condition.parse(82)
    assert threshold_for("data", "disk_used_pct", pack, own, {}).warn == Condition.parse(80)
    assert threshold_for("data", "nobody_knows", pack, own, site) == Threshold()


def test_a_null_takes_a_field_away() -> None:
    assert lay_over(DISK, threshold(crit=None)) == threshold(warn=85, clear=83, crit=None)


@pytest.mark.parametrize(
    ("key", "limits", "says"),
    [
        ("disk_used_pct", threshold(warn=95, crit=85), "crit .* before warn"),
        ("ups_charge_pct", threshold(warn=25, crit=50), "crit .* before warn"),
        ("disk_used_pct", threshold(warn=85, clear=90), "clear"),
        ("ups_charge_pct", threshold(warn=50, clear=40), "clear"),
        ("disk_used_pct", DISK, None),
        ("ups_charge_pct", threshold(warn=50, crit=25, clear=55), None),
        ("room_temp_c", threshold(warn={"outside": [21, 25]}, crit={"gt": 32}), None),
        ("x", threshold(), None),
    ],
)
def test_a_threshold_that_contradicts_itself_is_named(key: str, limits: Threshold, says: str | None) -> None:
    found = contradiction(key, limits)
    assert found is None if says is None else re.search(says, found or "")


# ---- findings


def test_a_judged_reading_says_what_was_crossed_and_how_bad_it_is() -> None:
    reading = Reading("disk_used_pct", 91.234, {"mountpoint": "/"}, {"free_bytes": "77"})
    found = finding_of(reading, Level.WARN, threshold(warn=85, severity={"warn": 3}))
    assert (found.alertname, found.labels, found.level, found.severity) == (
        "DiskSpaceLow", {"mountpoint": "/"}, "warn", 3,
    )  # fmt: skip
    assert found.annotations["summary"] == "disk space used (%): 91.23 (warn ≥ 85)"
    assert (found.annotations["value"], found.annotations["free_bytes"]) == ("91.23", "77")


def test_a_key_nobody_knows_names_its_alert_in_camel_case() -> None:
    assert finding_of(Reading("queue_length-max", 3), None, Threshold()).alertname == "QueueLengthMax"


def read(seen: list[Reading | Finding], kept: dict[Any, Kept] | None = None, **more: Any) -> tuple[dict[str, Any], Any]:
    limits = {
        "disk_used_pct": DISK,
        "ups_charge_pct": threshold(warn=50, crit=25, severity={"warn": 2, "crit": 1}),
        "ups_load_pct": threshold(warn=80, severity={"warn": 3}),
    }
    found, left = judge_all(seen, kept or {}, lambda key: limits.get(key, Threshold()), at(0), **more)
    return {f.alertname: (f.level, f.severity) for f in found}, left


UPS = {"ups": "a"}
CHARGE = {"labels": UPS, "alertname": "UpsPower", "opens": False}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            [Finding("UpsPower", UPS, "crit", {}, 2), Reading("ups_charge_pct", 20, **CHARGE)],  # type: ignore[arg-type]
            {"UpsPower": ("crit", 1)},
            id="a-low-charge-raises-the-power-cut",
        ),
        pytest.param(
            [Reading("ups_charge_pct", 40, **CHARGE), Finding("UpsPower", UPS, "crit", {}, 2)],  # type: ignore[arg-type]
            {"UpsPower": ("crit", 2)},
            id="it-never-lowers-it",
        ),
        pytest.param(
            [Finding("UpsPower", UPS, None), Reading("ups_charge_pct", 20, **CHARGE)],  # type: ignore[arg-type]
            {"UpsPower": (None, None)},
            id="on-mains-a-low-charge-opens-nothing",
        ),
        pytest.param([Reading("ups_charge_pct", 20, **CHARGE)], {}, id="nor-alone"),  # type: ignore[arg-type]
        pytest.param(
            [Finding("UpsOverload", UPS, None), Reading("ups_load_pct", 81, UPS)],
            {"UpsOverload": ("warn", 3)},
            id="the-load-opens-the-alert-of-the-flag",
        ),
        pytest.param(
            [Finding("UpsOverload", UPS, "crit", {}, 2), Reading("ups_load_pct", 20, UPS)],
            {"UpsOverload": ("crit", 2)},
            id="a-well-reading-clears-no-finding",
        ),
        pytest.param(
            [Finding("UpsOverload", {"ups": "b"}, None), Reading("ups_load_pct", 81, UPS)],
            {"UpsOverload": ("warn", 3)},
            id="other-labels-are-another-alert",
        ),
    ],
)
def test_readings_and_findings_of_one_name_are_one_alert(
    seen: list[Reading | Finding], expected: dict[str, Any]
) -> None:
    assert read(seen)[0] == expected


def test_a_reading_that_vanished_is_well_and_forgotten() -> None:
    told, kept = read([Reading("disk_used_pct", 90)])
    assert told == {"DiskSpaceLow": ("warn", None)}
    told, kept = read([], kept)
    assert (told, kept) == ({"DiskSpaceLow": (None, None)}, {})


def test_an_unknown_value_says_nothing_before_it_was_known_and_keeps_the_level_after() -> None:
    told, kept = read([Reading("disk_used_pct", math.nan)])
    assert told == {}
    told, kept = read([Reading("disk_used_pct", 90)], kept)
    told, kept = read([Reading("disk_used_pct", math.nan)], kept)
    assert told == {"DiskSpaceLow": ("warn", None)}


def test_after_a_restart_an_open_alert_goes_on_where_it_was() -> None:
    slow = threshold(warn=85, crit=95, **{"for": "5m"})
    open_levels = {alert_key("DiskSpaceLow", {}): "crit"}
    for value, expected in ((97, "crit"), (94, "crit"), (84, "warn"), (80, None)):
        found, _ = judge_all([Reading("disk_used_pct", value)], {}, lambda _: slow, at(0), open_levels)
        assert found[0].level == expected, value


# ---- the pack


def pack() -> dict[str, Threshold]:
    return TypeAdapter(dict[str, Threshold]).validate_python(yaml.safe_load(PACK.read_text()))


@pytest.mark.parametrize(
    ("key", "value", "given_values", "expected"),
    [
        ("disk_used_pct", 85, {}, ("warn", 3)),
        ("disk_used_pct", 95, {}, ("crit", 2)),
        ("disk_full_in_s", 23 * 3600, {"disk_free_pct": 39}, ("warn", 3)),
        ("disk_full_in_s", 23 * 3600, {"disk_free_pct": 41}, (None, None)),
        ("disk_full_in_s", 3 * 3600, {"disk_free_pct": 25}, ("warn", 3)),
        ("disk_full_in_s", 3 * 3600, {"disk_free_pct": 19}, ("crit", 2)),
        ("inode_free_pct", 14, {}, ("warn", 3)),
        ("inode_free_pct", 4, {}, ("crit", 2)),
        ("ups_charge_pct", 49, {}, ("warn", 2)),
        ("ups_charge_pct", 24, {}, ("crit", 1)),
        ("ups_runtime_s", 599, {}, ("warn", 2)),
        ("ups_runtime_s", 299, {}, ("crit", 1)),
        ("ups_load_pct", 80, {}, ("warn", 3)),
        ("ups_unreachable_s", 901, {}, ("crit", 2)),
        ("cpu_used_pct", 80, {}, ("warn", 3)),
        ("cpu_used_pct", 95, {}, ("crit", 2)),
        ("room_temp_c", 20.9, {}, ("warn", 3)),
        ("room_temp_c", 32.1, {}, ("crit", 1)),
        ("room_humidity_pct", 71, {}, ("warn", 3)),
        ("room_humidity_pct", 81, {}, ("crit", 2)),
    ],
)
def test_the_pack_holds_the_table_of_procedure_4_6(
    key: str, value: float, given_values: dict[str, float], expected: tuple[str | None, int | None]
) -> None:
    limits = pack()[key]
    reading = Reading(key, value, given=given_values)
    state, _ = judge(State(), reading, limits, at(0))
    _, level = judge(state, reading, limits, at(60))
    assert (level, finding_of(reading, level, limits).severity) == expected


def test_the_pack_contradicts_nothing() -> None:
    assert [said for key, limits in pack().items() if (said := contradiction(key, limits))] == []
