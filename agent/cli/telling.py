"""The group of all commands: one that cannot say what it found ends with a sentence and another code than 0."""

import contextlib
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import click

_FAILED = 1


class Commands(click.Group):
    """A group whose standard output may be full; who reads no further (`| head`) ends it without a word.

    Where it is closed nobody wants to be told, and what was asked for is done.
    """

    def main(self, args: Sequence[str] | None = None, *others: Any, **more: Any) -> Any:
        """As click has it; what cannot be written is told on standard error, and the exit code is 1."""
        try:
            return super().main(args, *others, **more)
        except OSError as error:
            if not _is_of_telling(error.__traceback__):
                raise
            why = error.strerror or str(error)
            _end(f"standard output cannot be written: {why}; what was asked for may be done all the same")


def _is_of_telling(trace: TracebackType | None) -> bool:
    """Whether what failed was click writing to a stream, and nothing that a command works with."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == click.echo.__module__


def _end(why: str) -> None:
    with contextlib.suppress(OSError):  # there is nobody left to tell
        click.echo(f"tocsin: {why}", err=True)
    if sys.stdout is not None:
        # What is left in its buffer has nowhere to go either, and Python would say so once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(_FAILED)
