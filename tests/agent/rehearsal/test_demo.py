"""The demo plays an outage into a daemon of its own, says each thing, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.configuration.load import load
from agent.rehearsal.demo import Failed, Stage
from tests.real.running import dying_with_us

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "configs" / "demo"
SECRETS = {"DEMO_TOKEN": "demo-token", "DEMO_SINK": "http://127.0.0.1:9/"}


def start(temp: Path) -> "subprocess.Popen[str]":
    """`tocsin demo --fast`, with a temporary directory of its own."""
    return subprocess.Popen(
        [*dying_with_us(), sys.executable, "-m", "agent", "demo", "--fast"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temp), "TOCSIN_STORAGE_URL": "sqlite:////nowhere/else.db"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def demo(tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    process = start(tmp_path)
    yield process
    process.kill()
    process.wait()


def in_order(said: str, *parts: str) -> None:
    """Each part is said, and after the one before."""
    place = 0
    for part in parts:
        found = said.find(part, place)
        assert found >= 0, f"{part!r} is not said (after the parts before it) in:\n{said}"
        place = found + len(part)


def test_the_demo_tells_an_outage_from_the_first_alert_to_the_end_and_cleans_up(
    demo: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    said, _ = demo.communicate(timeout=200)
    assert demo.returncode == 0, said
    in_order(
        said,
        "with an empty store",
        "ups-a runs on battery: opened with severity 3",
        "known error       ups-on-battery",
        "page              to ana by step 3/c0",
        "severity raised from 3 to 2 by alert HostDown",
        "joined by rule same-rack: it has the same rack=a",
        "page              to luis by step 2/r100",
        "luis: acknowledged; luis has it",
        "joined by rule same-host: it has the same instance=db-1",
        "resolved (auto_recovered)",
        "it fires again: relapse 1; luis has it",
        "page              to luis by step 2/relapse@1",
        "luis: acknowledged; luis has it",
        "resolved (auto_recovered)",
        "is resolved: severity 2, 5 alerts, 1 relapse",
    )
    in_order(said, "luis: acknowledged", "page              to luis by step 2/p50", "resolved (auto_recovered)")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_demo_takes_its_daemon_along(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert demo.stdout is not None
    for line in demo.stdout:
        if "opened" in line:
            break
    children = psutil.Process(demo.pid).children(recursive=True)
    demo.send_signal(signal.SIGTERM)
    said, _ = demo.communicate(timeout=100)
    assert demo.returncode == 1
    assert "demo: interrupted" in said
    assert children
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fast", [pytest.param(False, id="two minutes"), pytest.param(True, id="fast")])
def test_the_demo_site_is_without_fault_or_warning(fast: bool, tmp_path: Path) -> None:
    from agent.clock import SystemClock

    Stage(tmp_path, SystemClock(), 10.0 if fast else 1.0)
    config = load(tmp_path / "site", environ=SECRETS, strict=True)
    assert sorted(config.people) == ["ana", "luis"]


def test_every_span_of_the_fast_site_is_a_tenth() -> None:
    slow = load(DEMO / "site", environ=SECRETS)
    fast = load(DEMO / "fast", environ=SECRETS)
    for severity, target in slow.sla.default.items():
        assert fast.sla.default[severity].response * 10 == target.response
        assert fast.sla.default[severity].resolve * 10 == target.resolve
    assert fast.states.auto_recovered.stable_for * 10 == slow.states.auto_recovered.stable_for


async def test_what_does_not_come_fails_the_demo_with_the_log_of_the_daemon(tmp_path: Path) -> None:
    from datetime import timedelta

    from agent.clock import SystemClock

    class Hasty(SystemClock):
        """A minute of it is over at once."""

        async def sleep_until(self, due, wake=None):  # type: ignore[no-untyped-def]
            self._wall += timedelta(minutes=2)

    stage = Stage(tmp_path, Hasty(), 1.0)
    (tmp_path / "log").write_text("level=error event=oops\n", "utf-8")
    with pytest.raises(Failed, match=r"waited 60 s for page ana 3/c0, in vain(?s:.*)event=oops"):
        await stage.until("page", "ana 3/c0")
