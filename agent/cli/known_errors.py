"""`tocsin known-error …`: the library over the API; what is written is a file of the form that `knowledge/` holds."""

from pathlib import Path
from typing import Any

import click

from agent.cli.client import Api, with_api
from agent.cli.ending import CONFIGURATION, leave
from agent.cli.printing import shown, table

_ALL = "/api/v1/known-errors"
_READ = frozenset({"source", "line"})
"""What an entry knows of its file, and the API does not take."""


@click.group("known-error")
def known_error() -> None:
    """Troubles that were understood once, and what helps."""


@known_error.command("list")
@with_api
def list_(url: str, token: str, as_json: bool) -> None:
    """All of them, with where each is written."""
    api = Api(url, token)
    found = page = api.call("GET", _ALL)
    while page.get("next"):
        page = api.call("GET", f"{_ALL}?cursor={page['next']}")
        found = {"items": [*found["items"], *page["items"]], "next": None}
    if as_json:
        shown(found)
        return
    rows = [(e["id"], e["status"], e["origin"], e["owner"], e["title"]) for e in found["items"]]
    table(("ID", "STATUS", "ORIGIN", "OWNER", "TITLE"), rows)


@known_error.command()
@click.argument("id")
@with_api
def show(url: str, token: str, as_json: bool, id: str) -> None:
    """One of them: what is seen, and what helps at once."""
    found = Api(url, token).call("GET", f"{_ALL}/{id}")
    if as_json:
        shown(found)
        return
    click.echo(f"{found['id']}  {found['status']}  {found['source'] or found['origin']}  {found['title']}")
    for name in ("symptoms", "root_cause", "workaround", "solution"):
        if found[name]:
            click.echo(f"\n{name.replace('_', ' ')}:\n{found[name]}")


@known_error.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--made-on", type=int, help="Edit the one of this id; the version that you have read.")
@click.option("--reason", help="Why.")
@with_api
def write(url: str, token: str, as_json: bool, file: Path, made_on: int | None, reason: str | None) -> None:
    """Write the known error of a Markdown file; it is found at once."""
    sent = _body_of(file) | ({"reason": reason} if reason else {})
    api = Api(url, token)
    if made_on is None:
        found = api.call("POST", _ALL, sent)
    else:
        name = sent.pop("id")
        found = api.call("PATCH", f"{_ALL}/{name}", sent, more={"If-Match": str(made_on)})
    if as_json:
        shown(found)
    else:
        click.echo(f"{found['id']}  {found['status']}  version {found['written']['version']}  {found['title']}")


def _body_of(file: Path) -> dict[str, Any]:
    from agent.configuration.known_errors import entry_in

    entry, faults = entry_in(file, file.name, named=True)
    if entry is None:
        leave("\n".join(map(str, faults)), CONFIGURATION)
    values = entry.model_dump(mode="json", exclude=set(_READ))
    return {name: value for name, value in values.items() if value not in ("", None)}
