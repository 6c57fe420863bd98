"""`tocsin silence …`: alerts that page nobody for a while; amtool works too (docs/api.md)."""

from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.options import Instant
from agent.cli.printing import shown, table

_BASE = "/api/v1/silences"
_AHEAD = Instant(ahead=True)


@click.group()
def silence() -> None:
    """Keep alerts from paging for a while."""


@silence.command("list")
@with_api
def list_(url: str, token: str, as_json: bool) -> None:
    """What is silenced, what was of late, and the hours of each window that hold or come next."""
    _told(Api(url, token).call("GET", _BASE), as_json)


@silence.command()
@click.argument("matchers", nargs=-1, required=True)
@click.option("--from", "starts_at", type=_AHEAD, help="From this moment; left out: now.")
@click.option("--until", "ends_at", type=_AHEAD, required=True, help=f"{_AHEAD.hint}.")
@click.option("--comment", required=True, help="Why; everybody reads it.")
@with_api
def add(
    url: str, token: str, as_json: bool, matchers: tuple[str, ...], starts_at: str | None, ends_at: str, comment: str
) -> None:
    """Silence the alerts that meet all MATCHERS: 'alertname="DiskFull"' 'instance=~"db-.+"'."""
    sent = {"matchers": matchers, "starts_at": starts_at, "ends_at": ends_at, "comment": comment}
    found = Api(url, token).call("POST", _BASE, {k: v for k, v in sent.items() if v is not None})
    _told(found if as_json else {"items": [found]}, as_json)


@silence.command()
@click.argument("id")
@with_api
def end(url: str, token: str, as_json: bool, id: str) -> None:
    """End a silence now, of a window for this once: what it held back is paged."""
    found = Api(url, token).call("DELETE", f"{_BASE}/{id}")
    _told(found if as_json else {"items": [found]}, as_json)


def _told(found: Any, as_json: bool) -> None:
    if as_json:
        shown(found)
        return
    keys = ("id", "state", "starts_at", "ends_at", "created_by", "matchers", "comment")
    rows = [tuple(silence[key] for key in keys) for silence in found["items"]]
    table(("ID", "STATE", "STARTS", "ENDS", "BY", "MATCHERS", "COMMENT"), rows)
