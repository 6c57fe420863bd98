"""What the daemon says to a newcomer can be pasted into a shell."""

import subprocess

import pytest

from agent.cli.welcome import greet
from agent.configuration.load import load
from agent.daemon import Daemon, Options
from tests.house import SITE


@pytest.mark.parametrize("first", ["tcs_first", None])
def test_the_lines_to_try_carry_the_token_through_a_shell(
    first: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon(Options(), load(SITE))
    daemon.first_token = first
    greet(daemon, 9300, full=True)
    told = capsys.readouterr().out.splitlines()
    assert ("token: tcs_first" in told) == (first is not None)
    assert any("token create" in line for line in told) == (first is None)
    tries = told[told.index("try:") + 1 :]
    assert len(tries) == 3
    assert "console: http://127.0.0.1:9300/ (sign in with the token)" in told
    for line in tries[1:]:
        words = subprocess.run(
            ["bash", "-c", f"printf '%s\\n' {line}"], check=True, env={"TOKEN": "tcs_other"}, capture_output=True
        )
        assert (first or "tcs_other") in words.stdout.decode()


def test_without_a_welcome_it_says_where_it_listens(capsys: pytest.CaptureFixture[str]) -> None:
    greet(Daemon(Options(), load(SITE)), 9300, full=False)
    assert capsys.readouterr().out == "listening on 127.0.0.1:9300\n"
