"""Plugins are files in a folder: `type:` names the file."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import collectors.inspections
import collectors.webhooks
import correlation.strategies
import escalation.notifiers
from agent.configuration.faults import suggest

_FOLDERS: dict[str, ModuleType] = {
    "webhook": collectors.webhooks,
    "inspection": collectors.inspections,
    "notifier": escalation.notifiers,
    "strategy": correlation.strategies,
}
_EXTRAS = {"aionut": "nut", "pysnmp": "snmp", "asyncpg": "postgres"}


class UnknownPlugin(LookupError):
    """No such plugin, or one whose package is not installed; the text says what to write or to install."""


@cache
def known(kind: str) -> tuple[str, ...]:
    """Return the types of a kind (`webhook`, `inspection`, `notifier`, `strategy`), sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(_FOLDERS[kind].__path__) if not m.name.startswith("_")))


def every() -> Iterator[tuple[str, str]]:
    """Return kind and type of every plugin there is."""
    for kind in _FOLDERS:
        yield from ((kind, name) for name in known(kind))


@cache
def load(kind: str, name: str) -> Any:
    """Return the module of a plugin. Raises UnknownPlugin."""
    if name not in known(kind):
        raise UnknownPlugin(f"unknown type {name!r}{suggest(name, known(kind))}")
    try:
        return importlib.import_module(f"{_FOLDERS[kind].__name__}.{name}")
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise UnknownPlugin(f"type {name!r} needs the package {error.name}: pip install 'tocsin[{extra}]'") from error


def webhook(name: str) -> Any:
    """Return the module of a push source: `parse(body, origin, now, mapping)`."""
    return load("webhook", name)


def inspection(name: str) -> Any:
    """Return the module of an inspection: `Config` and `Inspect`."""
    return load("inspection", name)


def notifier(name: str) -> Any:
    """Return the module of a channel: `Config` and `Notify`."""
    return load("notifier", name)


def strategy(name: str) -> Any:
    """Return the module of a kind of join evidence: `Join`."""
    return load("strategy", name)
