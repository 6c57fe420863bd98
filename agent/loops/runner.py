"""Runs what was approved: a program and its arguments, never a shell, in a process group of its own, for so long."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from agent.clock import Clock
from agent.intents import RunEnded, RunsClaimed
from agent.pipeline import Pipeline, Undecided
from agent.storage.writer import StoreDown
from knowledge.automation import AutomationPolicy
from knowledge.run import Run, RunState

log = structlog.get_logger("automation")
MOST_OUTPUT = 16 * 1024
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""All that a program is given of ours."""
_GRACE_S = 2.0
_A_MOMENT, _LOOK_AGAIN = timedelta(seconds=1), timedelta(seconds=5)
_NO_RULE = timedelta(seconds=30)


async def execute(run: int, argv: Sequence[str], timeout_s: float) -> RunEnded:
    """Run a program; return what was seen of it. One that takes too long is ended with all that it has started.

    Standard output and error together, the first 16 KiB. Cancelled, it ends the program too.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return RunEnded(run, RunState.FAILED, error=f"it cannot be started: {error}"[:300])
    output = bytearray()
    reading = asyncio.create_task(_read(process, output))
    try:
        async with asyncio.timeout(timeout_s):
            code = await process.wait()
    except TimeoutError:
        await _end_group(process)
        return RunEnded(run, RunState.TIMED_OUT, process.returncode, _text(output), f"not done after {timeout_s:g} s")
    except asyncio.CancelledError:
        _signal_group(process, signal.SIGKILL)
        await process.wait()
        raise
    finally:
        await _stop_reading(reading)
    return RunEnded(run, RunState.SUCCEEDED if code == 0 else RunState.FAILED, code, _text(output))


async def _read(process: asyncio.subprocess.Process, output: bytearray) -> None:
    """Read to the end, and keep the beginning: a program that says much is not held up."""
    assert process.stdout is not None, "it is a pipe"
    while piece := await process.stdout.read(4096):
        output += piece[: max(0, MOST_OUTPUT - len(output))]


async def _stop_reading(reading: "asyncio.Task[None]") -> None:
    """What it has said is read; what something that it left behind still says is not waited for."""
    await asyncio.wait([reading], timeout=_GRACE_S)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading


async def _end_group(process: asyncio.subprocess.Process) -> None:
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _text(output: bytearray) -> str:
    return output.decode("utf-8", "replace").replace("\x00", "�")


class Runner:
    """Claims what is approved, runs it once its claim is stored, and brings the result back through the line.

    A run that the store calls started and that is not in hand here was begun before a crash: it is told as unknown,
    and never begun again.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, policy: Callable[[], AutomationPolicy]) -> None:
        self._pipeline, self._clock, self._policy = pipeline, clock, policy
        self.wake = asyncio.Event()
        self._in_hand: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look for ever: when a run was decided upon, and every five seconds."""
        while True:
            try:
                await self.look()
            except (StoreDown, Undecided):  # it is in the log; what is approved stays approved
                await self._clock.sleep_until(self._clock.now() + _A_MOMENT)
                continue
            await self._clock.sleep_until(self._clock.now() + _LOOK_AGAIN, self.wake)

    async def look(self) -> None:
        """Begin what is approved. Raises StoreDown, Undecided."""
        runs = self._pipeline.desk.runs
        for lost in [run for run in runs.in_state(RunState.STARTED) if run.id not in self._in_hand]:
            log.error("it is not known what became of an action", run=lost.id, action=lost.action, target=lost.target)
            await self._pipeline.submit(RunEnded(lost.id, RunState.UNKNOWN))
        if runs.in_state(RunState.APPROVED):
            for run in await self._pipeline.submit(RunsClaimed()):
                self._in_hand[run.id] = asyncio.create_task(self._do(run), name=f"run {run.id}")

    async def _do(self, run: Run) -> None:
        rule = self._policy().actions.get(run.action)
        timeout = rule.timeout if rule is not None else _NO_RULE
        log.info("an action is run", run=run.id, action=run.action, target=run.target, argv=run.argv)
        try:
            ended = await execute(run.id, run.argv, timeout.total_seconds())
        except Exception as error:  # the rim of a run: what became of it is not known, and a person is told
            log.exception("a run was lost sight of", run=run.id)
            ended = RunEnded(run.id, RunState.UNKNOWN, error=type(error).__name__)
        log.info("an action has ended", run=run.id, state=str(ended.state), code=ended.exit_code, why=ended.error)
        await self._bring_back(ended)

    async def _bring_back(self, ended: RunEnded) -> None:
        """Have the result stored, however long that takes; until then it is in hand, and nobody begins it again."""
        while True:
            try:
                await self._pipeline.submit(ended)
            except (StoreDown, Undecided):
                await self._clock.sleep_until(self._clock.now() + _A_MOMENT)
                continue
            self._in_hand.pop(ended.run, None)
            self.wake.set()
            return

    async def land(self, longest_s: float) -> None:
        """Wait for what is in hand; what takes longer is ended, and is unknown after the next start."""
        tasks = list(self._in_hand.values())
        if tasks:
            await asyncio.wait(tasks, timeout=longest_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
