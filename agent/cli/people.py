"""`tocsin person erase`: nothing names a person any more, and the evidence stays whole."""

import click

from agent.cli.client import Api, with_api
from agent.cli.printing import shown


@click.group()
def person() -> None:
    """What is stored of people."""


@person.command(short_help="Erase a person from all that is stored.")
@click.argument("name")
@click.option("--also", multiple=True, help="Another name, address or number of theirs; may be repeated.")
@click.option("--alerts", is_flag=True, help="Also in what alerts carry and what their sources sent.")
@with_api
def erase(url: str, token: str, as_json: bool, name: str, also: tuple[str, ...], alerts: bool) -> None:
    """Erase NAME (an id of people.yaml, or the name of a reporter) from everything that is stored. For ops."""
    found = Api(url, token).call(
        "POST", "/api/v1/people/erase", {"person": name, "also": list(also), "alerts": alerts}, deadline_s=None
    )
    if as_json:
        shown(found)
        return
    for table, count in found["rows"].items():
        click.echo(f"{count} row(s) of {table}")
    click.echo(f"erased as {found['erased_as']}" if found["rows"] else "nothing that is stored names them")
    for file in found["still_in"]:
        click.echo(f"{file} still names them: take them out, and reload")
