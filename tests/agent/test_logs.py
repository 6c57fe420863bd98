"""What is logged, and what is not."""

import logging
import sys

import pytest
from aiohttp.http_exceptions import BadStatusLine

from agent import logs


@pytest.fixture(autouse=True)
def as_before() -> object:
    root, server = logging.getLogger(), logging.getLogger("aiohttp.server")
    handlers, level, filters = root.handlers[:], root.level, server.filters[:]
    yield
    root.handlers[:], server.filters[:] = handlers, filters
    root.setLevel(level)


def failed(error: Exception) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("aiohttp.server").error("Error handling request from %s", "10.0.0.9", exc_info=sys.exc_info())


def test_bytes_that_are_no_http_leave_no_traceback_and_a_fault_of_ours_does(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    failed(BadStatusLine("\x16\x03\x01"))
    assert capsys.readouterr().err == ""
    failed(ZeroDivisionError("ours"))
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_line_stays_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    logging.getLogger("daemon").error("a\r\nlevel=info event=forged\x1b[31m")
    assert capsys.readouterr().err.count("\n") == 1
