"""Logs: one event a line, with facts, as logfmt, JSON or for a console."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from aiohttp.http_exceptions import HttpProcessingError

_LONGEST = 1024
OURS = (
    "api",
    "automation",
    "courier",
    "daemon",
    "erasure",
    "http",
    "inspect",
    "intake",
    "page",
    "pipeline",
    "reconcile",
    "store",
)
"""Our loggers; of libraries only warnings are told."""


def _short(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No field is longer than 1 kB, and none breaks its line. What an exception was stands at the end of it."""
    for key, value in event.items():
        if isinstance(value, str | list | tuple | dict):
            text = str(value)
            cut = "…" + text[-_LONGEST:] if key == "exception" else text[:_LONGEST] + "…"
            shown = text if len(text) <= _LONGEST else cut
            event[key] = "".join(c if c.isprintable() else " " if c in "\n\t" else "\ufffd" for c in shown)
    return event


def _is_ours(record: logging.LogRecord) -> bool:
    """Bytes of a stranger that are no HTTP get their 400 and no line: they would fill the log with tracebacks.

    So would those who go away in the middle of what they send.
    """
    error = record.exc_info[1] if record.exc_info else None
    gone = isinstance(error, ConnectionResetError) and str(error) == "Connection lost"
    return not (gone or isinstance(error, HttpProcessingError))


_processors: list[Any] = []
"""One list for ever: a logger keeps the list that it was first used with."""


def set_up(level: str = "info", form: str = "logfmt") -> None:
    """Send our events and those of libraries to stderr in one form: `logfmt`, `json` or `console`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    last: Any = {
        "json": structlog.processors.JSONRenderer(ensure_ascii=False),
        "console": structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        "logfmt": structlog.processors.LogfmtRenderer(key_order=["ts", "level", "logger", "event"], bool_as_flag=False),
    }[form]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _short, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING) if number > logging.DEBUG else number)
    _processors[:] = [
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        *shared,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]
    structlog.configure(
        processors=_processors,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    for ours in OURS:
        logging.getLogger(ours).setLevel(number)
