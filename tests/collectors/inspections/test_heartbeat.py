"""Something that must report in."""

from typing import Any

import pytest
from pydantic import ValidationError

from collectors.inspections.heartbeat import Config, Inspect
from collectors.source import Finding
from tests.collectors.inspections.reading import at, findings, well

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}


def config(**more: Any) -> Config:
    return Config.model_validate({"type": "heartbeat", "within": "5m", **more})


def watchdog(**more: Any) -> Inspect:
    return Inspect("am-alive", config(expect={"alertname": "Watchdog"}, **more))


async def test_a_silence_is_told_when_it_is_too_long_and_taken_back_at_the_next_beat() -> None:
    heart = watchdog()
    await heart.read(at(0))
    heart.beat(at(1))
    assert well(await heart.read(at(2))) == {"HeartbeatMissing"}
    assert findings(await heart.read(at(6))) == {}
    told = await heart.read(at(6.1))
    assert findings(told) == {"HeartbeatMissing": ("crit", None)}
    assert isinstance(told[0], Finding)
    assert told[0].labels == {"heartbeat": "am-alive"}
    assert told[0].annotations["summary"] == "no beat of am-alive within 5m; the last one: 2026-03-02T09:01:00.000Z"
    heart.beat(at(7))
    assert well(await heart.read(at(7))) == {"HeartbeatMissing"}


async def test_what_never_reported_in_is_missing_once_it_has_had_its_time() -> None:
    heart = watchdog()
    assert await heart.read(at(0)) == []
    assert await heart.read(at(5)) == []
    assert findings(await heart.read(at(5.1))) == {"HeartbeatMissing": ("crit", None)}


async def test_a_late_word_of_an_early_beat_changes_nothing() -> None:
    heart = watchdog()
    heart.beat(at(5))
    heart.beat(at(1))
    assert well(await heart.read(at(9))) == {"HeartbeatMissing"}


@pytest.mark.parametrize(
    ("more", "source", "labels", "heard"),
    [
        pytest.param({"expect": {"alertname": "Watchdog"}}, "am", WATCHDOG, True, id="watchdog"),
        pytest.param({"expect": {"alertname": "Watchdog"}}, "am", {"alertname": "DiskFull"}, False, id="another-alert"),
        pytest.param({"expect": {"alertname": "Watchdog"}, "source": "am"}, "am", WATCHDOG, True, id="its-source"),
        pytest.param({"expect": {"alertname": "Watchdog"}, "source": "am"}, "am-2", WATCHDOG, False, id="other-source"),
        pytest.param({"job": "backup"}, "cron", {"job": "backup"}, True, id="job"),
        pytest.param({"job": "backup"}, "cron", {"job": "report"}, False, id="other-job"),
        pytest.param({"job": "backup", "expect": ["host=a"]}, "cron", {"job": "backup", "host": "b"}, False, id="both"),
    ],
)
def test_a_beat_is_what_the_configuration_expects(
    more: dict[str, Any], source: str, labels: dict[str, str], heard: bool
) -> None:
    assert Inspect("x", config(**more)).hears(source, labels) is heard


async def test_how_bad_the_silence_is_can_be_written() -> None:
    heart = watchdog(level="warn")
    await heart.read(at(0))
    assert findings(await heart.read(at(6))) == {"HeartbeatMissing": ("warn", None)}


def test_a_heartbeat_that_expects_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="write `job: NAME` or `expect:"):
        config()
