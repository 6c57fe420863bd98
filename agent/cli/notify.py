"""`tocsin notify test`: sends one message to a person the way a page would go."""

import asyncio
from typing import TYPE_CHECKING

import click

from agent.cli import options
from agent.cli.ending import CONFIGURATION, FAILED, leave

if TYPE_CHECKING:
    from agent.configuration.config import Config
    from escalation.roles import Contact


@click.group()
def notify() -> None:
    """Try the channels by which people are told."""


@notify.command("test", short_help="Send a test message to a person now.")
@click.option("--person", required=True, help="Whom to tell.")
@click.option("--notifier", help="By this channel alone; default: by each of the person's contacts.")
@options.config_dir
def test(person: str, notifier: str | None, config_dir: str) -> None:
    """Send a test message now, without a daemon; says of each channel whether it took it."""
    from agent.configuration.faults import ConfigFaults
    from agent.configuration.load import load

    try:
        config = load(config_dir)
    except ConfigFaults as faults:
        leave(str(faults), CONFIGURATION)
    if person not in config.people:
        raise click.UsageError(f"there is no person {person!r}: {', '.join(config.people)}")
    contacts = [c for c in config.people[person].contacts if notifier in (None, c.notifier)]
    if not contacts:
        leave(
            f"{person} has no contact{f' by {notifier}' if notifier else ''}: write one in people.yaml", CONFIGURATION
        )
    if asyncio.run(_send_all(config, person, contacts)):
        raise SystemExit(FAILED)


async def _send_all(config: "Config", person: str, contacts: "list[Contact]") -> int:
    """Try each contact; return how many failed."""
    failed = 0
    for contact in contacts:
        problem = await _send(config, person, contact)
        click.echo(f"{contact.notifier} to {contact.to}: {problem or 'delivered'}")
        failed += problem is not None
    return failed


async def _send(config: "Config", person: str, contact: "Contact") -> str | None:
    """Send one message; return why it did not arrive."""
    import secrets

    from agent.configuration import plugins
    from escalation.delivery import PageToSend, Undeliverable
    from escalation.message import compose
    from escalation.page_facts import PageFacts

    facts = PageFacts(
        number="TEST",
        title="Tocsin",
        severity=4,
        state="new",
        category="",
        group="",
        assignee=None,
        opened_at=None,
        resolved_at=None,
        response_due_at=None,
        resolve_due_at=None,
        step="test",
        role="",
        target=person,
        reason={"code": "test", "facts": {}},
    )
    page = PageToSend(
        page=0,
        key=secrets.token_hex(20),
        incident="TEST",
        step="test",
        target=person,
        to=contact.to,
        attempt=1,
        notifier=contact.notifier,
        message=compose(facts, config.people[person].language),
    )
    own = config.notifiers[contact.notifier]
    channel = plugins.notifier(own.type).Notify(own)
    try:
        async with asyncio.timeout(30):
            await channel.send(page)
    except Undeliverable as error:
        return str(error)
    except TimeoutError:
        return "no answer within 30 s"
    finally:
        await channel.close()
    return None
