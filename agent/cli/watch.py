"""`tocsin watch`: what changes, as it happens."""

import json

import click

from agent.cli.client import Api, with_api
from agent.cli.ending import UNREACHABLE, leave

_SILENT_S = 60.0
"""The daemon gives a sign of life every 15 s; after a minute without one the connection is dead."""


@click.command()
@with_api
def watch(url: str, token: str, as_json: bool) -> None:
    """Print what happens to incidents until interrupted."""
    api = Api(url, token)
    request = api.request("GET", "/api/v1/events")
    try:
        with api.open(request, _SILENT_S) as lines:
            for line in lines:
                _tell(line.decode().rstrip("\n"), as_json)
    except KeyboardInterrupt:
        return
    except OSError as error:
        leave(f"the connection was lost: {error}", UNREACHABLE)
    leave("the daemon has ended the connection", UNREACHABLE)


def _tell(line: str, as_json: bool) -> None:
    if line == "event: resync":
        click.echo("some events were missed", err=True)
    if not line.startswith('data: {"'):
        return
    data = line.removeprefix("data: ")
    if as_json:
        click.echo(data)
        return
    event = json.loads(data)
    click.echo(f"{event['number']}  {event['kind']}")
