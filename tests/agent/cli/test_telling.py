"""What a command does where nobody can be told what it found."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.house import SITE
from tests.real.daemon import entry_point

COMMANDS = [("check", "config", "--config.dir", str(SITE)), ("config", "schema"), ("--help",)]
FULL = Path("/dev/full")


def run(command: tuple[str, ...], to: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*entry_point(), *command], stdout=to, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this machine")
@pytest.mark.parametrize("command", COMMANDS, ids=["check config", "config schema", "help"])
def test_where_standard_output_is_full_a_sentence_says_so(command: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        done = run(command, full.fileno())
    (told,) = done.stderr.splitlines()[-1:]
    assert (done.returncode, told.startswith("tocsin: standard output cannot be written: No space left")) == (1, True)
    assert "Traceback" not in done.stderr


def test_whoever_reads_no_further_is_told_nothing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = run(("config", "schema"), writes)
    os.close(writes)
    assert (done.returncode, done.stderr) == (1, "")
