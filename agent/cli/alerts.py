"""`tocsin alert list`: what came, what was made of it and why; also of what paged nobody."""

from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.printing import cut_to, shown, table
from agent.cli.showing import moment
from agent.wording.foremost import named
from collectors.moment import moment_text, parse_moment

_DECISIONS = ("opened", "joined", "duplicate", "suppressed", "suspect", "stale")
_NAME = 60


@click.group()
def alert() -> None:
    """Alerts as they came, and what was made of each."""


@alert.command("list")
@click.option(
    "--decision", type=click.Choice(_DECISIONS), help="`suppressed`: what a silence, a window, a route holds."
)
@click.option("--origin", help="Of one source.")
@click.option("--fingerprint", help="The firings of one alert.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_api
def list_(
    url: str, token: str, as_json: bool, decision: str | None, origin: str | None, fingerprint: str | None, limit: int
) -> None:
    """The newest first, each with its decision and the reason."""
    query = {"decision": decision, "origin": origin, "fingerprint": fingerprint, "limit": limit}
    found = Api(url, token).call("GET", "/api/v1/alerts", query=query)
    if as_json:
        shown(found)
        return
    table(("SINCE", "STATUS", "ALERT", "DECISION", "INCIDENT", "WHY"), [_row(one) for one in found["items"]])
    if found["next"]:
        click.echo(f"there is more than these {len(found['items'])}: --limit, up to 500", err=True)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    name = cut_to(named(one["labels"], one["annotations"]), _NAME)
    return _since(one["startsAt"]), one["status"], name, one["decision"], one["incident"] or "-", one["why"]["text"]


def _since(text: str) -> str:
    """A moment as its sender wrote it, on the clock that all others are told by."""
    found = parse_moment(text)
    return moment(str(moment_text(found))) if found is not None else text
