"""`tocsin incident list|show`; the acts stand beside them."""

import json
import mimetypes
import re
from pathlib import Path
from typing import Any

import click

from agent.cli.client import DEADLINE_S, Api, with_api
from agent.cli.ending import leave
from agent.cli.figures import in_figures
from agent.cli.options import Instant
from agent.cli.printing import printable, shown, table
from agent.cli.showing import LINES_SHOWN, alerts, explained, headline, helping, moment, standing

_TITLE = 60
"""The columns of a title in a list."""
_PAGES = 40
"""Of 500 items each: what is longer is not read to its end."""


class _WithActs(click.Group):
    """The acts are built from the models of the API when they are asked for: `tocsin --help` need not wait for them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load()
        return super().get_command(ctx, "ack" if cmd_name == "acknowledge" else cmd_name)

    def _load(self) -> None:
        if "ack" not in self.commands:
            from agent.cli.acts import act_commands

            for command in act_commands():
                self.add_command(command)


@click.group(cls=_WithActs)
def incident() -> None:
    """Read incidents, and act on them."""


@incident.command("list")
@click.option("--state", multiple=True, help="One of the twelve states, `active` or `open` (default: active).")
@click.option("--severity", multiple=True, type=int)
@click.option("--group")
@click.option("-q", "words", help="Words of title, number, symptom or service.")
@click.option("--since", type=Instant(ahead=False), help="Opened at or after: 2026-03-02T09:00:00Z, or 2h ago.")
@click.option("--sort", type=click.Choice(["due", "opened", "updated"]), default="due", show_default=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_api
def list_incidents(
    url: str,
    token: str,
    as_json: bool,
    state: tuple[str, ...],
    severity: tuple[int, ...],
    group: str | None,
    words: str | None,
    since: str | None,
    sort: str,
    limit: int,
) -> None:
    """What there is, what is due next first."""
    query = {
        "state": state or ("active",),
        "severity": severity,
        "group": group,
        "q": words,
        "since": since,
        "sort": sort,
        "limit": limit,
    }
    found = Api(url, token).call("GET", "/api/v1/incidents", query=query)
    if as_json:
        shown(found)
        return
    rows = [
        (
            i["number"],
            i["severity"],
            i["state"],
            i["group"],
            i["assignee"],
            moment(i["next_step"]["due_at"]) if i["next_step"] else "-",
            headline(i, _TITLE),
        )
        for i in found["items"]
    ]
    table(("NUMBER", "SEV", "STATE", "GROUP", "ASSIGNEE", "NEXT STEP", "TITLE"), rows)
    if not rows:
        click.echo("nothing of this is there; `--state open` shows what is resolved too", err=True)
    if found["next"]:
        click.echo(f"there is more than these {len(rows)}: --limit, up to 500", err=True)


@incident.command()
@click.option(
    "--since", type=Instant(ahead=False), help="Opened at or after, or 7d ago.  [default: 30d before --until]"
)
@click.option("--until", type=Instant(ahead=False), help="Opened before.  [default: now]")
@click.option("--group")
@click.option("--per", type=click.Choice(["day", "week", "month"]), help="Also by day, week or month.")
@with_api
def statistics(
    url: str,
    token: str,
    as_json: bool,
    since: str | None,
    until: str | None,
    group: str | None,
    per: str | None,
) -> None:
    """Incidents in figures: how many of which kind, whether targets were kept, who solved them, what is open."""
    query = {"since": since, "until": until, "group": group, "per": per}
    found = Api(url, token).call("GET", "/api/v1/statistics", query=query)
    if as_json:
        shown(found)
        return
    in_figures(found)


@incident.command()
@click.argument("number")
@click.option("--all", "everything", is_flag=True, help="Also what is left out where there is much.")
@with_api
def show(url: str, token: str, as_json: bool, number: str, everything: bool) -> None:
    """One incident: what it is, what helps, what happened."""
    api = Api(url, token)
    found = api.call("GET", f"/api/v1/incidents/{checked_number(number)}")
    if as_json:
        shown(found)
        return
    for line in standing(found):
        click.echo(printable(line))
    for text in helping(found, everything=everything):
        click.echo(text)
    click.echo()
    for line in alerts(found, everything=everything):
        click.echo(line)
    happened = _all_of(api, f"/api/v1/incidents/{found['number']}/timeline")
    left = 0 if everything else max(len(happened) - LINES_SHOWN, 0)
    if left:
        click.echo(f"… {left} earlier lines (--all)")
    table(("AT", "WHO", "WHAT"), [(moment(h["at"]), h["actor"], h["text"]) for h in happened[left:]])


@incident.command()
@click.argument("number")
@with_api
def why(url: str, token: str, as_json: bool, number: str) -> None:
    """Why its alerts are together, why not elsewhere, and why one of them is the root."""
    api, path = Api(url, token), f"/api/v1/incidents/{checked_number(number)}"
    items = _all_of(api, f"{path}/why")
    if as_json:
        shown({"items": items, "next": None})
        return
    for line in explained(api.call("GET", path), items):
        click.echo(printable(line))


@incident.command()
@click.argument("number")
@with_api
def plan(url: str, token: str, as_json: bool, number: str) -> None:
    """What was promised, what fired, and what will fire when and to whom."""
    found = Api(url, token).call("GET", f"/api/v1/incidents/{checked_number(number)}/plan")
    if as_json:
        shown(found)
        return
    if found["held"]:
        click.echo(printable(f"steps wait until {moment(found['held']['until'])}: {found['held']['why']['text']}"))
    rows = [
        (moment(s["due_at"]) if s["due_at"] else "-", s["step"], s["targets"], s["outcome"] or "to come", _why_so(s))
        for s in found["items"]
    ]
    table(("DUE", "STEP", "WHO", "OUTCOME", "WHY"), rows)


def _why_so(step: dict[str, Any]) -> str:
    return step["why"]["text"] if step["why"] else ""


def _all_of(api: Api, path: str) -> list[dict[str, Any]]:
    """A list to its end, page by page."""
    page = api.call("GET", path, query={"limit": 500})
    items: list[dict[str, Any]] = page["items"]
    for _ in range(_PAGES):
        if not page["next"]:
            break
        page = api.call("GET", path, query={"limit": 500, "cursor": page["next"]})
        items += page["items"]
    return items


@incident.command()
@click.argument("number")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Its name (default: that of FILE).")
@with_api
def attach(url: str, token: str, as_json: bool, number: str, file: Path, name: str | None) -> None:
    """Attach FILE: at most 10 MiB, and 50 MiB for one incident."""
    api, path = Api(url, token), f"/api/v1/incidents/{checked_number(number)}/attachments"
    kind = mimetypes.guess_type(name or file.name)[0] or "application/octet-stream"
    request = api.request("POST", path, query={"name": name or file.name}, more={"Content-Type": kind})
    request.data = file.read_bytes()
    with api.open(request, DEADLINE_S) as response:
        found = json.loads(response.read())
    if as_json:
        shown(found)
    else:
        click.echo(f"{found['id']}  {found['name']}  {found['size']} bytes")


@incident.command()
@click.argument("number")
@with_api
def attachments(url: str, token: str, as_json: bool, number: str) -> None:
    """The files of an incident."""
    found = Api(url, token).call("GET", f"/api/v1/incidents/{checked_number(number)}/attachments")
    if as_json:
        shown(found)
        return
    rows = [(a["id"], a["size"], moment(a["at"]), a["by"], a["name"]) for a in found["items"]]
    table(("ID", "BYTES", "AT", "BY", "NAME"), rows)


@incident.command(short_help="Write the file of an attachment.")
@click.argument("number")
@click.argument("attachment", type=int)
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@with_api
def download(url: str, token: str, as_json: bool, number: str, attachment: int, to: Path) -> None:
    """Write the file of an attachment; one that is there is not written over."""
    api, path = Api(url, token), f"/api/v1/incidents/{checked_number(number)}/attachments/{attachment}"
    if to.exists():
        leave(f"{to} is there already: name another file")
    with api.open(api.request("GET", path), DEADLINE_S) as response:
        content = response.read()
    to.write_bytes(content)
    if as_json:
        shown({"to": str(to), "size": len(content)})
    else:
        click.echo(f"{to}  {len(content)} bytes")


def checked_number(number: str) -> str:
    """A number of an incident, fit for a path; `inc-…` is taken for `INC-…`. Raises click.UsageError."""
    number = number.upper()
    if not re.fullmatch(r"INC-[0-9A-Z-]{1,40}", number):
        raise click.UsageError(
            f"{number!r} is no number of an incident: write it whole, as INC-20260302-0001 (`tocsin incident list`)"
        )
    return number
