"""What is logged, and what is not."""

import logging
import re
import sys
from pathlib import Path

import pytest
import structlog
from aiohttp.http_exceptions import BadStatusLine
from structlog.testing import capture_logs

from agent import logs


@pytest.fixture(autouse=True)
def as_before() -> object:
    root, server = logging.getLogger(), logging.getLogger("aiohttp.server")
    handlers, level, filters = root.handlers[:], root.level, server.filters[:]
    yield
    root.handlers[:], server.filters[:] = handlers, filters
    root.setLevel(level)


def test_every_logger_of_ours_tells_what_happens_and_libraries_only_warn(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    files = (f for room in ("agent", "escalation") for f in (Path(logs.__file__).parent.parent / room).rglob("*.py"))
    named = {name for file in files for name in re.findall(r'get_logger\("(\w+)"', file.read_text("utf-8"))}
    assert named
    for name in named:
        logging.getLogger(name).info("heard")
    assert capsys.readouterr().err.count("heard") == len(named)
    logging.getLogger("aiohttp").info("heard")
    assert capsys.readouterr().err == ""


def failed(error: Exception) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("aiohttp.server").error("Error handling request from %s", "10.0.0.9", exc_info=sys.exc_info())


def test_bytes_that_are_no_http_leave_no_traceback_and_a_fault_of_ours_does(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    failed(BadStatusLine("\x16\x03\x01"))
    failed(ConnectionResetError("Connection lost"))
    assert capsys.readouterr().err == ""
    failed(ZeroDivisionError("ours"))
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_of_a_long_traceback_the_end_is_kept_which_says_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()

    def deep(levels: int) -> None:
        if not levels:
            raise ZeroDivisionError("at the bottom")
        deep(levels - 1) if levels % 2 else deep(levels - 1 + 0)

    with pytest.raises(ZeroDivisionError) as raised:
        deep(60)
    logging.getLogger("daemon").error("it failed", exc_info=raised.value)
    said = capsys.readouterr().err
    assert "ZeroDivisionError: at the bottom" in said
    assert len(said) < 1500


def test_a_line_stays_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    logging.getLogger("daemon").error("a\r\nlevel=info event=forged\x1b[31m")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_logger_that_was_used_before_follows_what_was_set_up_last() -> None:
    logs.set_up()
    used = structlog.get_logger("daemon")
    used.debug("before")
    logs.set_up("error")
    with capture_logs() as heard:
        used.warning("heard")
    assert [line["event"] for line in heard] == ["heard"]
