"""`tocsin watch`: what changes, as it happens."""

import json
from http.client import HTTPException
from urllib.request import urlopen

import click

from agent.cli.client import DEADLINE_S, Api, with_api
from agent.cli.ending import UNREACHABLE, leave
from agent.cli.showing import moment
from agent.clock import SystemClock
from collectors.moment import moment_text

_SILENT_S = 60.0
"""The daemon gives a sign of life every 15 s; after a minute without one the connection is dead."""


@click.command()
@with_api
def watch(url: str, token: str, as_json: bool) -> None:
    """Print what happens to incidents until interrupted: when it was heard, of which, what, and its title."""
    api, titles = Api(url, token), dict[str, str]()
    request = api.request("GET", "/api/v1/events")
    try:
        with api.open(request, _SILENT_S) as lines:
            for line in lines:
                _tell(line.decode().rstrip("\n"), api, titles, as_json)
    except KeyboardInterrupt:
        return
    except OSError as error:
        leave(f"the connection was lost: {error}", UNREACHABLE)
    leave("the daemon has ended the connection", UNREACHABLE)


def _tell(line: str, api: Api, titles: dict[str, str], as_json: bool) -> None:
    if line == "event: resync":
        click.echo("some events were missed", err=True)
    if not line.startswith('data: {"'):
        return
    data = line.removeprefix("data: ")
    if as_json:
        click.echo(data)
        return
    event = json.loads(data)
    number = event["number"]
    title = titles[number] = titles.get(number) or _title(api, number)
    click.echo(f"{moment(moment_text(SystemClock().now()) or '')}  {number}  {event['kind']}  {title}".rstrip())


def _title(api: Api, number: str) -> str:
    """What an incident is called; nothing where the API does not say: what happens is told all the same."""
    try:
        with urlopen(api.request("GET", f"/api/v1/incidents/{number}"), timeout=DEADLINE_S) as response:
            return str(json.loads(response.read())["title"])
    except (OSError, HTTPException, ValueError):
        return ""
