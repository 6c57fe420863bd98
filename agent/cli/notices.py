"""`tocsin notice …`: what went out by the calendar, and what a customer will be told: held, released, or rewritten."""

from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.options import Instant
from agent.cli.printing import shown, table

_BASE = "/api/v1/notices"


@click.group()
def notice() -> None:
    """What goes out by the calendar."""


@notice.command("list")
@click.option("--name", help="Of this name only: pm_eod, customer_eod, …")
@click.option("--day", help="Of this day only: 2026-03-02.")
@click.option("--incident", help="About this incident only.")
@click.option("--outcome", help="pending, sent, nothing, nobody, held, over, missed or moved.")
@with_api
def list_(url: str, token: str, as_json: bool, **asked: str | None) -> None:
    """Notices, the newest first."""
    _told(Api(url, token).call("GET", _BASE, query=asked), as_json)


@notice.command()
@click.argument("id", type=int)
@with_api
def hold(url: str, token: str, as_json: bool, id: int) -> None:
    """Keep a customer from being told (pm)."""
    _told({"items": [Api(url, token).call("POST", f"{_BASE}/{id}/hold", {})]}, as_json)


@notice.command()
@click.argument("id", type=int)
@with_api
def release(url: str, token: str, as_json: bool, id: int) -> None:
    """Let it go out after all (pm)."""
    _told({"items": [Api(url, token).call("POST", f"{_BASE}/{id}/release", {})]}, as_json)


@notice.command()
@click.argument("id", type=int)
@click.argument("text")
@with_api
def edit(url: str, token: str, as_json: bool, id: int, text: str) -> None:
    """Write what a customer is told in place of the template (pm)."""
    _told({"items": [Api(url, token).call("POST", f"{_BASE}/{id}/edit", {"text": text})]}, as_json)


@notice.command()
@click.option("--since", type=Instant(ahead=False), help="Of incidents that were open since; default: seven days ago.")
@with_api
def callbacks(url: str, token: str, as_json: bool, since: str | None) -> None:
    """All incidents of the week, and what their customers said."""
    found = Api(url, token).call("GET", "/api/v1/callbacks", query={"since": since})
    if as_json:
        shown(found)
        return
    rows = [
        (c["number"], c["severity"], c["state"], "" if c["reached"] is None else c["reached"], c["score"], c["title"])
        for c in found["items"]
    ]
    table(("INCIDENT", "SEV", "STATE", "REACHED", "SCORE", "TITLE"), rows)


def _told(found: Any, as_json: bool) -> None:
    if as_json:
        shown(found)
        return
    rows = [(n["id"], n["key"], n["due_at"], n["outcome"], n["held_by"], n["text"][:60]) for n in found["items"]]
    table(("ID", "NOTICE", "DUE", "OUTCOME", "HELD BY", "TEXT"), rows)
