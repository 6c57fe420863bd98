"""`tocsin automation …`: what known errors would have done, and a yes or no to it."""

from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.printing import shown, table

_ALL = "/api/v1/automation-runs"


@click.group()
def automation() -> None:
    """Actions of known errors."""


@automation.command("list")
@click.option("--incident", help="Of this incident only.")
@click.option("--state", multiple=True, help="proposed, approved, started, succeeded, failed, …")
@with_api
def list_(url: str, token: str, as_json: bool, incident: str | None, state: tuple[str, ...]) -> None:
    """What is proposed and what was run, newest first."""
    found = Api(url, token).call("GET", _ALL, query={"incident": incident, "state": state})
    if as_json:
        shown(found)
        return
    rows = [(r["id"], r["incident"], r["state"], r["action"], r["target"], r["approve"]) for r in found["items"]]
    table(("RUN", "INCIDENT", "STATE", "ACTION", "TARGET", "APPROVED BY"), rows)


@automation.command()
@click.argument("run", type=int)
@with_api
def show(url: str, token: str, as_json: bool, run: int) -> None:
    """One of them: what is run, and what it said."""
    _told(Api(url, token).call("GET", f"{_ALL}/{run}"), as_json)


@automation.command()
@click.argument("run", type=int)
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
@click.option("--reason")
@with_api
def approve(url: str, token: str, as_json: bool, run: int, dry_run: bool, reason: str | None) -> None:
    """Have it run, where no guard stands against it."""
    sent = ({"dry_run": True} if dry_run else {}) | ({"reason": reason} if reason else {})
    _told(Api(url, token).call("POST", f"{_ALL}/{run}/approve", sent), as_json)


@automation.command()
@click.argument("run", type=int)
@click.option("--reason", required=True)
@with_api
def decline(url: str, token: str, as_json: bool, run: int, reason: str) -> None:
    """Not this time."""
    _told(Api(url, token).call("POST", f"{_ALL}/{run}/decline", {"reason": reason}), as_json)


def _told(found: Any, as_json: bool) -> None:
    if as_json:
        shown(found)
        return
    click.echo(f"{found['id']}  {found['incident']}  {found['state']}  {found['action']} on {found['target']}")
    click.echo("  " + " ".join(found["argv"]))
    if found["why"]:
        click.echo(f"  {found['why']['text']}")
    if found["output"]:
        click.echo(found["output"].rstrip())
