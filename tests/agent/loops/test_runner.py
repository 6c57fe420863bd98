"""The runner, on real programs: no shell, a clean environment, an end for what takes too long, no second run."""

import asyncio
import stat
from functools import partial
from pathlib import Path

import psutil
import pytest

from agent.loops.runner import ENVIRONMENT, MOST_OUTPUT, execute
from knowledge.run import RunState
from tests.real.running import until

LONG = 60.0
"""Seconds that no program here needs."""


def program(folder: Path, text: str) -> str:
    """A program of these lines."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_no_shell_reads_the_arguments() -> None:
    ended = await execute(1, ["/bin/echo", "$HOME; id", "`id`", "*", "--", "-n"], LONG)
    assert (ended.state, ended.exit_code, ended.output) == (RunState.SUCCEEDED, 0, "$HOME; id `id` * -- -n\n")


async def test_it_is_given_nothing_of_ours_but_a_path_and_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_SECRET", "x")
    monkeypatch.setenv("LD_PRELOAD", "")
    ended = await execute(1, ["/usr/bin/env"], LONG)
    assert dict(line.split("=", 1) for line in ended.output.split()) == ENVIRONMENT


async def test_it_has_no_input_and_a_folder_that_is_nobodys(tmp_path: Path) -> None:
    ended = await execute(1, [program(tmp_path, "pwd; cat; echo end")], LONG)
    assert ended.output == "/\nend\n"


async def test_what_it_says_is_kept_up_to_a_bound_and_does_not_hold_it_up(tmp_path: Path) -> None:
    ended = await execute(1, [program(tmp_path, "head -c 3000000 /dev/zero | tr '\\0' x; echo >&2 err")], LONG)
    assert (ended.state, len(ended.output)) == (RunState.SUCCEEDED, MOST_OUTPUT)


async def test_bytes_that_are_no_text_are_kept_as_text() -> None:
    ended = await execute(1, ["/usr/bin/printf", r"a\000b\377"], LONG)
    assert ended.output == "a�b�"


async def test_its_code_says_whether_it_failed(tmp_path: Path) -> None:
    ended = await execute(1, [program(tmp_path, "echo >&2 no such host; exit 7")], LONG)
    assert (ended.state, ended.exit_code, ended.output) == (RunState.FAILED, 7, "no such host\n")


@pytest.mark.parametrize("argv", [["/nowhere/at/all"], ["/etc/passwd"], ["/bin/echo", "a\0b"]])
async def test_what_cannot_be_started_is_told_as_failed(argv: list[str]) -> None:
    ended = await execute(1, argv, LONG)
    assert (ended.state, ended.exit_code) == (RunState.FAILED, None)
    assert ended.error.startswith("it cannot be started")


async def test_what_takes_too_long_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    """Both ignore a polite end; the child's number is what the program says before its time is over."""
    text = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; wait"
    ended = await execute(1, [program(tmp_path, text)], 1.0)
    assert (ended.state, ended.exit_code) == (RunState.TIMED_OUT, -9)
    await until(partial(is_gone, int(ended.output)), "the child is gone")


async def test_a_daemon_that_stops_ends_its_program(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    doing = asyncio.create_task(execute(1, [program(tmp_path, f"echo $$ > {marker}; sleep 600")], LONG))
    number = await until(partial(said, marker), "it has begun")
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert not psutil.pid_exists(int(number)), "it is waited for: nothing of it is left when the loop ends"


def said(marker: Path) -> str:
    """What a program has written there, by now."""
    return marker.read_text().strip() if marker.exists() else ""


def is_gone(number: int) -> bool:
    """Whether a process is no more; one that is dead and that nobody has reaped counts as that."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return True
