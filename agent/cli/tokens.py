"""`tocsin token create|list|revoke`: on the store itself, also beside a running daemon."""

import asyncio
import difflib
import json
import re
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from agent.cli import options
from agent.cli.ending import FAILED, UNREACHABLE, leave
from agent.cli.printing import table

T = TypeVar("T")
_SOURCE = re.compile("[a-z0-9][a-z0-9_.-]*")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def token() -> None:
    """Tokens of people and sources."""


@token.command()
@click.option("--person", help="A person of people.yaml.")
@click.option("--source", help="A source of tocsin.yaml.")
@click.option("--role", "roles", multiple=True, help="A role that the token itself carries, beside the person's.")
@click.option(
    "--config.dir",
    "config_dir",
    default=None,
    help="Look here whether there is such a person or source: no store has it.",
)
@options.storage
def create(
    person: str | None, source: str | None, roles: tuple[str, ...], config_dir: str | None, storage_url: str
) -> None:
    """Print a new token, once: only its hash is kept."""
    from agent import tokens
    from agent.clock import SystemClock
    from escalation.roles import ROLES, SECOND

    if (person is None) == (source is None):
        raise click.UsageError("write --person or --source, one of them")
    unknown = sorted(set(roles) - set(ROLES) | ({SECOND} & set(roles)))
    if unknown:
        raise click.UsageError(f"{unknown[0]!r} is no role that a token can carry: {', '.join(ROLES[:-1])}")
    if source is not None and not _SOURCE.fullmatch(source):
        raise click.UsageError(f"{source!r} is no name of a source: write a-z, 0-9, _ . -")
    if source is not None and roles:
        raise click.UsageError("a source has no roles")
    if person == "admin" and not roles:
        roles = tokens.FIRST_ROLES
    made = tokens.create(storage_url, person=person, source=source, roles=roles, now=SystemClock().now())
    click.echo(_done(made))
    file, key, name = ("people.yaml", "people", person) if person else ("tocsin.yaml", "sources", source)
    known = _written(config_dir, key) if config_dir is not None else _done(tokens.names_of(storage_url, file, key))
    if known and not roles and name not in known:
        click.echo(
            f"note: {file} has no {name!r}{_meant(str(name), known)}: until it has, the token is refused", err=True
        )


def _written(config_dir: str, key: str) -> list[str]:
    """The people or sources of a directory; none where it has faults, which keep nobody from a token."""
    from agent.configuration.faults import ConfigFaults
    from agent.configuration.load import load

    try:
        config = load(config_dir)
    except ConfigFaults as faults:
        click.echo(f"note: {faults.faults[0]}; whether there is such a {key} is not known", err=True)
        return []
    return sorted(config.people if key == "people" else config.sources)


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


@token.command("list")
@_JSON
@options.storage
def list_tokens(storage_url: str, as_json: bool) -> None:
    """All tokens, also those that were revoked."""
    from agent import tokens
    from collectors.moment import moment_text

    rows = [
        {
            "id": t.id,
            "person": t.person,
            "source": t.source,
            "roles": [r for r in t.roles.split(",") if r],
            "created_at": moment_text(t.created_at),
            "created_by": t.created_by,
            "expires_at": moment_text(t.expires_at),
            "revoked_at": moment_text(t.revoked_at),
        }
        for t in _done(tokens.listed(storage_url))
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table(
        ("ID", "PERSON", "SOURCE", "ROLES", "CREATED", "REVOKED"),
        [(r["id"], r["person"], r["source"], r["roles"], r["created_at"], r["revoked_at"]) for r in rows],
    )


@token.command()
@click.argument("token_id", metavar="ID")
@options.storage
def revoke(token_id: str, storage_url: str) -> None:
    """End a token; a running daemon refuses it within 2 s."""
    from agent import tokens
    from agent.clock import SystemClock

    _done(tokens.revoke(storage_url, token_id, SystemClock().now()))
    click.echo(f"{token_id} is revoked")


def _done(work: Coroutine[Any, Any, T]) -> T:
    """Run it; end the program where the store cannot be reached (4), or it is newer or has no such token (1)."""
    from agent.storage.migrate import NewerSchema
    from agent.storage.writer import StoreDown
    from agent.tokens import NoStore, NoSuchToken

    try:
        return asyncio.run(work)
    except (NoSuchToken, NewerSchema) as error:
        leave(str(error), FAILED)
    except (NoStore, StoreDown) as error:
        leave(str(error), UNREACHABLE)
